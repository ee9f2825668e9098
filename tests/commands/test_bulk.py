"""Many people at once: who may, how many, who is told, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from ceiling import ceiling
from stage import Stage

from listserv_py.commands.bulk import TOLD_MAX
from listserv_py.commands.interpreter import COMMANDS_MAX, WAITING_MAX, run_job
from listserv_py.mail.mailbox import parse_mailbox

OLGA = "olga@example.org"
CODE = "C0DE000000000001"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def mail(body: str, sender: str = OLGA, number: int = 1) -> bytes:
    head = f"From: {sender}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <{number}@x>\r\n\r\n"
    return (head + body.replace("\n", "\r\n")).encode()


def dataset(count: int) -> str:
    rows = "".join(f"person{number}@example.com Anna Miller\n" for number in range(count))
    return f"//X DD *\n{rows}/*"


def count(stage: Stage) -> int:
    return stage.tx.subscribers.count(stage.tx.lists.get("TEST-L").id)


def confirmed(stage: Stage, body: str) -> str:
    """Send it, say ok, and what is answered then."""
    stage.take(mail(body))
    asked = stage.outgoing()
    assert [one.split(b"\r\n")[0] for one in asked] == [b"[confirmation]"]
    stage.take(mail(f"OK {CODE}", number=2))
    return b"\n".join(one for one in stage.outgoing() if one.startswith(b"[reply]")).decode()


def test_a_hundred_thousand_in_one_turn(stage: Stage) -> None:
    """The turn itself, without what was read before it, must not hold others up for long."""
    stage.create("TEST-L", {})
    stage.take(mail(f"QUIET ADD TEST-L DD=X IMPORT PRELOAD\n{dataset(100_000)}"))
    assert len(stage.outgoing()) == 1
    with ceiling():
        stage.take(mail(f"OK {CODE}", number=2))
    assert count(stage) == 100_000
    (reply,) = stage.outgoing()
    assert b"100000 added to the TEST-L list" in reply


def test_what_waits_is_gone_with_its_code(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(f"QUIET ADD TEST-L DD=X\n{dataset(3)}"))
    kept = stage.db.execute("SELECT payload FROM cookie").fetchone()[0]
    assert "person1@example.com" in kept
    stage.take(mail(f"OK {CODE}", number=2))
    assert stage.db.execute("SELECT payload FROM cookie").fetchone()[0] == ""


def test_what_waits_in_vain_is_forgotten(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(f"QUIET ADD TEST-L DD=X\n{dataset(3)}"))
    stage.now += stage.settings.limits.confirmation_age + timedelta(minutes=1)
    stage.run_timers()
    assert stage.db.execute("SELECT count(*) FROM cookie").fetchone()[0] == 0


def test_too_many_notices(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(f"ADD TEST-L DD=X\n{dataset(TOLD_MAX + 1)}"))
    (reply,) = stage.outgoing()
    assert f"may mean up to {TOLD_MAX}".encode() in reply
    assert count(stage) == 0


def test_each_is_told(stage: Stage) -> None:
    stage.create("TEST-L", {})
    for line, subject in (
        ("ADD TEST-L DD=X", b"Subject: You have been added to the TEST-L list"),
        ("DELETE TEST-L DD=X", b"Subject: You have been removed from the TEST-L list"),
    ):
        run_job(stage.turn(), parse_mailbox(OLGA), f"{line}\n{dataset(3)}")
        notices = stage.outgoing()
        assert len(notices) == 3
        assert all(subject in one for one in notices)


@pytest.mark.parametrize("line", ["QUIET ADD TEST-L DD=X", "ADD TEST-L DD=X IMPORT"])
def test_nobody_is_told(stage: Stage, line: str) -> None:
    stage.create("TEST-L", {})
    said, failed = run_job(stage.turn(), parse_mailbox(OLGA), f"{line}\n{dataset(3)}")
    assert not failed
    assert said.startswith("3 added")
    assert stage.outgoing() == []


def test_names_of_those_who_are_there(stage: Stage) -> None:
    people = ["a@example.com | Ann | NOHTML", "b@example.com | Bob", "c@example.com | Cid"]
    stage.create("TEST-L", {"subscribers": people})
    rows = "//X DD *\nA@example.com Anne\nb@example.com\nc@example.com Cid\nd@example.com *\n/*"
    said, _ = run_job(stage.turn(), parse_mailbox(OLGA), f"QUIET ADD TEST-L DD=X\n{rows}")
    told = " ".join(said.split())
    assert told == "1 added to the TEST-L list, 1 given another name, 2 there already."
    state = stage.state()
    assert '"a@example.com | Anne | NOHTML"' in state
    assert '"b@example.com | Bob"' in state
    assert '"d@example.com"' in state


def test_all_or_nothing(stage: Stage) -> None:
    stage.create("TEST-L", {"set": ["Limits= SUB(3)"]})
    said, failed = run_job(
        stage.turn(), parse_mailbox(OLGA), f"QUIET ADD TEST-L DD=X\n{dataset(4)}"
    )
    assert failed
    assert "as many subscribers as it may have" in said
    assert count(stage) == 0


def test_our_own_address(stage: Stage) -> None:
    stage.create("TEST-L", {})
    rows = "//X DD *\na@example.com\nowner-test-l@lists.example.org\n/*"
    _, failed = run_job(stage.turn(), parse_mailbox(OLGA), f"QUIET ADD TEST-L DD=X\n{rows}")
    assert failed
    assert count(stage) == 0


def test_more_lines_than_a_stranger_may_send(stage: Stage) -> None:
    """Twenty commands are for strangers: one code confirms all of an owner's lines."""
    stage.create("TEST-L", {})
    lines = "\n".join(f"QUIET ADD TEST-L p{number}@example.com" for number in range(100))
    said = confirmed(stage, lines)
    assert said.count("has been added") == 100
    assert count(stage) == 100


def test_an_owners_lines_have_an_end(stage: Stage) -> None:
    stage.create("TEST-L", {})
    many = WAITING_MAX + 1
    lines = (f"{'QUIET ' * (n % 2)}ADD TEST-L p{n}@example.com" for n in range(many))
    stage.take(mail("\n".join(lines)))
    kinds = [one.split(b"\r\n")[0] for one in stage.outgoing()]
    assert kinds == [b"[confirmation]", b"[reply]"]


def test_what_an_owner_says_for_himself_counts(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [OLGA]})
    stage.take(mail("QUERY TEST-L\n" * (COMMANDS_MAX + 1)))
    (reply,) = stage.outgoing()
    assert reply.count(b"Subscription options") == COMMANDS_MAX
    assert b"have been flushed" in reply


def test_the_change_log_has_each_of_them(stage: Stage) -> None:
    stage.create("TEST-L", {"set": ["Change-Log= Yes"], "subscribers": ["person0@example.com"]})
    olga = parse_mailbox(OLGA)
    run_job(stage.turn(), olga, f"QUIET ADD TEST-L DD=X\n{dataset(2)}")
    run_job(stage.turn(), olga, f"QUIET DELETE TEST-L DD=X\n{dataset(1)}")
    log = stage.tx.changelog
    found = log.lines(None, stage.now, stage.now + timedelta(days=1))
    assert [line.partition(" ")[2] for line in found] == [
        "ADD person1@example.com TEST-L Anna Miller",
        "READD person0@example.com TEST-L Anna Miller",
        "DELETE person0@example.com TEST-L",
    ]
    assert log.check().broken is None
