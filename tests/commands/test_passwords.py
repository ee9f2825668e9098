"""PW, PWC and PW=: what a password proves, and that nobody is ever shown it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from stage import Stage
from structlog.testing import capture_logs

from listserv_py.commands.interpreter import run_job
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.passwords import password_in, shows_password, without_password
from listserv_py.store.people import People

JOE, OLGA, EVE, ADMIN = (
    *("joe@example.net", "olga@example.org"),
    *("eve@example.com", "admin@example.org"),
)
LISTSERV = "listserv@lists.example.org"
SECRET, OTHER = "Sesame-Open-1", "Another-Word-2"
NUMBER = count()
CHEAPLY = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"set": ["Send= Public"], "subscribers": [f"{JOE} | Joe Doe"]})
    yield made
    made.close()


def say(stage: Stage, sender: str, body: str, to: str = LISTSERV, subject: str = "") -> list[str]:
    """The mails that a mail brings forth."""
    head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\nMessage-ID: <{next(NUMBER)}@x.y>"
    stage.take(f"{head}\r\n\r\n{body}\r\n".encode())
    return [one.decode() for one in stage.outgoing()]


def ok(stage: Stage, sender: str) -> str:
    return say(stage, sender, f"OK C0DE{stage.codes:012X}")[-1]


def everything(stage: Stage) -> str:
    """All that the store holds."""
    tables = [name for name in stage.db.table_names() if not name.startswith("sqlite_")]
    return "\n".join(str(row) for name in tables for row in stage.db[name].rows)


def asks(mails: list[str]) -> bool:
    return mails[0].startswith("[confirmation]")


def give(stage: Stage, sender: str, password: str = SECRET) -> None:
    """A password of before; its hash is a cheap one, which is compared in no time."""
    stage.tx.passwords.set(parse_mailbox(sender), CHEAPLY.hash(password), stage.now)


def test_a_password_is_set_by_code_and_then_proves(stage: Stage) -> None:
    assert asks(say(stage, JOE, f"PW ADD {SECRET}"))
    assert "is set" in ok(stage, JOE)
    [done] = say(stage, JOE, f"SIGNOFF TEST-L PW={SECRET}")
    assert "You have been removed" in done
    assert SECRET not in done


def test_who_proves_himself_by_it_is_answered_without_a_limit(stage: Stage) -> None:
    give(stage, JOE)
    for _ in range(25):
        assert say(stage, JOE, f"SET TEST-L NOMAIL PW={SECRET}")
    assert [len(say(stage, JOE, f"SET TEST-L NOMAIL PW={OTHER}")) for _ in range(21)][-1] == 0


@pytest.mark.parametrize(
    "line",
    [
        "ADD TEST-L a@b.c PW={}",
        "PW={} ADD TEST-L a@b.c",
        "ADD PW={} TEST-L a@b.c",
        "ADD TEST-L pw = {} a@b.c",
        "GET TEST-L (HEADER,PW={}",
        "GET TEST-L (PW={}",
    ],
)
def test_it_may_stand_anywhere(stage: Stage, line: str) -> None:
    give(stage, OLGA)
    mails = say(stage, OLGA, line.format(SECRET))
    assert not asks(mails)
    assert SECRET not in "".join(mails)
    assert "not your password" in "".join(say(stage, OLGA, line.format(OTHER)))


def test_put_takes_a_password(stage: Stage) -> None:
    give(stage, OLGA)
    body = f"PUT TEST-L LIST PW={SECRET}\r\n* New title\r\n* Owner= olga@example.org"
    assert not asks(say(stage, OLGA, body))
    assert "* New title" in str(stage.tx.lists.get("TEST-L").header)


def test_joining_and_changing_take_a_code_all_the_same(stage: Stage) -> None:
    give(stage, JOE)
    for line in ("SUBSCRIBE TEST-L Joe", "CHANGE TEST-L a@b.c", "PW REP 12345678", "PW RESET"):
        mails = say(stage, JOE, f"{line} PW={SECRET}")
        assert asks(mails), line
        stage.db.execute("DELETE FROM cookie")


def test_a_list_may_refuse_passwords(stage: Stage) -> None:
    stage.create("NOPW-L", {"set": ["Validate= All,Confirm,NoPW"], "subscribers": [JOE]})
    give(stage, JOE)
    assert asks(say(stage, JOE, f"SIGNOFF NOPW-L PW={SECRET}"))
    assert asks(say(stage, JOE, f"SIGNOFF * PW={OTHER}"))


def test_whoever_has_none_is_asked_for_a_code(stage: Stage) -> None:
    assert asks(say(stage, OLGA, f"ADD TEST-L a@b.c PW={SECRET}"))


def test_a_password_is_its_own_address_only(stage: Stage) -> None:
    give(stage, EVE)
    assert "Only an owner" in say(stage, EVE, f"ADD TEST-L a@b.c PW={SECRET}")[0]
    give(stage, OLGA, OTHER)
    assert "not your password" in say(stage, OLGA, f"ADD TEST-L a@b.c PW={SECRET}")[0]


def test_changing_and_giving_it_up(stage: Stage) -> None:
    give(stage, JOE)
    assert "already" in say(stage, JOE, f"PW ADD {OTHER}")[0]
    assert "not your password" in say(stage, JOE, f"PW CHANGE {OTHER} PW={OTHER}")[0]
    assert "is set" in say(stage, JOE, f"PW CH {OTHER} PW={SECRET}")[0]
    assert asks(say(stage, JOE, "PW DEL"))
    assert "no password any more" in say(stage, JOE, f"PW DEL PW={OTHER}")[0]
    assert "has no password" in say(stage, JOE, "PW RESET")[0]


def test_forgetting_it_by_code(stage: Stage) -> None:
    give(stage, JOE)
    assert asks(say(stage, JOE, "PW RESET"))
    assert stage.tx.passwords.hash_of(parse_mailbox(JOE))
    assert "no password any more" in ok(stage, JOE)
    assert stage.tx.passwords.hash_of(parse_mailbox(JOE)) is None


def test_wrong_tries_are_few(stage: Stage) -> None:
    give(stage, OLGA)
    for number in range(10):
        assert "not your password" in say(stage, OLGA, f"HOLD TEST-L PW=wrong{number}")[0]
    assert asks(say(stage, OLGA, f"HOLD TEST-L PW={SECRET}"))
    stage.now += timedelta(hours=2)
    assert not asks(say(stage, OLGA, f"HOLD TEST-L PW={SECRET}"))


def test_wrong_tries_on_many_addresses_are_few(stage: Stage) -> None:
    for _ in range(200):
        stage.tx.budget.spend(parse_mailbox(LISTSERV), "wrong password", stage.now)
    run_job(stage.turn(), parse_mailbox(OLGA), f"PW REP {SECRET}")
    assert asks(say(stage, OLGA, f"HOLD TEST-L PW={SECRET}"))


def test_a_mail_tries_each_password_once(stage: Stage) -> None:
    give(stage, OLGA)
    say(stage, OLGA, "HOLD TEST-L PW=wrong\r\n" * 5)
    spent = stage.tx.budget.spent(
        parse_mailbox(OLGA), "wrong password", stage.now, timedelta(hours=1)
    )
    assert spent == 1


def test_new_passwords_are_few(stage: Stage) -> None:
    for _ in range(5):
        say(stage, JOE, f"PW ADD {SECRET}")
    assert "Too many new passwords" in say(stage, JOE, f"PW ADD {SECRET}")[0]


@pytest.mark.parametrize(
    "line",
    [
        *("PW", "PW ADD", f"PW ADD {SECRET[:6]}", f"PW ADD {SECRET} {OTHER}", f"PW {SECRET}"),
        *(f"PW FOO {SECRET}", f"PW DELETE {SECRET}", f"PW RESET {SECRET}", f"PW ADD {'x' * 65}"),
        *(f"PWADD {SECRET}", f"PASSWORD {SECRET}", f"PWC ADD {SECRET} {OTHER}"),
        *(
            f"PW={SECRET}",
            f"pw= {SECRET}",
            f"SIGNOFF TEST-L PW = {SECRET}",
            f"QUIET PW ADD {SECRET}",
        ),
    ],
)
@pytest.mark.parametrize("sender", [JOE, ADMIN])
def test_nobody_is_shown_a_password(stage: Stage, line: str, sender: str) -> None:
    with capture_logs() as logged:
        mails = "".join(say(stage, sender, line))
        stored = everything(stage)
        told = json.dumps(People(stage.tx).stored_about(parse_mailbox(sender)))
    for text in (mails, told, str(logged), stored):
        assert SECRET[:6] not in text
        assert OTHER not in text


def test_what_waits_for_a_code_holds_no_password(stage: Stage) -> None:
    [request] = say(stage, JOE, f"PW ADD {SECRET}")
    assert "    PW ADD\r\n" in request
    assert SECRET not in request
    assert SECRET not in everything(stage)
    told = json.dumps(People(stage.tx).stored_about(parse_mailbox(JOE)))
    assert "argon2" not in told
    ok(stage, JOE)
    told = json.dumps(People(stage.tx).stored_about(parse_mailbox(JOE)))
    assert "set_at" in told
    assert "argon2" not in told


def test_nobody_writes_a_hash_into_a_mail(stage: Stage) -> None:
    forged = "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaGhhc2g"
    say(stage, JOE, f"PW ADD {forged}\r\n* {forged}")
    ok(stage, JOE)
    assert stage.tx.passwords.hash_of(parse_mailbox(JOE)) not in (None, forged)


def test_a_postmaster_cares_for_others(stage: Stage) -> None:
    assert "Only a postmaster" in say(stage, JOE, f"PWC ADD {EVE} {SECRET}")[0]
    [request] = say(stage, ADMIN, f"PWC ADD {EVE} {SECRET}")
    assert f"    PWC ADD {EVE}\r\n" in request
    ok(stage, ADMIN)
    assert "set on 22 Nov 2026" in run_job(stage.turn(), parse_mailbox(ADMIN), f"PWC Q {EVE}")[0]
    run_job(stage.turn(), parse_mailbox(ADMIN), f"PWC DELETE {EVE}")
    assert "has no password" in run_job(stage.turn(), parse_mailbox(ADMIN), f"PWC Q {EVE}")[0]


@pytest.mark.parametrize(
    "body",
    [
        f"PUT TEST-L LIST PW={SECRET}\r\n" + "* Some line\r\n" * 20,
        f"PW ADD {SECRET}",
        f"QUIET DELETE TEST-L joe@example.net PW={SECRET}",
    ],
)
def test_a_command_with_a_password_goes_to_no_list_and_no_owner(stage: Stage, body: str) -> None:
    for address in ("test-l@lists.example.org", "test-l-request@lists.example.org"):
        mails = say(stage, JOE, body, address, "s")
        assert [one.split("\r\n")[2] for one in mails] == [f"RCPT TO:<{JOE}>"]
        assert SECRET not in mails[0] or "message/rfc822" in mails[0]


@pytest.mark.parametrize(
    ("line", "password"),
    [
        ("ADD X PW=a b", "a"),
        ("PW=a", "a"),
        ("x (PW=a", "a"),
        ("x xPW=a", ""),
        ("my pw is a", ""),
        ("", ""),
    ],
)
def test_reading(line: str, password: str) -> None:
    assert password_in(line) == password
    assert shows_password(f"hello\n{line}") == bool(password)
    assert not password_in(without_password(line))
