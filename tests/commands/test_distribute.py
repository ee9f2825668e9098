"""DISTRIBUTE: who may, what proves him, what goes out, and what is left behind."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from itertools import count
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from stage import Stage

from listserv_py.commands.recipients import read_recipients
from listserv_py.commands.secret import WRONG_AN_HOUR
from listserv_py.mail.listheaders import decode
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.people import People

BOSS, EVE = "boss@example.net", "eve@example.com"
SECRET = "Sesame-Open-1"  # noqa: S105 - nobody's
NUMBER = count()
PEOPLE = '*TO,*NAME,CITY\nann@example.org,Ann Lee,Köln\nbob@example.org,"Lee, Bob"\nnobody'
MAIL = "From: Boss <boss@example.net>\nTo: &*TO;\nSubject: Hi &*NAME;\n\n  You live in &CITY;.\n/ *"


@cache
def hashed_secret() -> str:
    """A cheap one: to hash and to compare as the server does takes longer than most tests."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(SECRET)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    site = made.settings.site.model_copy(update={"distribute": (BOSS,)})
    made.settings = made.settings.model_copy(update={"site": site})
    made.create("TEST-L", {"subscribers": ["ann@example.org | Ann"]})
    for one in (BOSS, EVE):
        made.tx.passwords.set(parse_mailbox(one), hashed_secret(), made.now)
    yield made
    made.close()


def say(stage: Stage, sender: str, body: str) -> str:
    """The one answer to a job mail."""
    [answer] = answers(stage, sender, body)
    return answer


def answers(stage: Stage, sender: str, body: str) -> list[str]:
    head = (
        f"From: {sender}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <{next(NUMBER)}@x.y>\r\n"
        "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8"
    )
    stage.take(f"{head}\r\n\r\n{body}\r\n".replace("\r\n", "\n").replace("\n", "\r\n").encode())
    return [one.decode() for one in stage.outgoing() if one.startswith(b"[reply]")]


def job(line: str, people: str = PEOPLE, mail: str = MAIL) -> str:
    return f"//ONE JOB ECHO=NO\n{line}\n//To DD *\n{people}\n/*\n//Data DD *,EOF\n{mail}"


def jobs_of(stage: Stage) -> list[tuple[str, str]]:
    return stage.db.execute("SELECT reverse_path, state FROM mailing WHERE kind = 'job'").fetchall()


def content(stage: Stage) -> bytes:
    row = stage.db.execute(
        "SELECT raw FROM content c JOIN mailing m ON m.id = c.mailing_id WHERE kind = 'job'"
    ).fetchone()
    return bytes(row[0])


def test_a_job_with_its_password_is_in_the_outbox_whole(stage: Stage) -> None:
    said = say(stage, BOSS, job(f"DISTRIBUTE MAIL-MERGE PW={SECRET}"))
    assert "to 2 recipients" in said
    assert "nobody" in said
    assert SECRET not in said
    assert jobs_of(stage) == [(BOSS, "running")]
    rows = stage.db.execute("SELECT address, said FROM recipient ORDER BY id").fetchall()
    assert rows == [
        ("ann@example.org", "Ann Lee\x1fKöln"),
        ("bob@example.org", "Lee, Bob\x1f"),
    ]
    head, _, body = content(stage).partition(b"\r\n\r\n")
    assert body == b"  You live in &CITY;.\r\n/ *\r\n"
    assert b"Message-ID: <" in head
    assert b"Date: " in head
    [line] = stage.tx.changelog.lines(None, stage.now, stage.now + timedelta(hours=1))
    assert line.endswith("DISTRIBUTE boss@example.net * MAIL-MERGE to 2, job 1, bounces to " + BOSS)
    assert stage.tx.changelog.check().broken is None
    facts = decode(stage.db.execute("SELECT facts FROM mailing WHERE kind = 'job'").fetchone()[0])
    assert (facts.merge, facts.columns, facts.signed) == (True, "CITY", True)


