"""The change log: what is noted, who reads it, that it cannot be altered, and what is forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import NOW, Stage

import listserv_py
from listserv_py.commands.interpreter import run_job
from listserv_py.control.rosters import Incoming, Row, take_in
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.changelog import Verb
from listserv_py.store.people import People

OLGA, JOE, ADMIN = map(parse_mailbox, ("olga@example.org", "joe@example.net", "admin@example.org"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"set": ["Change-Log= Yes,Monthly"]})
    made.create("QUIET-L", {})
    yield made
    made.close()


def run(stage: Stage, line: str, actor: str = "olga@example.org") -> str:
    return run_job(stage.turn(), parse_mailbox(actor), line)[0]


def log(stage: Stage, name: str = "") -> list[str]:
    mailing_list = stage.tx.lists.get(name) if name else None
    last = stage.now + timedelta(days=1)
    return list(stage.tx.changelog.lines(mailing_list, NOW - timedelta(days=900), last))


def note(stage: Stage, address: str, rest: str = "") -> None:
    mailing_list = stage.tx.lists.get("TEST-L")
    stage.tx.changelog.note(mailing_list, Verb.ADD, parse_mailbox(address), rest, stage.now)


def check(stage: Stage) -> str | None:
    return stage.tx.changelog.check().broken


def test_each_deed_is_a_line(stage: Stage) -> None:
    run(stage, "ADD TEST-L joe@example.net Joe Doe")
    run(stage, "ADD TEST-L joe@example.net Joseph Doe")
    run(stage, "SET TEST-L NOMAIL repro", "joe@example.net")
    run(stage, "SUBSCRIBE TEST-L Joe", "joe@example.net")
    run(stage, "CHANGE TEST-L joe@example.net jd@example.net")
    run(stage, "SIGNOFF TEST-L", "jd@example.net")
    run(stage, "SUBSCRIBE TEST-L Ann Other", "ann@example.net")
    run(stage, "DELETE TEST-L ann@example.net")
    assert [line.partition(" ")[2] for line in log(stage, "TEST-L")] == [
        "ADD joe@example.net Joe Doe",
        "READD joe@example.net Joseph Doe",
        "SET joe@example.net NOMAIL REPRO",
        "RESUBSCRIBE joe@example.net Joe",
        "CHANGE joe@example.net jd@example.net",
        "SIGNOFF jd@example.net",
        "SUBSCRIBE ann@example.net Ann Other",
        "DELETE ann@example.net",
    ]
    assert log(stage, "TEST-L")[0].startswith("20261122120000 ADD ")


DEEDS = re.compile(r"subscribers\.(add|add_many|remove|remove_many|move|save)\(")


@pytest.mark.parametrize(
    "path",
    [
        path
        for path in sorted(Path(listserv_py.__file__).parent.rglob("*.py"))
        if DEEDS.search(path.read_text(encoding="utf-8"))
    ],
    ids=lambda path: path.name,
)
def test_who_changes_the_subscribers_notes_it(path: Path) -> None:
    assert "changelog.note" in path.read_text(encoding="utf-8")


def test_an_import_is_so_many_lines(stage: Stage) -> None:
    rows = (Row(1, "joe@example.net", "Joe Doe"), Row(2, "ann@example.net"))
    take_in(stage.turn(), Incoming("TEST-L", rows))
    take_in(stage.turn(), Incoming("QUIET-L", rows))
    assert log(stage) == [
        "20261122120000 ADD joe@example.net TEST-L Joe Doe",
        "20261122120000 ADD ann@example.net TEST-L",
    ]


def test_a_list_that_does_not_want_it_has_none(stage: Stage) -> None:
    run(stage, "ADD QUIET-L joe@example.net Joe Doe")
    assert log(stage) == []
    assert "has no lines" in run(stage, "GET QUIET-L CHANGELOG")


def test_a_refused_deed_is_no_line(stage: Stage) -> None:
    run(stage, "DELETE TEST-L joe@example.net")
    run(stage, "SET TEST-L NONSENSE", "joe@example.net")
    assert log(stage) == []


@pytest.mark.parametrize(
    "rest", ["two\r\nlines", "19980324100330 ADD x@y.z\x00", "\ud800 half", "x" * 5000]
)
def test_what_a_stranger_wrote_is_one_short_line(stage: Stage, rest: str) -> None:
    note(stage, "joe@example.net", rest)
    [line] = log(stage, "TEST-L")
    assert line.isprintable()
    assert len(line) < 300
    assert check(stage) is None


def test_a_bare_name_is_the_file_of_now(stage: Stage) -> None:
    note(stage, "early@example.net")
    stage.now += timedelta(days=30)
    note(stage, "late@example.net")
    said = run(stage, "GET TEST-L CHANGELOG")
    assert "CHANGELOG-202612" in said
    assert "late@" in said
    assert "early@" not in said
    assert "early@" in run(stage, "GET TEST-L CHANGELOG-202611")
    assert "late@" in run(stage, "GET TEST-L CHANGELOG-202612D")
    assert "late@" not in run(stage, "GET TEST-L CHANGELOG-202612C")


def test_only_owners_read_it(stage: Stage) -> None:
    note(stage, "joe@example.net", "Joe Doe")
    run(stage, "SUBSCRIBE TEST-L", "ann@example.net")
    for line in ("GET TEST-L CHANGELOG", "GET SYSTEM CHANGELOG"):
        assert "Joe Doe" not in run(stage, line, "ann@example.net")
    assert "Joe Doe" in run(stage, "GET TEST-L CHANGELOG")
    assert "Joe Doe" in run(stage, "GET TEST-L CHANGELOG", "admin@example.org")


def test_that_of_the_site_is_for_postmasters(stage: Stage) -> None:
    note(stage, "joe@example.net", "Joe Doe")
    said = run(stage, "GET SYSTEM CHANGELOG", "admin@example.org")
    assert "ADD joe@example.net TEST-L Joe Doe" in said
    assert "SYSTEM" in run(stage, "GET SYSTEM CHANGELOG")
    assert "Joe Doe" not in run(stage, "GET SYSTEM CHANGELOG")


@pytest.mark.parametrize("name", ["TEST-L", "SYSTEM"])
def test_a_from_line_is_not_enough(stage: Stage, name: str) -> None:
    note(stage, "joe@example.net", "Joe Doe")
    stage.take(
        b"From: admin@example.org\r\nTo: listserv@lists.example.org\r\n"
        b"Message-ID: <1@x.example>\r\n\r\nGET %s CHANGELOG\r\n" % name.encode()
    )
    [mail] = stage.outgoing()
    assert b"Subject: Command confirmation request" in mail
    assert b"Joe Doe" not in mail


def test_a_name_that_is_none_is_refused(stage: Stage) -> None:
    for name in ("CHANGELOG-26", "CHANGELOGS", "CHANGELOG-../X"):
        said = run(stage, f"GET TEST-L {name}")
        assert "has no file" in said
        assert "oldest line" not in said


def test_a_long_log_is_cut(stage: Stage) -> None:
    for number in range(2000):
        note(stage, f"{'x' * 60}{number}@{'y' * 60}.example.net", "z" * 200)
    said = run(stage, "GET TEST-L CHANGELOG")
    assert len(said) < 510_000
    assert "ends here" in said


TAMPERING = [
    "UPDATE change_log SET address = 'eve@example.net' WHERE id = 2",
    "UPDATE change_log SET rest = 'Eve' WHERE id = 2",
    "UPDATE change_log SET verb = 'DELETE' WHERE id = 2",
    "UPDATE change_log SET at = at - 60 WHERE id = 2",
    "UPDATE change_log SET listname = 'QUIET-L' WHERE id = 2",
    "UPDATE change_log SET digest = zeroblob(32), salt = NULL WHERE id = 2",
    "DELETE FROM change_log WHERE id = 1",
    "DELETE FROM change_log WHERE id = 2",
    "DELETE FROM change_log WHERE id = 3",
    "UPDATE change_log SET id = 9 WHERE id = 2",
    "INSERT INTO change_log SELECT 9, listname, at, verb, address_key, address, rest, salt,"
    " digest, link FROM change_log WHERE id = 2",
]


@pytest.mark.parametrize("statement", TAMPERING)
def test_tampering_is_found(stage: Stage, statement: str) -> None:
    for name in ("a", "b", "c"):
        note(stage, f"{name}@example.net", name)
    assert check(stage) is None
    stage.db.execute(statement)
    assert check(stage) is not None


def test_who_is_erased_is_in_no_line_and_the_chain_holds(stage: Stage) -> None:
    run(stage, "ADD TEST-L joe@example.net Joe Doe")
    run(stage, "CHANGE TEST-L joe@example.net jd@example.net")
    run(stage, "ADD TEST-L ann@example.net Ann Other")
    before = stage.tx.changelog.check().head
    people = People(stage.tx)
    told = people.stored_about(parse_mailbox("JD@example.net"))["change_log"]
    assert [one["verb"] for one in told] == ["CHANGE"]
    assert parse_mailbox("jd@example.net") in set(people.everybody())
    people.erase(JOE)
    people.erase(parse_mailbox("jd@example.net"))
    assert [line.partition(" ")[2] for line in log(stage, "TEST-L")] == [
        "ADD -",
        "CHANGE -",
        "ADD ann@example.net Ann Other",
    ]
    rows = stage.db.execute("SELECT * FROM change_log WHERE id < 3").fetchall()
    assert "joe" not in repr(rows)
    found = stage.tx.changelog.check()
    assert (found.lines, found.erased, found.head, found.broken) == (3, 2, before, None)


def test_two_lines_that_say_the_same_have_other_digests(stage: Stage) -> None:
    note(stage, "joe@example.net")
    note(stage, "joe@example.net")
    assert stage.db.execute("SELECT count(DISTINCT digest) FROM change_log").fetchone()[0] == 2


def test_a_line_is_kept_for_a_year(stage: Stage) -> None:
    note(stage, "early@example.net")
    stage.now += timedelta(days=300)
    note(stage, "late@example.net")
    head = stage.tx.changelog.check().head
    stage.now += timedelta(days=67)
    stage.run_timers()
    assert [line.split()[2] for line in log(stage)] == ["late@example.net"]
    assert (check(stage), stage.tx.changelog.check().head) == (None, head)
    note(stage, "later@example.net")
    assert check(stage) is None
    stage.now += timedelta(days=400)
    stage.run_timers()
    assert log(stage) == []
    assert check(stage) is None


def test_a_clock_set_back_breaks_nothing(stage: Stage) -> None:
    note(stage, "joe@example.net")
    stage.now -= timedelta(days=400)
    note(stage, "ann@example.net")
    stage.now += timedelta(days=400)
    stage.run_timers()
    assert len(log(stage)) == 2
    assert check(stage) is None


def test_an_empty_log_says_whether_it_is_kept(stage: Stage) -> None:
    assert "as yet" in run(stage, "GET TEST-L CHANGELOG")
    assert "Change-Log= Yes" not in run(stage, "GET TEST-L CHANGELOG")
    assert "keeps none" in run(stage, "GET QUIET-L CHANGELOG")
    assert "on lists whose header" in run(stage, "GET SYSTEM CHANGELOG", str(ADMIN))
