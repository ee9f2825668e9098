"""Callers of TCPGUI: who is believed, what nobody may see, and what a wrong password costs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from stage import Stage
from structlog.testing import capture_logs

from listserv_py.commands.guiquery import RECORDS_MAX
from listserv_py.commands.interpreter import run_job
from listserv_py.commands.secret import WRONG_AN_HOUR, Compared
from listserv_py.commands.table import COMMANDS
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.tcpgui.caller import FOR_NOBODY, answer
from listserv_py.tcpgui.protocol import read_call

JOE, OLGA, ADMIN = "joe@example.net", "olga@example.org", "admin@example.org"
SECRET = "Sesame-Open-1"  # noqa: S105 - of nobody
HASH = PasswordHasher(1, 8, 1).hash(SECRET)
"""Weak, so that a test takes no time."""
NEEDS, WRONG, TOO_MANY = (
    "This needs your password",
    "That is not the password",
    "Too many passwords",
)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"set": ["Review= Owner"], "subscribers": [f"{JOE} | Joe Doe"]})
    made.create("OPEN-L", {"set": ["Review= Public", "Validate= No"]})
    made.create("HIDE-L", {"set": ["Confidential= Yes"], "subscribers": [JOE]})
    made.create("NOPW-L", {"set": ["Validate= Yes,Confirm,NoPW"], "subscribers": [JOE]})
    for person in (JOE, OLGA, ADMIN):
        made.tx.passwords.set(parse_mailbox(person), HASH, made.now)
    yield made
    made.close()


def everything(stage: Stage) -> str:
    tables = [name for name in stage.db.table_names() if not name.startswith("sqlite_")]
    return "\n".join(str(row) for name in tables for row in stage.db[name].rows)


def call(stage: Stage, origin: str, command: str, password: str = "") -> str:
    line = f"{command} PW={password}" if password else command
    stage.db.execute("BEGIN IMMEDIATE")
    said = answer(stage.turn(), read_call(origin.encode(), line.encode(), "192.0.2.7"))
    stage.db.execute("COMMIT")
    return said


@pytest.mark.parametrize("origin", ["@", "", JOE, "nonsense", "a b"])
@pytest.mark.parametrize("password", ["", "SECRET", SECRET])
def test_a_sign_of_life(stage: Stage, origin: str, password: str) -> None:
    assert call(stage, origin, "THANKS", password) == "You're welcome!"
    assert stage.db["answer"].count == 0


PROTECTED = """
SUBSCRIBE OPEN-L Joe | SIGNOFF TEST-L | SIGNOFF * | OK C0DE000000000001 | SET TEST-L NOMAIL
QUERY TEST-L | QUERY * | QUERY ***GUI*** * FOR joe@example.net | CONFIRM TEST-L
CHANGE * eve@example.com | REGISTER Joe | PW ADD Eve-was-here-1 | PW RESET | SERVE a@b.example
ADD TEST-L eve@example.com | DELETE TEST-L joe@example.net | GET TEST-L | UNLOCK TEST-L
HOLD TEST-L | FREE TEST-L | REJECT C0DE000000000001 | FOR joe@example.net QUERY *
PWC QUERY joe@example.net | X-STL TEST-L 6_* test | GET SYSTEM CHANGELOG | QUIET DELETE * *@*
"""


@pytest.mark.parametrize("origin", [JOE, OLGA, ADMIN, "@"])
def test_without_a_password_nobody_does_anything(stage: Stage, origin: str) -> None:
    before = everything(stage)
    for command in PROTECTED.replace("\n", "|").split("|"):
        if command.strip():
            assert call(stage, origin, command.strip()).startswith(NEEDS), command
    assert everything(stage) == before
    assert stage.outgoing() == []


def test_what_nobody_may_ask_is_in_the_table() -> None:
    assert {unit.word for unit in COMMANDS.units} >= FOR_NOBODY


def test_nobody_sees_what_everybody_may_see(stage: Stage) -> None:
    for origin in ("@", JOE, OLGA):
        lists = call(stage, origin, "LISTS")
        assert "TEST-L" in lists
        assert "HIDE-L" not in lists
        assert "HIDE-L" in call(stage, origin, "INFO HIDE-L")
        assert call(stage, origin, "INFO HIDE-L") == call(stage, "@", "INFO HIDE-L")
        assert call(stage, origin, "REVIEW OPEN-L").startswith(NEEDS)
        assert call(stage, origin, "LISTS OWNED") == call(stage, "@", "LISTS OWNED")


def test_unknown_commands(stage: Stage) -> None:
    assert "FROBNICATE" in call(stage, "@", "FROBNICATE THE LIST")
    assert call(stage, "@", "EXPLODE TEST-L")


def test_with_his_password_he_is_himself(stage: Stage) -> None:
    assert "Joe Doe" in call(stage, JOE, "QUERY TEST-L", SECRET)
    assert "HIDE-L" in call(stage, JOE, "LISTS", SECRET)
    owned = call(stage, OLGA, "LISTS OWNED", SECRET).split("\n")
    assert owned == ["HIDE-L", "NOPW-L", "OPEN-L", "TEST-L"]
    assert "added" in call(stage, OLGA, "ADD TEST-L new@example.com New One", SECRET)
    assert "new@example.com" in call(stage, OLGA, "REVIEW TEST-L", SECRET)
    assert "removed" in call(stage, JOE, "SIGNOFF TEST-L", SECRET).lower()


def test_what_a_password_does_not_do_goes_by_mail(stage: Stage) -> None:
    said = call(stage, JOE, "SUBSCRIBE OPEN-L Joe Doe", SECRET)
    assert said.startswith("This waits for your confirmation")
    [request] = [one.decode() for one in stage.outgoing()]
    assert request.startswith("[confirmation]")
    assert "192.0.2.7" in request
    assert "C0DE" not in said
    assert "added" in call(stage, JOE, f"OK C0DE{stage.codes:012X}", SECRET)
    [consent] = stage.db["consent"].rows
    assert consent["asked_host"] == "192.0.2.7"


def test_a_code_serves_only_him_whom_it_was_sent_to(stage: Stage) -> None:
    call(stage, JOE, "SUBSCRIBE OPEN-L Joe Doe", SECRET)
    ok = f"OK C0DE{stage.codes:012X}"
    assert call(stage, JOE, ok).startswith(NEEDS)
    assert "added" not in call(stage, OLGA, ok, SECRET)


def test_a_list_that_takes_no_passwords(stage: Stage) -> None:
    assert "prove nobody" in call(stage, JOE, "QUERY NOPW-L", SECRET)
    assert "waits" in call(stage, JOE, "SIGNOFF NOPW-L", SECRET)
    assert "waits" in call(stage, OLGA, "ADD NOPW-L new@example.com", SECRET)


def test_wrong_passwords_are_few(stage: Stage) -> None:
    for origin in (JOE, "nobody@example.com"):
        tries = [
            call(stage, origin, "QUERY TEST-L", f"Wrong-{n}") for n in range(WRONG_AN_HOUR + 2)
        ]
        assert all(said.startswith(WRONG) for said in tries[:WRONG_AN_HOUR])
        assert all(said.startswith(TOO_MANY) for said in tries[WRONG_AN_HOUR:])
        assert call(stage, origin, "QUERY TEST-L", SECRET).startswith(TOO_MANY)
    assert "Joe" not in call(stage, JOE, "LISTS", SECRET)
    stage.now += timedelta(hours=1, seconds=1)
    assert "Joe Doe" in call(stage, JOE, "QUERY TEST-L", SECRET)


def test_by_mail_and_by_socket_they_are_counted_together(stage: Stage) -> None:
    for n in range(WRONG_AN_HOUR):
        text = f"From: {JOE}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <{n}@x>\r\n\r\n"
        stage.take(f"{text}SIGNOFF TEST-L PW=Wrong-{n}\r\n".encode())
    assert call(stage, JOE, "QUERY TEST-L", SECRET).startswith(TOO_MANY)


@pytest.mark.parametrize("given", [SECRET.upper(), SECRET.lower(), SECRET + "x", SECRET[:-1]])
def test_capitals_differ(stage: Stage, given: str) -> None:
    assert call(stage, JOE, "QUERY TEST-L", given).startswith(WRONG)


def test_an_address_without_a_password_is_told_the_same(stage: Stage) -> None:
    known = call(stage, JOE, "QUERY TEST-L", "Wrong-word-1")
    assert call(stage, "none@example.com", "QUERY TEST-L", "Wrong-word-1") == known


def test_who_is_served_off(stage: Stage) -> None:
    run_job(stage.turn(), parse_mailbox(ADMIN), f"SERVE {JOE} OFF DROP")
    assert "served off" in call(stage, JOE, "QUERY TEST-L", SECRET)
    assert call(stage, JOE, "THANKS", SECRET) == "You're welcome!"


def test_nobody_is_served_off_for_what_others_call(stage: Stage) -> None:
    for _ in range(60):
        call(stage, JOE, "FROBNICATE")
    assert "Joe Doe" in call(stage, JOE, "QUERY TEST-L", SECRET)


def test_no_password_is_told_or_logged(stage: Stage) -> None:
    commands = ("QUERY TEST-L", "FROBNICATE", f"PW CHANGE Another-{SECRET}", "PWC ADD x")
    with capture_logs() as logs:
        said = [call(stage, JOE, command, SECRET) for command in commands]
        said.append(call(stage, JOE, "QUERY TEST-L", f"Almost-{SECRET}"))
        said.append(call(stage, ADMIN, f"PWC ADD {JOE} New-{SECRET}", SECRET))
    mails = [one.decode() for one in stage.outgoing()]
    assert not [one for one in [*said, *mails, *map(str, logs)] if SECRET in one]


def test_a_header_is_stored(stage: Stage) -> None:
    header = ["* A new title", "*", "* Owner= olga@example.org", "* Send= Public"]
    line = "X-STL TEST-L " + "".join(f"{len(row)}_{row}" for row in header)
    assert call(stage, JOE, line, SECRET).startswith("Only an owner")
    assert "A new title" in call(stage, OLGA, line, SECRET)
    found = stage.tx.lists.get("TEST-L")
    assert found.title == "A new title"
    bad = line.replace("* Send=", "* Sned=")
    assert "Sned" in call(stage, OLGA, bad, SECRET)


def test_a_postmaster_makes_a_list(stage: Stage) -> None:
    rows = ["* News", "* Owner= olga@example.org"]
    line = "X-STL NEWS-L " + "".join(f"{len(row)}_{row}" for row in rows)
    assert "NEWS-L" in call(stage, ADMIN, line, SECRET)
    assert stage.tx.lists.find("NEWS-L") is not None


def records(text: str) -> list[dict[str, list[str]]]:
    """What a program reads out of the answer to QUERY ***GUI***."""
    found: list[dict[str, list[str]]] = []
    for line in text.split("\n"):
        word, _, rest = line.removeprefix("***").partition("*** ")
        if word == "HDR":
            found.append({})
        if line:
            found[-1].setdefault(word, []).append(rest)
    return found


def test_records_for_programs(stage: Stage) -> None:
    run_job(
        stage.turn(), parse_mailbox(OLGA), "ADD TEST-L ann@example.com\nADD HIDE-L ann@example.com"
    )
    said = call(stage, OLGA, f"QUERY ***GUI*** TEST-L FOR {JOE}", SECRET)
    assert said == (
        "***HDR*** joe@example.net\n***NAME*** Joe Doe\n***LIST*** TEST-L\n\n"
        "***OPT*** MAIL\n***OPT*** NODIGEST\n***OPT*** NOINDEX\n***OPT*** NOMIME\n***OPT*** HTML\n"
        "***OPT*** NOACK\n***OPT*** REPRO\n***OPT*** NOCONCEAL\n***OPT*** FULLHDR\n"
        "***OPT*** RENEW\n***OPT*** POST\n***OPT*** NOEDITOR\n***OPT*** NOREVIEW\n\n"
        "***SUBDATE*** 22 Nov 2026"
    )
    everybody = records(call(stage, OLGA, "query ***gui*** test-l for *", SECRET))
    assert [one["HDR"] for one in everybody] == [["joe@example.net"], ["ann@example.com"]]
    assert [one["NAME"] for one in everybody] == [["Joe Doe"], [""]]
    hers = records(call(stage, OLGA, "QUERY ***GUI*** * FOR ann@example.com", SECRET))
    assert [one["LIST"] for one in hers] == [["HIDE-L"], ["TEST-L"]]
    assert records(call(stage, JOE, "QUERY ***GUI*** TEST-L", SECRET))[0]["HDR"] == [JOE]


@pytest.mark.parametrize(
    ("command", "first"),
    [
        ("TEST-L FOR none@example.com", "There is no "),
        ("TEST-L FOR none*@example.com", "There is no "),
        ("* FOR none@example.com", "There is no "),
        ("TEST-L", "You are not "),
    ],
)
def test_programs_know_the_first_words(stage: Stage, command: str, first: str) -> None:
    assert call(stage, OLGA, f"QUERY ***GUI*** {command}", SECRET).startswith(first)


def test_records_with_topics(stage: Stage) -> None:
    header = {"set": ["Topics= News,Jobs"], "subscribers": [f"{JOE} | Joe | TOPICS: Jobs"]}
    stage.create("TOPIC-L", header)
    [found] = records(call(stage, OLGA, f"QUERY ***GUI*** TOPIC-L FOR {JOE}", SECRET))
    assert (found["TOPICS"], found["TOPLIST"]) == (["Jobs"], ["News Jobs"])


def test_records_by_mail(stage: Stage) -> None:
    text = f"From: {JOE}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <1@x>\r\n\r\n"
    stage.take(f"{text}QUERY ***GUI*** TEST-L\r\n".encode())
    assert "***LIST*** TEST-L" in stage.outgoing()[0].decode()


def test_a_file_and_nothing_else(stage: Stage) -> None:
    header = call(stage, OLGA, "GET TEST-L (MSG NOLOCK HDR", SECRET)
    assert all(line.startswith("*") for line in header.split("\n"))
    whole = call(stage, OLGA, "GET TEST-L (MSG NOLOCK", SECRET)
    assert whole == f"{header}\njoe@example.net Joe Doe"
    rows = "".join(f"{len(row)}_{row}" for row in header.split("\n"))
    assert "what you sent already" in call(stage, OLGA, f"X-STL TEST-L {rows}", SECRET)


def test_more_records_than_fit(stage: Stage) -> None:
    [list_id] = [one.id for one in stage.tx.lists.all() if one.name == "TEST-L"]
    default = stage.tx.lists.get("TEST-L").default_options()
    for n in range(RECORDS_MAX):
        mailbox = parse_mailbox(f"a{n}@example.com")
        stage.tx.subscribers.add(list_id, mailbox, "", default, stage.now)
    assert "more than 2000" in call(stage, OLGA, "QUERY ***GUI*** TEST-L FOR *", SECRET)
    few = call(stage, OLGA, "QUERY ***GUI*** TEST-L FOR a1*@*", SECRET)
    assert len(records(few)) == 1111


def test_other_files_and_nothing_else(stage: Stage) -> None:
    assert call(stage, OLGA, "GET TEST-L CHANGELOG (MSG", SECRET) == ""
    stage.create("LOG-L", {"set": ["Change-Log= Yes"], "subscribers": [JOE]})
    call(stage, OLGA, f"QUIET SET LOG-L NOMAIL FOR {JOE}", SECRET)
    log = call(stage, OLGA, "GET LOG-L CHANGELOG (MSG", SECRET)
    assert log == f"20261122120000 SET {JOE} NOMAIL"
    assert call(stage, OLGA, "GET TEST-L WELCOME (MSG", SECRET) == ""
    assert call(stage, OLGA, "GET DEFAULT MAILTPL (MSG", SECRET).startswith(">>> ")


def test_what_was_compared_before_the_turn(stage: Stage) -> None:
    read = read_call(JOE.encode(), f"QUERY TEST-L PW={SECRET}".encode(), "")
    stale = Compared("$another$hash", is_right=False)
    assert "Joe Doe" in answer(stage.turn(), read, stale)
    assert "Joe Doe" in answer(stage.turn(), read, Compared(HASH, is_right=True))
    assert answer(stage.turn(), read, Compared(HASH, is_right=False)).startswith(WRONG)
    wrong = read_call(JOE.encode(), b"QUERY TEST-L PW=Wrong-1", "")
    assert answer(stage.turn(), wrong, Compared("$old$hash", is_right=True)).startswith(WRONG)
    for _ in range(WRONG_AN_HOUR):
        call(stage, JOE, "QUERY TEST-L", "Wrong-1")
    assert answer(stage.turn(), read, Compared(HASH, is_right=True)).startswith(TOO_MANY)


def by_position(text: str) -> list[tuple[str, str, list[str], str]]:
    """What the published client (liblistserv) cuts out of the records, at the places it looks."""
    found, at = [], 0
    while text[at : at + 1] == "*":
        ends = [text.index("\n", at)]
        address = text[at + 10 : ends[0]]
        ends.append(text.index("\n", ends[0] + 12))
        ends.append(text.index("\n", ends[1] + 12))
        listname = text[ends[1] + 12 : ends[2]]
        at, options = ends[2] + 2, []
        while text[at + 3] == "O":
            end = text.index("\n", at + 10)
            options.append(text[at + 10 : end])
            at = end + 1
        assert text[at + 4] == "S"
        date, _, _ = text[at + 15 :].partition("\n")
        at += 15 + len(date) + 1
        found.append((address, listname, options, date))
    assert at > len(text)
    return found


def test_the_published_client_reads_the_records(stage: Stage) -> None:
    run_job(stage.turn(), parse_mailbox(OLGA), "QUIET ADD TEST-L ann@example.com")
    found = by_position(call(stage, OLGA, "QUERY ***GUI*** TEST-L FOR *", SECRET))
    assert [one[:2] for one in found] == [(JOE, "TEST-L"), ("ann@example.com", "TEST-L")]
    assert [one[3] for one in found] == ["22 Nov 2026"] * 2
    assert {"MAIL", "NODIGEST", "NOINDEX", "HTML", "REPRO", "NOCONCEAL", "POST"} <= set(found[1][2])