@pytest.mark.parametrize("sender", [EVE, "admin@example.org", "boss@example.net.example.com"])
@pytest.mark.parametrize("proof", ["", f" PW={SECRET}"])
def test_nobody_else_may(stage: Stage, sender: str, proof: str) -> None:
    assert "only those" in say(stage, sender, job(f"DISTRIBUTE MAIL{proof}"))
    assert jobs_of(stage) == []


def test_nothing_but_the_password_proves_him(stage: Stage) -> None:
    assert "needs your password" in say(stage, BOSS, job("DISTRIBUTE MAIL"))
    assert "not your password" in say(stage, BOSS, job("DISTRIBUTE MAIL PW=wrong"))
    line = f"FOR {BOSS} DISTRIBUTE MAIL"
    assert "nobody can send it in his place" in say(stage, "admin@example.org", job(line))
    assert jobs_of(stage) == []
    assert stage.db.execute("SELECT count(*) FROM cookie").fetchone() == (0,)


def test_wrong_passwords_are_counted(stage: Stage) -> None:
    for _ in range(WRONG_AN_HOUR):
        say(stage, BOSS, job("DISTRIBUTE MAIL PW=wrong"))
        stage.db.execute("DELETE FROM answer WHERE what = 'answer'")
    assert "needs your password" in say(stage, BOSS, job(f"DISTRIBUTE MAIL PW={SECRET}"))
    assert jobs_of(stage) == []


@pytest.mark.parametrize(
    ("line", "people", "mail", "said"),
    [
        ("DISTRIBUTE POST TEST-L", PEOPLE, MAIL, "POST is not done here"),
        ("DISTRIBUTE MAIL DBMS=YES", PEOPLE, MAIL, "no databases"),
        ("DISTRIBUTE MAIL DD=OTHER", PEOPLE, MAIL, "OTHER"),
        ("DISTRIBUTE MAIL TO DD=OTHER", PEOPLE, MAIL, "OTHER"),
        ("DISTRIBUTE MAIL FROM=eve@example.com", PEOPLE, MAIL, "neither your own address"),
        ("DISTRIBUTE MAIL PRIORITY=high", PEOPLE, MAIL, "PRIORITY=high"),
        ("DISTRIBUTE MAIL ACK=MAYBE", PEOPLE, MAIL, "ACK=MAYBE"),
        ("DISTRIBUTE MAIL FROM=<>", PEOPLE, MAIL, "address"),
        ("DISTRIBUTE MAIL FROM=owner-none@lists.example.org", PEOPLE, MAIL, "owner-none"),
        ("DISTRIBUTE MAIL", "*TO,AMP\na@b.example,1", MAIL, "'AMP'"),
        ("DISTRIBUTE MAIL", "*TO,A,A\na@b.example,1", MAIL, "two columns"),
        ("DISTRIBUTE MAIL", "test-l@lists.example.org", MAIL, "no address"),
        ("DISTRIBUTE MAIL", "", MAIL, "no address"),
        ("DISTRIBUTE MAIL", PEOPLE, "Hello\n", "does not begin with a header"),
        ("DISTRIBUTE MAIL", PEOPLE, "Subject: x\n\nHello\n", "From:"),
        ("DISTRIBUTE MAIL", PEOPLE, "From: a@b.c\nFrom: a@b.c\n\nHello\n", "From:"),
        (
            "DISTRIBUTE MAIL",
            PEOPLE,
            "From: a@b.c\nContent-Type: text/plain; charset=iso-8859-1\n\nKöln\n",
            "iso-8859-1",
        ),
        (
            "DISTRIBUTE MAIL-MERGE",
            PEOPLE,
            f"From: a@b.c\nSubject: {'&CITY;' * 1001}\n\nx\n",
            "more than 1000 places",
        ),
        ("DISTRIBUTE MAIL-MERGE", PEOPLE, "From: a@b.c\n\n.BB &CITY;\nx\n", "no .EB"),
    ],
)
def test_what_cannot_be_done_is_said(
    stage: Stage, line: str, people: str, mail: str, said: str
) -> None:
    assert said in say(stage, BOSS, job(f"{line} PW={SECRET}", people, mail))
    assert jobs_of(stage) == []


