"""`Renewal= …,Probe` and `Auto-Delete= …,Probe(n)`: mail that needs no answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.times import stamp

JOE, ANN = parse_mailbox("joe@example.net"), parse_mailbox("ann@example.net")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"set": ["Renewal= 6-Monthly,Delay(14),Probe"]})
    for person in (JOE, ANN):
        options = made.tx.lists.get("TEST-L").default_options()
        made.tx.subscribers.add(1, person, "", options, made.now)
        made.now += timedelta(days=30)
    yield made
    made.close()


def days(stage: Stage, count: int) -> list[str]:
    """What goes out in so many days: recipient and subject; all of it arrives."""
    told = []
    for _ in range(count):
        stage.now += timedelta(days=1)
        stage.run_timers()
        mails = [mail.decode() for mail in stage.outgoing()]
        told += [re.findall(r"RCPT TO:<(.*)>|^Subject: (.*)\r$", one, re.M) for one in mails]
    return [f"{found[0][0]}: {found[1][1]}" for found in told]


def settle(stage: Stage, fate: Fate, status: str = "5.1.1", text: str = "no such user") -> None:
    db = stage.db
    db.execute("BEGIN IMMEDIATE")
    waiting = db.execute("SELECT mailing_id, rcpt FROM copy").fetchall()
    done = [Settled(row[0], None, row[1], fate, 550, status, text) for row in waiting]
    stage.tx.sending.record_copies(done, stamp(stage.now))
    db.execute("COMMIT")


def on_list(stage: Stage) -> list[str]:
    return [str(one.mailbox) for one in stage.tx.subscribers.on_list(1)]


def test_a_probe_that_arrives_renews(stage: Stage) -> None:
    told = days(stage, 125)
    assert told == [f"{JOE}: Subscription probe for TEST-L - please ignore"]
    settle(stage, Fate.SENT)
    assert days(stage, 8) == []
    row = stage.db.execute("SELECT active_at, asked_at FROM subscriber WHERE id = 1").fetchone()
    assert row[0] > stamp(stage.now - timedelta(days=20))
    assert row[1] is None
    assert stage.db["probe"].count == 0


def test_a_probe_that_comes_back_asks_and_no_answer_ends_it(stage: Stage) -> None:
    days(stage, 125)
    settle(stage, Fate.REFUSED)
    told = days(stage, 2)
    assert told == [f"{JOE}: Mail to you from the TEST-L list comes back"]
    assert on_list(stage) == [str(JOE), str(ANN)]
    told = days(stage, 16)
    assert f"{JOE}: You have been removed from the TEST-L list" in told
    assert on_list(stage) == [str(ANN)]


def test_a_full_mailbox_is_asked_after_three_probes_only(stage: Stage) -> None:
    told = days(stage, 125)
    for number in range(3):
        assert told == [f"{JOE}: Subscription probe for TEST-L - please ignore"], number
        settle(stage, Fate.REFUSED, "5.2.2", "mailbox full")
        told = days(stage, 8)
    assert told == [f"{JOE}: Mail to you from the TEST-L list comes back"]


def test_one_of_three_that_arrives_renews(stage: Stage) -> None:
    days(stage, 125)
    settle(stage, Fate.REFUSED, "5.2.2", "mailbox full")
    assert len(days(stage, 8)) == 1
    settle(stage, Fate.SENT)
    assert not [one for one in days(stage, 14) if str(JOE) in one]
    assert stage.db["probe"].count == 0


def test_a_host_that_refuses_what_we_say_says_nothing_of_him(stage: Stage) -> None:
    days(stage, 125)
    settle(stage, Fate.REFUSED, "5.7.1", "blocked by policy")
    told = days(stage, 100)
    assert not [one for one in told if str(JOE) in one]
    assert str(JOE) in on_list(stage)


def test_an_answer_keeps_him(stage: Stage) -> None:
    days(stage, 125)
    settle(stage, Fate.REFUSED)
    days(stage, 2)
    raw = (
        f"From: {JOE}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <1@x>\r\nSubject: \r\n\r\n"
        "CONFIRM TEST-L\r\n"
    )
    stage.take(raw.encode())
    days(stage, 30)
    assert str(JOE) in on_list(stage)


def test_a_header_without_probe_asks_nobody_whose_probe_came_back(stage: Stage) -> None:
    days(stage, 125)
    settle(stage, Fate.REFUSED)
    found = stage.tx.lists.get("TEST-L")
    text = str(found.header).replace("Renewal= 6-Monthly,Delay(14),Probe", "Renewal= No")
    stage.tx.lists.update(found, text, stage.now)
    days(stage, 40)
    assert str(JOE) in on_list(stage)


@pytest.mark.parametrize(
    ("every", "over", "expected"),
    [(0, 1, 0), (30, 0, 0), (30, 1, 10), (30, 30, 300), (30, 7, 70)],
)
def test_each_subscribers_day_comes_round(every: int, over: int, expected: int) -> None:
    facts = ListFacts("A", "", "x.org", "l@x.org", stamp=1_800_000_000, verp=False)
    probed = decode(facts.encode().replace('"probe_every": 0', f'"probe_every": {every}'))
    probed = decode(probed.encode().replace('"probe_days": 0', f'"probe_days": {over}'))
    assert sum(probed.probes(number) for number in range(300)) == expected


def test_who_reads_a_list_through_another_is_probed_as_well(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    rules = ["Send= Public", "Misc-Options= NO_VERP", "Auto-Delete= Yes,Probe(30)"]
    stage.create("SUB-L", {"set": rules, "subscribers": [str(JOE)]})
    stage.create("TOP-L", {"set": ["Send= Public", "Sub-lists= SUB-L"], "subscribers": []})
    seen = []
    for number, wait in enumerate((0, 2, 3)):
        stage.now += timedelta(days=wait)
        raw = f"From: olga@example.org\r\nMessage-ID: <{number}@x>\r\n\r\nText {number}\r\n"
        stage.take(raw.encode(), {"rcpt": "top-l@lists.example.org"})
        rows = stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post' ORDER BY id DESC")
        facts = next(one for one in (decode(row[0]) for row in rows) if one.listname == "SUB-L")
        seen.append((facts.probe_every, facts.probe_days))
    assert seen == [(30, 1), (30, 2), (30, 3)]
    stage.close()


def test_posts_of_a_list_without_verp_probe_a_few(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    rules = ["Send= Public", "Misc-Options= NO_VERP", "Auto-Delete= Yes,Probe(30)"]
    stage.create("TEST-L", {"set": rules, "subscribers": [str(JOE)]})
    seen = []
    for number, wait in enumerate((0, 0, 3, 90)):
        stage.now += timedelta(days=wait)
        raw = (
            "From: olga@example.org\r\nTo: test-l@lists.example.org\r\n"
            f"Message-ID: <{number}@x>\r\nSubject: {number}\r\n\r\nText {number}\r\n"
        )
        stage.take(raw.encode())
        row = stage.db.execute("SELECT facts FROM mailing WHERE kind = 'post' ORDER BY id DESC")
        facts = decode(row.fetchone()[0])
        seen.append((facts.probe_every, facts.probe_days))
    assert seen == [(30, 1), (30, 0), (30, 3), (30, 30)]
    stage.close()
