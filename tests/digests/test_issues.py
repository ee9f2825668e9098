"""Issues: when they are closed, what is in them, and who gets them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import count, pairwise
from pathlib import Path

import pytest
from digest_rig import LATER, Digests

from listserv_py.cli.rosters import read_roster, write_roster
from listserv_py.control import rosters
from listserv_py.lists.digests import OwnHour, next_day, next_issue, next_own
from listserv_py.lists.options import Options
from listserv_py.lists.values import Digest, Frequency
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store import issues
from listserv_py.store.connect import SqliteError
from listserv_py.store.people import People

DAY, HOUR = timedelta(days=1), timedelta(hours=1)


def subjects(*numbers: int) -> list[str]:
    return [f"Number {number}" for number in numbers]


def test_each_post_is_in_one_issue_and_the_numbers_rise(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "ann@x.org", "dig@x.org || DIGEST")
    for day in range(3):
        for number in (1, 2):
            stage.post(day * 10 + number)
        stage.now += DAY
        stage.run_timers()
        stage.run_timers()
    rows = stage.db.execute("SELECT volume, number, posts FROM digest_issue").fetchall()
    assert rows == [(2026, 1, 2), (2026, 2, 2), (2026, 3, 2)]
    collected = [one for _, _, found in stage.issues() for one in found]
    assert Counter(collected) == Counter(subjects(1, 2, 11, 12, 21, 22))
    assert stage.db.execute("SELECT count(*) FROM digest_content").fetchone() == (0,)


def test_the_queue_shows_an_issue_by_its_subject(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST")
    stage.post(1)
    stage.now += DAY
    stage.run_timers()
    waiting = [one for one in stage.tx.outbox.view() if one.kind == "digest"]
    detail = stage.tx.outbox.show(waiting[0].id)
    assert detail is not None
    assert detail.head == "Subject: TEST-L Digest - 22 Nov 2026 to 22 Nov 2026 (#2026-1)"


def test_nothing_is_collected_for_nobody(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "ann@x.org")
    stage.post(1)
    assert stage.db.execute("SELECT count(*) FROM digest_post").fetchone() == (0,)
    stage.now += DAY
    stage.run_timers()
    assert stage.issues() == []


def test_a_full_issue_goes_out_before_its_time(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", sets=("Digest= Yes,Same,Weekly,Size(5)",))
    stage.post(1, "a\r\nb")
    stage.post(2, "a\r\nb\r\nc")
    stage.post(3)
    assert [found for _, _, found in stage.issues()] == [subjects(1, 2)]


def test_an_hour_that_the_owner_changes_counts_at_once(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", sets=("Digest= Yes,Same,Weekly,Monday",))
    stage.run_timers()
    stage.post(1)
    found = stage.tx.lists.get("TEST-L")
    header = stage.db.execute("SELECT header FROM list").fetchone()[0]
    stage.tx.lists.update(found, header.replace("Weekly,Monday", "Daily,13:00"), stage.now)
    stage.run_timers()
    assert stage.issues() == []
    stage.now += HOUR
    stage.run_timers()
    assert [found for _, _, found in stage.issues()] == [subjects(1)]


def test_a_clock_that_went_wrong_holds_no_issue_back(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST")
    right = stage.now
    stage.now += timedelta(days=3000)
    stage.post(1)
    stage.run_timers()
    stage.now = right
    stage.run_timers()
    stage.post(2)
    stage.now += DAY
    stage.run_timers()
    assert [found for _, _, found in stage.issues()] == [subjects(1, 2)]


def test_after_a_week_without_a_server_there_is_one_issue(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST")
    stage.post(1)
    stage.now += timedelta(days=7)
    stage.run_timers()
    stage.post(2)
    stage.now += DAY
    stage.run_timers()
    assert [found for _, _, found in stage.issues()] == [subjects(1), subjects(2)]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("SET TEST-L NODIGEST", ["TEST-L Digest - 22 Nov 2026 to 22 Nov 2026 - Unfinished"]),
        ("SET TEST-L MAIL", ["TEST-L Digest - 22 Nov 2026 to 22 Nov 2026 - Unfinished"]),
        ("SET TEST-L NOMAIL", []),
        ("SET TEST-L INDEX", []),
        ("SIGNOFF TEST-L", []),
    ],
)
def test_who_leaves_digests_gets_the_unfinished_one(
    tmp_path: Path, line: str, expected: list[str]
) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST")
    stage.post(1)
    stage.post(2)
    stage.command("dig@x.org", line)
    assert [subject for _, subject, _ in stage.issues()] == expected
    assert all(found == subjects(1, 2) for _, _, found in stage.issues())


MANY_WAYS = (
    *("DIGEST", "DIGEST AT 07:00", "NODIGEST", "DIGEST AT 07:00", "DIGEST", "NODIGEST"),
    *("MAX 1/DAY", "DIGEST", "NODIGEST NOMAX", "MAX 1/DAY", "NOMAX", "INDEX", "MAIL"),
)


def test_who_turns_digests_on_and_off_has_each_post_once(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", "other@x.org || DIGEST", "ann@x.org")
    stage.post(1)
    stage.command("dig@x.org", "SET TEST-L NODIGEST")
    assert [found for _, _, found in stage.issues()] == [subjects(1)]
    stage.delivered()
    for said in ("DIGEST", "NODIGEST", "DIGEST", "NODIGEST", *MANY_WAYS):
        stage.command("dig@x.org", f"SET TEST-L {said}")
    stage.command("ann@x.org", "SET TEST-L DIGEST")
    stage.command("ann@x.org", "SET TEST-L NODIGEST")
    assert stage.issues() == [], "nobody is sent again what he has had, singly or unfinished"
    stage.command("ann@x.org", "SET TEST-L INDEX")
    stage.post(2)
    stage.command("ann@x.org", "SET TEST-L NOINDEX")
    assert [(who, found) for who, _, found in stage.issues()] == [("ann", subjects(2))]
    stage.now += DAY
    stage.run_timers()
    assert stage.db.execute("SELECT count(*) FROM digest_had").fetchone() == (0,)


def test_who_leaves_while_an_issue_is_on_its_way_gets_it(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", "two@x.org || DIGEST")
    stage.post(1)
    stage.now += DAY
    stage.run_timers()
    stage.command("dig@x.org", "SET TEST-L NODIGEST")
    assert [(who, found) for who, _, found in stage.issues()] == [
        ("dig", subjects(1)),
        ("two", subjects(1)),
    ]


def test_who_goes_back_and_forth_while_a_post_is_on_its_way_misses_nothing(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "two@x.org || DIGEST", "joe@x.org", sets=("Validate= No",))
    stage.post(1)
    stage.db.execute("UPDATE mailing SET state = 'done'")
    stage.post(2)
    stage.command("joe@x.org", "SET TEST-L DIGEST")
    stage.db.execute("UPDATE mailing SET state = 'done'")  # it has gone past him
    stage.command("joe@x.org", "SET TEST-L NODIGEST")
    assert [(who, found) for who, _, found in stage.issues()] == [("joe", ["Number 2"])]
    stage.close()


@pytest.mark.parametrize("said", ["DIGEST", "MAX 1/DAY", "DIGEST AT 07:00"])
def test_a_post_on_its_way_does_not_come_beside_the_unfinished_one(
    tmp_path: Path, said: str
) -> None:
    stage = Digests(tmp_path, "joe@x.org", f"dig@x.org || {said}", sets=("Validate= No",))
    stage.post(1)
    stage.post(2)
    first, second = (one.id for one in stage.tx.sending.running())
    stage.command("dig@x.org", "SET TEST-L NODIGEST NOMAX")
    (_, _, has) = stage.issues()[0]
    had = {1: first, 2: second}
    for number, mailing_id in had.items():
        twice = stage.tx.sending.delivered(mailing_id, 0, LATER)
        assert len(twice) == (f"Number {number}" in has)
    assert has == (["Number 2"] if "MAX" in said else ["Number 1", "Number 2"])
    stage.close()


def test_a_sub_lists_digest_has_what_came_through_the_super_list(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "ann@x.org", sets=("Sub-lists= SUB-L",))
    stage.create("SUB-L", {"set": ["Send= Public"], "subscribers": ["dig@x.org || DIGEST"]})
    stage.post(1)
    stage.now += DAY
    stage.run_timers()
    assert [(who, found) for who, _, found in stage.issues()] == [("dig", subjects(1))]


def test_an_erased_author_is_in_no_issue(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST")
    stage.post(1, From="Ann <ann@example.org>")
    stage.post(2)
    stage.now += DAY
    stage.run_timers()
    stage.post(3, From="Ann <ann@example.org>")
    ann, people = parse_mailbox("ann@example.org"), People(stage.tx)
    assert len(people.stored_about(ann)["posts_in_digests"]) == 1
    people.erase(ann)
    stage.now += DAY
    stage.run_timers()
    assert [found for _, _, found in stage.issues()] == [subjects(2)]
    kept = stage.db.execute("SELECT raw FROM content UNION SELECT raw FROM digest_content")
    assert not any(b"ann@" in bytes(raw) for (raw,) in kept.fetchall())


def test_all_whom_an_owner_takes_out_of_digests_get_the_unfinished_one(tmp_path: Path) -> None:
    people = [f"p{number}@x.org || DIGEST" for number in range(12)]
    stage = Digests(tmp_path, *people, "ann@x.org")
    stage.post(1)
    stage.command("olga@example.org", "SET TEST-L NODIGEST FOR *@x.org")
    assert [found for _, _, found in stage.issues()] == [subjects(1)] * 12
    assert stage.db.execute("SELECT count(*) FROM mailing WHERE kind = 'digest'").fetchone() == (1,)


@pytest.mark.parametrize(
    "line",
    [
        "SET TEST-L DIGEST",
        "SET TEST-L INDEX",
        "SET TEST-L DIGEST AT 7:00",
        "SUB TEST-L WITH DIGEST",
    ],
)
def test_a_list_without_digests_refuses_them(tmp_path: Path, line: str) -> None:
    stage = Digests(tmp_path, "ann@x.org", sets=("Digest= No",))
    sender = "bob@x.org" if line.startswith("SUB") else "ann@x.org"
    stage.command(sender, line)
    assert any(b"sends neither digests nor indexes" in one for one in stage.outgoing())
    stage.command("ann@x.org", "SET TEST-L MAX 1/day")
    stage.run_timers()
    stage.post(1)
    stage.post(2)
    stage.now += DAY
    stage.run_timers()
    assert [(who, found) for who, _, found in stage.issues()] == [("ann", subjects(2))]


def test_what_was_collected_goes_out_though_the_owner_ends_digests(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", sets=("Digest= Yes,Same",))
    stage.run_timers()
    stage.post(1)
    header = stage.db.execute("SELECT header FROM list").fetchone()[0]
    found = stage.tx.lists.get("TEST-L")
    stage.tx.lists.update(found, header.replace("Digest= Yes,Same", "Digest= No"), stage.now)
    stage.run_timers()
    stage.post(2)
    stage.now += DAY
    stage.run_timers()
    assert [found for _, _, found in stage.issues()] == [subjects(1)]


# Hours of people's own.


def test_his_own_hour_has_what_came_since_his_last(tmp_path: Path) -> None:
    stage = Digests(
        tmp_path,
        "at@x.org || DIGEST AT 14:00 Europe/Vienna",
        "too@x.org || DIGEST AT 14:00 Asia/Tokyo",
    )
    stage.run_timers()
    stage.post(1)
    stage.now += HOUR  # 13:00 UTC, 14:00 in Vienna
    stage.run_timers()
    assert [(who, found) for who, _, found in stage.issues()] == [("at", subjects(1))]
    stage.post(2)
    stage.now += timedelta(hours=16)  # 05:00 UTC, 14:00 in Tokyo
    stage.run_timers()
    stage.now += timedelta(hours=8)
    stage.run_timers()
    assert [(who, found) for who, _, found in stage.issues()] == [
        ("at", subjects(1)),
        ("at", subjects(2)),
        ("too", subjects(1, 2)),
    ]


def test_those_who_have_had_the_same_share_one_mailing(tmp_path: Path) -> None:
    people = [f"p{number}@x.org || DIGEST AT 13:00" for number in range(20)]
    stage = Digests(tmp_path, *people)
    stage.run_timers()
    stage.post(1)
    stage.now += HOUR
    stage.run_timers()
    assert len(stage.issues()) == 20
    assert stage.db.execute("SELECT count(*) FROM mailing WHERE kind = 'digest'").fetchone() == (1,)


def test_more_than_so_many_a_day_become_one_digest(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "ann@x.org", "max@x.org || MAX 2/day")
    stage.run_timers()
    for number in range(1, 6):
        stage.post(number)
    assert [one for one, who in stage.singles() if who == "max"] == subjects(1, 2)
    assert len([one for one, who in stage.singles() if who == "ann"]) == 5
    stage.now += DAY
    stage.post(6)
    stage.run_timers()
    assert [(who, found) for who, _, found in stage.issues()] == [("max", subjects(3, 4, 5))]
    assert [one for one, who in stage.singles() if who == "max"] == subjects(1, 2, 6)


def test_who_lifts_his_maximum_gets_what_waits(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "max@x.org || MAX 1/day")
    stage.post(1)
    stage.post(2)
    assert [one for one, _ in stage.singles()] == subjects(1)
    stage.delivered()
    stage.command("max@x.org", "SET TEST-L NOMAX")
    stage.post(3)
    stage.now += DAY
    stage.run_timers()
    assert [(who, found) for who, _, found in stage.issues()] == [("max", subjects(2))]
    assert [one for one, _ in stage.singles()] == subjects(3)


def test_nomail_until_ends_by_itself(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "ann@x.org")
    stage.command("ann@x.org", "SET TEST-L NOMAIL UNTIL 2026-11-25")
    stage.run_timers()
    stage.post(1)
    stage.now = datetime(2026, 11, 24, 23, 59, tzinfo=UTC)
    stage.run_timers()
    stage.post(2)
    assert stage.singles() == []
    stage.now += timedelta(minutes=1)
    stage.run_timers()
    stage.post(3)
    found = stage.tx.subscribers.find(1, parse_mailbox("ann@x.org"))
    assert found is not None
    assert found.options.mail
    assert found.options.until is None
    assert stage.db.execute("SELECT count(*) FROM own_time").fetchone() == (0,)


def test_to_other_hours_nobody_loses_a_post_and_none_has_it_twice(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", sets=("Digest= Yes,Same,Daily,18:00",))
    stage.run_timers()
    stage.post(1)
    stage.command("dig@x.org", "SET TEST-L DIGEST AT 20:00")
    stage.run_timers()
    stage.post(2)
    stage.now = datetime(2026, 11, 22, 20, 0, tzinfo=UTC)
    stage.run_timers()
    got = [one for _, _, found in stage.issues() for one in found]
    stage.delivered()
    stage.post(3)
    stage.command("dig@x.org", "SET TEST-L DIGEST")
    stage.now += DAY
    stage.run_timers()
    got += [one for _, _, found in stage.issues() for one in found]
    assert Counter(got) == Counter(subjects(1, 2, 3))


# The clocks.


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/New_York", "UTC", "Pacific/Apia"])
@pytest.mark.parametrize(("hour", "minute"), [(0, 0), (1, 30), (2, 0), (2, 30), (3, 0), (23, 59)])
def test_each_day_of_a_year_has_one_issue(zone: str, hour: int, minute: int) -> None:
    at, found = datetime(2026, 1, 1, 12, tzinfo=UTC), []
    for _ in range(366):
        at = next_issue(Digest(hour=hour, minute=minute), zone, at)
        found.append(at)
    gaps = Counter(after - before for before, after in pairwise(found))
    assert set(gaps) <= {timedelta(hours=hours) for hours in (23, 24, 25)} | {
        timedelta(hours=23, minutes=30),
        timedelta(hours=24, minutes=30),
    }
    assert gaps[timedelta(hours=24)] >= 361


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Digest(Frequency.WEEKLY, 6, weekday=1), "2026-11-24T06:00"),
        (Digest(Frequency.MONTHLY, day=31), "2026-11-30T00:00"),
        (Digest(Frequency.MONTHLY, 5, day=22), "2026-12-22T05:00"),
        (Digest(Frequency.YEARLY), "2027-01-01T00:00"),
    ],
)
def test_when_an_issue_is_due(rule: Digest, expected: str) -> None:
    found = next_issue(rule, "UTC", datetime(2026, 11, 22, 12, tzinfo=UTC))
    assert found.isoformat()[:16] == expected


def test_an_hour_of_his_own_goes_by_his_zone() -> None:
    noon = datetime(2026, 7, 1, 12, tzinfo=UTC)
    assert next_own(OwnHour(7, 0, "Europe/Vienna"), "UTC", noon).hour == 5
    assert next_own(OwnHour(7, 0), "Asia/Tokyo", noon).hour == 22
    assert next_day("America/New_York", noon).hour == 4


# Crashes.


def test_cut_off_anywhere_an_issue_is_whole_or_not_there(tmp_path: Path) -> None:
    """The database is cut off after so many steps of its machine, as by a kill, then goes on."""
    cut = 0
    for steps in range(3, 3600, 149):
        folder = tmp_path / str(steps)
        folder.mkdir()
        stage = Digests(
            folder, "dig@x.org || DIGEST", "max@x.org || MAX 1/day", "at@x.org || DIGEST AT 23:00"
        )
        stage.run_timers()
        stage.post(1)
        stage.post(2)
        stage.now += DAY
        cut += _interrupted(stage, stage.run_timers, steps)
        stage.run_timers()
        cut += _interrupted(stage, partial(stage.post, 3), steps)
        stage.post(3)
        stage.now += DAY
        stage.run_timers()
        rows = stage.db.execute("SELECT number, posts FROM digest_issue ORDER BY id").fetchall()
        assert rows == [(1, 2), (2, 1)]
        got = [(who, one) for who, _, found in stage.issues() for one in found]
        wanted = {(who, one) for who in ("dig", "at") for one in subjects(1, 2, 3)}
        assert Counter(got) == Counter({*wanted, ("max", "Number 2")})
        stage.close()
    assert cut > 20


def _interrupted(stage: Digests, work: Callable[[], None], steps: int) -> bool:
    """Whether the work was cut off there; what it had not committed is gone."""
    taken = count(1)
    stage.db.conn.set_progress_handler(lambda: next(taken) >= steps, 1)
    try:
        work()
    except SqliteError:
        return True
    finally:
        stage.db.conn.set_progress_handler(None, 0)
        if stage.db.conn.in_transaction:
            stage.db.execute("ROLLBACK")
    return False


def test_the_words_of_set_go_out_and_come_in_again(tmp_path: Path) -> None:
    said = "DIGESTS AT 07:00 Europe/Vienna MAX 10/DAY NOMAIL UNTIL 2027-01-07"
    stage = Digests(tmp_path, f"ann@x.org || {said}", "bob@x.org")
    rows = rosters.page(stage.turn(), rosters.Page("TEST-L"))
    assert " ".join(rows[0].options or ()) == (
        "MAX 10/DAY DIGESTS AT 07:00 Europe/Vienna NOMAIL UNTIL 2027-01-07"
    )
    read = read_roster("".join(write_roster(rows)).encode())
    assert read.faults == ()
    stage.create("OTHER-L", {"set": ["Send= Public"]})
    rosters.take_in(stage.turn(), rosters.Incoming("OTHER-L", read.rows))
    of = {one.name: own.options for one, own in stage.tx.subscribers.of(parse_mailbox("ann@x.org"))}
    assert of["OTHER-L"] == of["TEST-L"]
    assert of["OTHER-L"].at == OwnHour(7, 0, "Europe/Vienna")


@pytest.mark.parametrize(
    "said",
    ["MAX", "MAX 0/DAY", "MAX 10/WEEK", "NOMAIL UNTIL", "NOMAIL UNTIL 2027-02-30",
     "NOMAIL UNTIL 0001-01-01", "NOMAIL UNTIL 9999-12-31", "DIGEST AT",
     "NOMAIL UNTIL 07.01.2027", "DIGEST AT 25:00", "DIGEST AT 7:00 Europe/Atlantis", "NOMAX UNTIL",
     "NOMAIL UNTIL 2026-11-22", "NOMAIL UNTIL 2020-01-07"],
)  # fmt: skip
def test_what_set_cannot_read_changes_nothing(tmp_path: Path, said: str) -> None:
    stage = Digests(tmp_path, "ann@x.org")
    stage.command("ann@x.org", f"SET TEST-L {said}")
    assert stage.db.execute("SELECT count(*) FROM own_time").fetchone() == (0,)
    found = stage.tx.subscribers.find(1, parse_mailbox("ann@x.org"))
    assert found is not None
    assert found.options == Options()


def test_an_hour_of_ones_own_counts_from_the_moment_it_is_set(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "ann@x.org")
    stage.now = stage.now.replace(hour=6, minute=59, second=50)
    stage.command("ann@x.org", "SET TEST-L DIGEST AT 07:00 UTC")
    stage.post(1)
    stage.now += timedelta(seconds=20)
    stage.run_timers()
    assert [found for _, _, found in stage.issues()] == [subjects(1)]


def test_what_nobody_needs_goes_in_slices(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST")
    for number in range(5):
        stage.post(number)
    issues.close(stage.turn(), stage.tx.lists.get("TEST-L"))
    stage.delivered()
    assert [stage.tx.digests.sweep(2) for _ in range(3)] == [True, True, False]
    for table in ("digest_post", "digest_content"):
        assert stage.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - names of ours


def test_a_dropped_list_leaves_nothing_collected(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", "at@x.org || DIGEST AT 07:00")
    stage.post(1)
    stage.command("dig@x.org", "SET TEST-L NODIGEST")
    stage.tx.lists.remove(stage.tx.lists.get("TEST-L"))
    for table in ("digest", "digest_post", "digest_content", "digest_had", "own_time"):
        assert stage.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)  # noqa: S608 - names of ours