def test_options_and_people_on_the_line(stage: Stage) -> None:
    line = "DIST MAIL TO ann@example.org bob@example.org FROM=owner-test-l@lists.example.org"
    say(stage, BOSS, job(f"{line} DKIM=NO PRIORITY=3 ACK=MAIL PW={SECRET}"))
    assert jobs_of(stage) == [("owner-test-l@lists.example.org", "running")]
    facts = decode(stage.db.execute("SELECT facts FROM mailing WHERE kind = 'job'").fetchone()[0])
    assert (facts.merge, facts.signed, facts.priority) == (False, False, 3)
    assert "Nothing was sent" in say(stage, BOSS, job(f"DISTRIBUTE MAIL DEBUG=YES PW={SECRET}"))
    assert len(jobs_of(stage)) == 1


def test_no_answer_where_none_is_wanted_and_all_is_well(stage: Stage) -> None:
    line = f"DISTRIBUTE MAIL PRIOR=7 ACK=NONE PW={SECRET}"
    assert answers(stage, BOSS, job(line, "ann@example.org")) == []
    assert len(jobs_of(stage)) == 1
    assert "nonsense" in say(stage, BOSS, job(line, "ann@example.org\nnonsense"))


def test_what_only_a_mailer_may_say_is_taken_out(stage: Stage) -> None:
    mail = f"Bcc: {EVE}\nReturn-Path: <{EVE}>\nReceived: from x\nDKIM-Signature: v=1\n{MAIL}"
    say(stage, BOSS, job(f"DISTRIBUTE MAIL PW={SECRET}", mail=mail))
    assert EVE.encode() not in content(stage)
    assert b"DKIM" not in content(stage)
    assert b"Received" not in content(stage)


def test_too_many_recipients_are_refused(stage: Stage) -> None:
    limits = stage.settings.limits.model_copy(update={"distribute_recipients": 1})
    stage.settings = stage.settings.model_copy(update={"limits": limits})
    assert "at most 1" in say(stage, BOSS, job(f"DISTRIBUTE MAIL PW={SECRET}"))
    assert jobs_of(stage) == []


def test_a_recipient_can_see_and_have_erased_what_is_kept_of_him(stage: Stage) -> None:
    mail = MAIL.replace("You live", "Bob\u2019s friend, you live")
    say(stage, BOSS, job(f"DISTRIBUTE MAIL-MERGE PW={SECRET}", mail=mail))
    people, bob = People(stage.tx), parse_mailbox("bob@example.org")
    [found] = people.stored_about(bob)["recipient_of"]
    assert found["address"] == "bob@example.org"
    assert "Lee, Bob" in str(found["values"])
    assert bob in set(people.everybody())
    people.erase(bob)
    assert stage.db.execute("SELECT address FROM recipient").fetchall() == [("ann@example.org",)]
    assert jobs_of(stage) == [(BOSS, "running")]
    assert len(people.stored_about(parse_mailbox(BOSS))["jobs"]) == 1
    stage.db.execute("DELETE FROM content")
    people.erase(parse_mailbox(BOSS))
    assert jobs_of(stage) == []


@pytest.mark.parametrize(
    ("lines", "rows"),
    [
        (["a@b.example BSMTP", "c@d.example (x)", "e@f.example Joe Doe"], ["", "", "Joe Doe"]),
        (["", "*to;*name", "a@b.example;Joe; Doe"], []),
        (["*TO;*NAME", 'a@b.example;"Joe; Doe"', "A@B.example;Other"], ["Joe; Doe"]),
        (["*TO\tX\t*NAME", "a@b.example\t1\tJoe\x1f\x00Doe"], ["Joe Doe"]),
        (["*TO,*NAME", 'a@b.example,"open'], []),
        (["*TO", "a@b.example"], [""]),
    ],
)
def test_recipients_are_read(lines: list[str], rows: list[str]) -> None:
    assert [said[0] for _, _, said in read_recipients(lines).rows] == rows
