"""Served-off users: fifty invalid commands in a row, and who may undo it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from stage import Stage

from listserv_py import intake
from listserv_py.commands.interpreter import run_job
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.proof import Proof

JOE, EVE, OLGA, ADMIN = (
    "joe@example.net",
    "eve@example.com",
    "olga@example.org",
    "admin@example.org",
)
NUMBER = count()
LISTSERV = "listserv@lists.example.org"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"set": ["Send= Public"], "subscribers": [JOE]})
    yield made
    made.close()


def mail(sender: str, body: str, to: str = LISTSERV, subject: str = "") -> bytes:
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{next(NUMBER)}@x.y>"
    return f"{head}\r\n\r\n{body}\r\n".encode()


def offend(stage: Stage, lines: int, sender: str = JOE) -> None:
    for _ in range(lines // 5):
        stage.take(mail(sender, "FOO\n" * 5))


def sent(stage: Stage) -> list[str]:
    """Who was mailed what, since the last call: `kind to subject`."""
    found = []
    for one in stage.outgoing():
        lines = one.decode().split("\r\n")
        subject = next(line for line in lines if line.startswith("Subject: "))
        found.append(f"{lines[0]} {lines[2][9:-1]} {subject[9:]}")
    return found


def is_heard(stage: Stage, sender: str = JOE) -> bool:
    stage.outgoing()
    stage.take(mail(sender, "THANKS"))
    return bool(stage.outgoing())


def test_after_fifty_one_last_notice_and_silence(stage: Stage) -> None:
    offend(stage, 45)
    sent(stage)
    offend(stage, 5)
    assert [one for one in sent(stage) if one.startswith("[notice]")] == [
        "[notice] joe@example.net You are no longer served",
        "[notice] admin@example.org joe@example.net is no longer served",
    ]
    offend(stage, 50)
    stage.take(mail(JOE, "SUBSCRIBE TEST-L Joe"))
    stage.take(mail(JOE, "hello", "test-l@lists.example.org"))
    stage.take(mail(JOE, "", "test-l-signoff-request@lists.example.org"))
    assert sent(stage) == []


def test_a_good_command_begins_the_count_anew(stage: Stage) -> None:
    offend(stage, 45)
    stage.take(mail(JOE, "FOO\nTHANKS\nFOO"))
    offend(stage, 45)
    assert is_heard(stage)


def test_commands_that_find_nobody_do_not_count(stage: Stage) -> None:
    for _ in range(12):
        stage.take(mail(OLGA, "DELETE TEST-L a@example.com\n" * 5))
    assert is_heard(stage, OLGA)


def test_somebody_else_gives_service_back(stage: Stage) -> None:
    offend(stage, 50)
    assert not is_heard(stage)
    stage.take(mail(EVE, f"SERVE {JOE}"))
    assert b"is served again" in stage.outgoing()[0]
    assert is_heard(stage)
    stage.take(mail(EVE, f"SERVE {JOE}"))
    assert b"is being served" in stage.outgoing()[0]
    stage.take(mail(EVE, f"SERVE {EVE}"))
    assert b"Somebody else has to say that" in stage.outgoing()[0]


def test_only_a_postmaster_takes_a_postmasters_word_back(stage: Stage) -> None:
    stage.take(mail(EVE, f"SERVE {JOE} OFF"))
    assert b"Only a postmaster" in stage.outgoing()[0]
    stage.take(mail(ADMIN, f"SERVE {JOE} OFF"))
    assert [one.split()[:2] for one in sent(stage)] == [["[confirmation]", ADMIN]]
    assert is_heard(stage)
    stage.take(mail(ADMIN, "ok", subject="Re: (C0DE000000000001)"))
    assert sent(stage)[0] == f"[notice] {JOE} You are no longer served"
    assert not is_heard(stage)
    stage.take(mail(EVE, f"SERVE {JOE}"))
    assert b"only a postmaster can undo that" in stage.outgoing()[0]
    stage.take(mail(ADMIN, f"SERVE {JOE}"))
    assert not is_heard(stage)
    stage.take(mail(ADMIN, "ok", subject="Re: (C0DE000000000002)"))
    assert is_heard(stage)


def test_drop_tells_nobody(stage: Stage) -> None:
    said, failed = run_job(stage.turn(), parse_mailbox(ADMIN), f"SERVE {JOE} OFF DROP")
    assert not failed
    assert "is served no more" in said
    assert sent(stage) == []
    assert run_job(stage.turn(), parse_mailbox(ADMIN), f"SERVE {EVE} DROP")[1]
    assert run_job(stage.turn(), parse_mailbox(ADMIN), f"SERVE {EVE} ON")[1]


def test_a_forger_does_not_shut_out_proven_mail(stage: Stage) -> None:
    offend(stage, 50)
    assert stage.tx.service.is_off(parse_mailbox(JOE), proven=False)
    assert not stage.tx.service.is_off(parse_mailbox(JOE), proven=True)


def test_a_postmaster_is_always_heard(stage: Stage) -> None:
    offend(stage, 60, ADMIN)
    assert is_heard(stage, ADMIN)


def test_what_was_approved_goes_out(stage: Stage) -> None:
    stage.create("MOD-L", {"set": ["Send= Editor,Hold", "Editor= olga@example.org"]})
    run_job(stage.turn(), parse_mailbox(OLGA), f"QUIET ADD MOD-L {EVE}")
    stage.take(mail(JOE, "hello", "mod-l@lists.example.org", "s"))
    code = f"C0DE{stage.codes:012X}"
    offend(stage, 50)
    sent(stage)
    stage.take(mail(OLGA, f"OK {code}"))
    assert any(one.startswith("[post]") for one in sent(stage))


def test_counts_are_forgotten(stage: Stage) -> None:
    offend(stage, 45)
    stage.now += timedelta(days=8)
    stage.run_timers()
    offend(stage, 5)
    assert is_heard(stage)


def test_a_signed_robot_is_shut_out_as_well(stage: Stage) -> None:
    envelope = Envelope(
        *(parse_mailbox(JOE), (parse_mailbox(LISTSERV),), mail(JOE, "FOO\n" * 50)),
        *("192.0.2.1", "x.example", Protocol.SMTP, stage.now),
    )
    stage.tx.spool.take(envelope)
    for entry in stage.tx.spool.begin(stage.tx.spool.ready(1, 10**6)):
        letter = intake.open_letter(entry)
        object.__setattr__(letter, "proof", Proof.CODE)
        intake.work_off(stage.turn(), letter)
    assert stage.tx.service.is_off(parse_mailbox(JOE), proven=True)
    assert not is_heard(stage)
