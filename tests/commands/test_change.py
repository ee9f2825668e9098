"""CHANGE: who is asked, what travels along, and how much of it one person can cause."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.commands.syntax import Arguments, read, write
from listserv_py.errors import UserError
from listserv_py.mail.mailbox import parse_mailbox

JOE, NEW, OLGA = "joe@example.net", "joe@new.example", "olga@example.org"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def mail(sender: str, body: str, subject: str = "") -> bytes:
    return (
        f"From: {sender}\r\nTo: listserv@lists.example.org\r\nSubject: {subject}\r\n\r\n{body}\r\n"
    ).encode()


def say_ok(stage: Stage, sender: str) -> list[bytes]:
    stage.take(mail(sender, "ok", f"Re: (C0DE{stage.codes:012X})"))
    return stage.outgoing()


def test_the_record_of_consent_travels_along(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(JOE, "SUBSCRIBE TEST-L Joe Doe WITH NOHTML"))
    say_ok(stage, JOE)
    rows = "SELECT id, name, options, subscribed_at FROM subscriber"
    before = stage.db.execute(rows).fetchall()
    stage.take(mail(JOE, f"CHANGE TEST-L {NEW}"))
    say_ok(stage, JOE)
    say_ok(stage, NEW)
    assert stage.db.execute(rows).fetchall() == before
    assert stage.db.execute("SELECT count(*) FROM consent").fetchone()[0] == 1
    assert f"{NEW} | Joe Doe" in stage.state()


def test_nobody_is_bombed_by_many(stage: Stage) -> None:
    people = [f"p{number}@example.net" for number in range(6)]
    stage.create("TEST-L", {"subscribers": people})
    asked = 0
    for person in people:
        stage.take(mail(person, "CHANGE TEST-L victim@example.org"))
        mails = say_ok(stage, person)
        asked += sum(b"RCPT TO:<victim@" in one for one in mails)
    assert asked == 3


def test_one_sender_asks_few(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [JOE]})
    asked = 0
    for number in range(8):
        stage.take(mail(JOE, f"CHANGE TEST-L victim{number}@example.org"))
        asked += sum(b"RCPT TO:<victim" in one for one in say_ok(stage, JOE))
    assert asked == 5


def test_whoever_has_left_is_not_moved(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [JOE]})
    stage.take(mail(JOE, f"CHANGE TEST-L {NEW}"))
    say_ok(stage, JOE)
    run_job(stage.turn(), parse_mailbox(JOE), "SIGNOFF TEST-L")
    run_job(stage.turn(), parse_mailbox(JOE), "SUBSCRIBE TEST-L Joe Doe")
    stage.outgoing()
    [said] = say_ok(stage, NEW)
    assert b"on none of those lists any more" in said
    assert JOE in stage.state()


def test_the_operator_changes_at_once(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [JOE]})
    said, failed = run_job(stage.turn(), parse_mailbox(JOE), f"CHANGE * {NEW}")
    assert said == f"Your address is now {NEW} on: TEST-L"
    assert not failed


def test_another_spelling_asks_nobody_else(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [JOE]})
    stage.take(mail(JOE, "CHANGE TEST-L Joe@Example.NET"))
    assert b"Your address is now Joe@example.net" in say_ok(stage, JOE)[-1]
    assert '"Joe@example.net"' in stage.state()


def test_a_pattern_says_how_many_it_means(stage: Stage) -> None:
    many = [f"p{number}@old.example" for number in range(30)]
    stage.create("TEST-L", {"subscribers": [*many, "p_1@old.example", JOE]})
    stage.create("OTHER-L", {"owners": [JOE], "subscribers": many})
    stage.take(mail(OLGA, "QUIET CHANGE * p*@OLD.example *@new.example"))
    assert b"Addresses that this changes now: 31" in stage.outgoing()[0]
    say_ok(stage, OLGA)
    assert stage.state().count("@new.example") == 31
    assert stage.state().count("@old.example") == 30


def test_a_line_below_is_no_wildcard(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": ["p_1@old.example", "px1@old.example"]})
    said, _ = run_job(
        stage.turn(), parse_mailbox(OLGA), "QUIET CHANGE TEST-L p_1*@old.example *@new.example"
    )
    assert "Addresses changed: 1" in said
    assert "px1@old.example" in stage.state()


def test_many_are_changed_quietly_only(stage: Stage) -> None:
    many = [f"p{number}@old.example" for number in range(201)]
    stage.create("TEST-L", {"subscribers": many})
    line = "CHANGE TEST-L *@old.example *@new.example"
    assert "201" in run_job(stage.turn(), parse_mailbox(OLGA), line)[0]
    assert "@new" not in stage.state()
    run_job(stage.turn(), parse_mailbox(OLGA), f"QUIET {line}")
    assert "@old" not in stage.state()
    assert stage.outgoing() == []


def test_patterns_are_bounded(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [JOE, f"{'x' * 64}@old.example"]})
    olga = parse_mailbox(OLGA)
    stars = f"QUIET CHANGE TEST-L {'*a' * 9}@* *@new.example"
    assert "10" in run_job(stage.turn(), olga, stars)[0]
    own = "CHANGE TEST-L *@example.net *@lists.example.org"
    assert "address of this server" in run_job(stage.turn(), olga, own)[0]
    host = ".".join(["y" * 60] * 4)
    long = f"QUIET CHANGE TEST-L *@old.example *@{host}"
    assert "not a mail address" in run_job(stage.turn(), olga, long)[0]
    assert "Nobody on your lists" in run_job(stage.turn(), olga, "CHANGE * *@a.b *@c.d")[0]
    assert "@old.example" in stage.state()


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"TEST-L {NEW}", Arguments("TEST-L", new=NEW)),
        (f"* {JOE} <{NEW}>", Arguments("*", person=parse_mailbox(JOE), new=NEW)),
        (
            "TEST-L *@Old.example *@NEW.example",
            Arguments("TEST-L", pattern="*@Old.example", new="*@new.example"),
        ),
        ("TEST-L *@new.example", Arguments("TEST-L", new="*@new.example")),
    ],
)
def test_reading(text: str, said: Arguments) -> None:
    assert read("listname|* change", text) == said
    assert read("listname|* change", write("listname|* change", said)) == said


@pytest.mark.parametrize(
    "text",
    ["TEST-L", "TEST-L * *", f"TEST-L *@* {JOE}", f"TEST-L {JOE} j*@b.c", f"TEST-L {JOE} {NEW} x"],
)
def test_what_cannot_be_read(text: str) -> None:
    with pytest.raises(UserError):
        read("listname|* change", text)
