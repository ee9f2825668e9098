"""What comes back of a DISTRIBUTE job is told to its sender, once a recipient, and forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.bounces.policy import PASSED_ON_A_DAY
from listserv_py.commands.interpreter import run_job
from listserv_py.control.operation import Refused
from listserv_py.control.tracing import Wanted, trace
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.people import People
from listserv_py.store.recipients import FIRST
from listserv_py.store.times import stamp

BOSS = parse_mailbox("boss@example.net")
ANN = parse_mailbox("ann@example.org")
JOB = """\
//ONE JOB ECHO=NO
DISTRIBUTE MAIL{}
//TO DD *
*TO,*NAME
ann@example.org,Ann Lee
bob@example.org,Bob
cyd@example.org,Cyd
/*
//DATA DD *,EOF
From: Boss <boss@example.net>
Subject: Hi

Hello.
"""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": [], "set": ["Errors-To= olga@example.org"]})
    yield made
    made.close()


def send(stage: Stage, line: str = "") -> int:
    """Have the job sent, its copies taken over."""
    run_job(stage.turn(), BOSS, JOB.format(line))
    mailing, people = people_of(stage)
    settled = [Settled(mailing, one, to, Fate.SENT) for one, to in people]
    stage.tx.sending.record_page(mailing, people[-1][0], settled, stamp(stage.now))
    stage.tx.sending.reached_all(mailing)
    stage.outgoing()
    return mailing


def people_of(stage: Stage) -> tuple[int, list[tuple[int, str]]]:
    rows = stage.db.execute("SELECT mailing_id, id, address FROM recipient ORDER BY id").fetchall()
    return rows[0][0], [(row[1], row[2]) for row in rows]


def key(stage: Stage, number: int = 1, listname: str = "") -> str:
    return stage.tx.verp.key_for(number, listname, stage.now)


def report(said: str = "550 5.1.1 no such user", action: str = "failed") -> bytes:
    text = (
        "From: MAILER-DAEMON@mail.example.net\nTo: x@lists.example.org\nSubject: Undelivered\n"
        "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n"
        "--b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; x\n\n"
        f"Final-Recipient: rfc822; elsewhere@example.com\nAction: {action}\n"
        f"Status: {said.split()[1]}\nDiagnostic-Code: smtp; {said}\n\n--b--\n"
    )
    return text.replace("\n", "\r\n").encode()


def arrive(stage: Stage, raw: bytes, of: str, reverse_path: str = "") -> None:
    rcpt = f"owner-listserv+{of}@lists.example.org"
    stage.take(raw, {"rcpt": rcpt, "reverse_path": reverse_path})


def a_day_later(stage: Stage) -> list[str]:
    """What the clock sends: what came is judged half an hour later, told a day later."""
    for span in (timedelta(hours=1), timedelta(days=1)):
        stage.now += span
        stage.run_timers()
    return [one.decode() for one in stage.outgoing()]


def test_the_sender_is_told_once_what_came_back(stage: Stage) -> None:
    mailing = send(stage)
    for _ in range(2):
        arrive(stage, report(), key(stage, 1))
    arrive(stage, report("552 5.2.2 mailbox full"), key(stage, 2))
    [mail] = a_day_later(stage)
    assert f"RCPT TO:<{BOSS}>" in mail
    assert f"job {mailing} did not reach 2 of 3 recipients" in " ".join(mail.split())
    gone, _, passing = mail.partition("full, hosts")
    assert "ann@example.org\r\n     550 5.1.1 no such user" in gone
    assert "bob@example.org\r\n     552 5.2.2 mailbox full" in passing
    assert "elsewhere" not in mail
    assert a_day_later(stage) == []


def test_refusals_in_our_own_dialogue_are_told_as_well(stage: Stage) -> None:
    run_job(stage.turn(), BOSS, JOB.format(f" FROM={BOSS}"))
    mailing, people = people_of(stage)
    fates = [Fate.REFUSED, Fate.SENT, Fate.SENT]
    settled = [
        Settled(mailing, one, to, fate, 550, "5.1.1", "unknown")
        for (one, to), fate in zip(people, fates, strict=True)
    ]
    stage.tx.sending.record_page(mailing, people[-1][0], settled, stamp(stage.now))
    stage.tx.sending.reached_all(mailing)
    assert stage.db.execute("SELECT * FROM recipient").fetchall() == [], "its bounces are his"
    stage.outgoing()
    [mail] = a_day_later(stage)
    assert "ann@example.org\r\n     5.1.1 unknown" in mail


def test_whoever_gets_a_lists_errors_hears_of_a_job_whose_bounces_go_there(stage: Stage) -> None:
    mailing = send(stage, " FROM=owner-test-l@lists.example.org")
    stage.tx.sending.record_copies([], stamp(stage.now))
    stage.db.execute(
        "INSERT INTO bounce (mailing_id, address, at, code, status, text)"
        " VALUES (?, 'ann@example.org', ?, 550, '5.1.1', 'unknown')",
        (mailing, stamp(stage.now)),
    )
    [mail] = a_day_later(stage)
    assert "RCPT TO:<olga@example.org>" in mail


@pytest.mark.parametrize("which", ["forged", "a list's", "unknown", "old", "delayed", "too late"])
def test_what_proves_nothing_counts_for_nothing(stage: Stage, which: str) -> None:
    send(stage)
    of = {
        "forged": "a" * 24,
        "a list's": key(stage, 1, "TEST-L"),
        "unknown": key(stage, 77),
        "delayed": key(stage),
    }.get(which, key(stage))
    if which in {"old", "too late"}:
        stage.now += timedelta(days=100 if which == "old" else 8)
        stage.run_timers()
    arrive(stage, report(action="delayed" if which == "delayed" else "failed"), of)
    assert stage.db.execute("SELECT * FROM bounce").fetchall() == []
    assert a_day_later(stage) == []


def test_a_complaint_is_told(stage: Stage) -> None:
    send(stage)
    raw = (
        b"From: fbl@example.org\r\nTo: x\r\nContent-Type: multipart/report; boundary=b\r\n\r\n"
        b"--b\r\nContent-Type: message/feedback-report\r\n\r\nFeedback-Type: abuse\r\n"
        b"User-Agent: Loop/1\r\nVersion: 1\r\n\r\n--b--\r\n"
    )
    arrive(stage, raw, key(stage), "fbl@example.org")
    [mail] = a_day_later(stage)
    assert "complaint: abuse: Loop/1" in mail


def test_what_cannot_be_read_is_shown_to_the_sender_so_often_a_day(stage: Stage) -> None:
    mailing = send(stage)
    raw = b"From: Ann <ann@example.org>\r\nSubject: Hello\r\nMessage-ID: <%d@x>\r\n\r\nHi.\r\n"
    for number in range(PASSED_ON_A_DAY + 2):
        arrive(stage, raw % number, key(stage), "ann@example.org")
    found = stage.outgoing()
    assert len(found) == PASSED_ON_A_DAY
    assert f"RCPT TO:<{BOSS}>".encode() in found[0]
    assert f"Job {mailing}".encode() in found[0]
    away = raw.replace(b"\r\n\r\n", b"\r\nAuto-Submitted: auto-replied\r\n\r\n") % 99
    stage.now += timedelta(days=1)
    arrive(stage, away, key(stage), "ann@example.org")
    assert stage.outgoing() == []


def test_nothing_is_kept_of_people_but_their_addresses_and_these_not_long(stage: Stage) -> None:
    send(stage)
    kept = [(row[1], row[2]) for row in _recipients(stage)]
    assert kept == [(one, "") for one in ("ann@example.org", "bob@example.org", "cyd@example.org")]
    people = People(stage.tx)
    assert people.stored_about(ANN)["recipient_of"]
    people.erase(ANN)
    arrive(stage, report(), key(stage, 1))
    arrive(stage, report(), key(stage, 2))
    assert [row[1] for row in _recipients(stage)] == ["cyd@example.org"]
    stage.now += timedelta(days=8)
    stage.run_timers()
    assert _recipients(stage) == []
    stage.now += timedelta(days=31)
    stage.run_timers()
    assert stage.db.execute("SELECT * FROM bounce").fetchall() == []


def _recipients(stage: Stage) -> list[tuple[int, str, str]]:
    rows = stage.db.execute("SELECT id, address, said FROM recipient ORDER BY id").fetchall()
    return [(number - FIRST, address, said) for number, address, said in rows]


@pytest.mark.parametrize("form", ["{}", "owner-listserv+{}@lists.example.org"])
def test_the_envelope_sender_of_a_copy_tells_the_operator_whose_it_is(
    stage: Stage, form: str
) -> None:
    mailing = send(stage)
    found = trace(stage.turn(), Wanted(form.format(key(stage, 2)))).keyed
    assert found is not None
    assert (found.listname, found.address) == ("", "bob@example.org")
    assert [(one.mailing_id, one.line.rcpt, one.line.fate) for one in found.copies] == [
        (mailing, "bob@example.org", "sent")
    ]
    with pytest.raises(Refused):
        trace(stage.turn(), Wanted(form.format(key(stage, 9))))
