"""Validate= and Subscription= against who asks for what: which lines wait for a code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.mail.mailbox import parse_mailbox

LISTSERV = "listserv@lists.example.org"
JOE, OLGA, EVE, ADMIN = (
    "joe@example.net",
    "olga@example.org",
    "eve@example.com",
    "admin@example.org",
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def mail(sender: str, body: str, subject: str = "", number: int = 1) -> bytes:
    return (
        f"From: {sender}\r\nTo: {LISTSERV}\r\nSubject: {subject}\r\n"
        f"Message-ID: <{number}@example.net>\r\n\r\n{body}\r\n"
    ).encode()


def asks(stage: Stage, sender: str, line: str) -> bool:
    """Whether the only answer is a request for confirmation to the sender himself."""
    stage.take(mail(sender, line))
    mails = stage.outgoing()
    assert all(f"RCPT TO:<{sender}>".encode() in one for one in mails)
    return mails[0].startswith(b"[confirmation]") and len(mails) == 1


# Validate=, sender, line, whether a code is asked for.
CELLS = [
    *[
        (validate, JOE, line, asked)
        for line, freed in [
            ("SIGNOFF TEST-L", ("No",)),
            ("SIGNOFF *", ("No",)),
            ("SET TEST-L NOMAIL", ("No", "Yes,Confirm")),
            ("SET * NOMAIL", ("No", "Yes,Confirm")),
            ("QUERY TEST-L", ("No", "Yes,Confirm", "All,Confirm")),
            ("QUERY *", ("No", "Yes,Confirm", "All,Confirm")),
            ("QUERY TEST-L FOR joe@example.net", ("No", "Yes,Confirm", "All,Confirm")),
            ("REVIEW TEST-L", ("No", "Yes,Confirm")),
            ("SUBSCRIBE TEST-L Joseph", ()),
            ("SIGNOFF * (NETWIDE", ()),
        ]
        for validate in ("No", "Yes,Confirm", "All,Confirm")
        for asked in [validate not in freed]
    ],
    *[
        (validate, sender, line, True)
        for validate in ("No", "Yes,Confirm", "All,Confirm", "All,Confirm,NoPW")
        for sender in (OLGA, ADMIN)
        for line in (
            "ADD TEST-L a@example.com",
            "DELETE TEST-L joe@example.net",
            "DELETE * joe@example.net",
            "SET TEST-L NOMAIL FOR joe@example.net",
            "SET * EDITOR FOR joe@example.net",
            "QUERY TEST-L FOR joe@example.net",
            "REVIEW TEST-L",
            "QUIET DEL TEST-L joe@example.net",
        )
    ],
    *[
        (validate, EVE, line, asked)
        for validate in ("No", "All,Confirm")
        for line, asked in [
            ("ADD TEST-L a@example.com", False),
            ("DELETE TEST-L joe@example.net", False),
            ("SET TEST-L NOMAIL FOR joe@example.net", False),
            ("REVIEW TEST-L", False),
            ("SUBSCRIBE TEST-L Eve", True),
            ("THANKS", False),
        ]
    ],
]


@pytest.mark.parametrize(("validate", "sender", "line", "asked"), CELLS)
def test_validate(stage: Stage, validate: str, sender: str, line: str, asked: bool) -> None:
    told = {
        "set": [f"Validate= {validate}", "Review= Private"],
        "subscribers": [f"{JOE} | Joe Doe"],
    }
    stage.create("TEST-L", told)
    before = stage.state()
    assert asks(stage, sender, line) == asked
    if asked or sender == EVE:
        assert stage.state() == before


def test_an_owner_who_subscribes_needs_a_code_for_his_own_editor_option(stage: Stage) -> None:
    stage.create("TEST-L", {"set": ["Validate= No"], "subscribers": [OLGA]})
    assert asks(stage, OLGA, "SET TEST-L EDITOR")
    assert not asks(stage, OLGA, "SET TEST-L NOMAIL")


@pytest.mark.parametrize(
    ("rule", "asked"),
    [("Open", True), ("Open,Confirm", True), ("By_Owner,Confirm", True), ("Closed", False)],
)
def test_joining(stage: Stage, rule: str, asked: bool) -> None:
    stage.create("TEST-L", {"set": [f"Subscription= {rule}"]})
    assert asks(stage, JOE, "SUBSCRIBE TEST-L Joe Doe") == asked


def test_the_operator_is_not_asked(stage: Stage) -> None:
    stage.create("TEST-L", {})
    said = run_job(stage.turn(), parse_mailbox(JOE), "SUBSCRIBE TEST-L Joe Doe WITH NOHTML")
    assert said == ("You have been added to the TEST-L list.", False)
    text, failed = run_job(
        stage.turn(), parse_mailbox(ADMIN), "THANKS\nDELETE TEST-L joe@example.net\nFOO"
    )
    assert text.startswith("> THANKS\nYou're welcome!\n\n> DELETE")
    assert failed
    assert "joe@example.net |" not in stage.state()


def test_the_operator_has_no_limit_of_lines(stage: Stage) -> None:
    text, failed = run_job(stage.turn(), parse_mailbox(ADMIN), "FOO\n" * 50)
    assert failed
    assert text.count("Unknown command") == 50


def test_consent_is_recorded(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(JOE, "SUBSCRIBE TEST-L Joe Doe", number=1), {"host": "192.0.2.7"})
    stage.take(mail(JOE, "ok", "Re: (C0DE000000000001)", number=2))
    row = stage.db.execute("SELECT * FROM consent").fetchone()
    assert row[2:5] == ("<1@example.net>", "192.0.2.7", "SUBSCRIBE TEST-L Joe Doe")
    assert row[6] == "<2@example.net>"


def test_twenty_answers_have_one_effect(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(JOE, "SUBSCRIBE TEST-L Joe Doe", number=0))
    stage.outgoing()
    for number in range(20):
        stage.take(mail(JOE, "ok", "Re: (C0DE000000000001)", number=number + 1))
    mails = stage.outgoing()
    assert sum(b"You have been added" in one for one in mails) == 1
    assert sum(b"has already been used" in one for one in mails) == 19
    assert stage.state().count("joe@example.net") == 1


def test_wrong_codes_are_no_bomb(stage: Stage) -> None:
    stage.create("TEST-L", {})
    for number in range(60):
        stage.take(mail(JOE, f"OK {number:016X}", number=number))
    mails = stage.outgoing()
    assert sum(one.startswith(b"[reply]") for one in mails) == 20
    assert sum(b"no longer served" in one for one in mails) == 2


def test_a_thousand_forged_subscriptions(stage: Stage) -> None:
    for number in range(10):
        stage.create(f"L{number}-L", {})
    for number in range(100):
        stage.take(mail(JOE, f"SUBSCRIBE L{number % 10}-L Joe", number=number))
    assert len(stage.outgoing()) == 4


def test_codes_are_nowhere_in_the_store(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(JOE, "SUBSCRIBE TEST-L Joe Doe"))
    assert b"C0DE000000000001" in stage.outgoing()[0]
    rows = stage.db.execute("SELECT * FROM cookie").fetchall()
    assert rows
    assert "C0DE000000000001" not in repr(rows)


def test_mail_for_people_is_kept_when_nobody_is_in_charge(tmp_path: Path) -> None:
    stage = Stage(tmp_path, postmasters=[])
    stage.take(mail(EVE, "hello"), {"rcpt": "postmaster@lists.example.org"})
    assert stage.outgoing() == []
    assert "set_aside = 1" in stage.state()
    stage.close()
