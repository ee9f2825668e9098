"""GET, PUT and UNLOCK: who may, when, and what stays as it was."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from ceiling import ceiling
from stage import NOW, Stage

from listserv_py.commands.command import Actor, Command, Request
from listserv_py.commands.header import GET, PUT, UNLOCK
from listserv_py.commands.headerchange import changes
from listserv_py.commands.interpreter import run_job
from listserv_py.commands.rights import needs_code
from listserv_py.commands.syntax import Arguments
from listserv_py.commands.table import COMMANDS
from listserv_py.lists.header import read_header
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.mail.proof import Proof
from listserv_py.store.people import People

OLGA, OSKAR, JOE, ADMIN = (
    "olga@example.org",
    "oskar@example.net",
    "joe@example.net",
    "admin@example.org",
)
OWNERS = "* Owner= olga@example.org\n* Owner= oskar@example.net\n"
HEADER = f"* Tests and trials\n{OWNERS}"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"owners": [OLGA, OSKAR], "subscribers": ["joe@example.net | Joe Doe"]})
    yield made
    made.close()


def tell(stage: Stage, sender: str, body: str) -> list[str]:
    """Mail commands; what is mailed to the sender, as text."""
    stage.take(
        f"From: {sender}\r\nTo: listserv@lists.example.org\r\n"
        f"Message-ID: <{stage.codes}.{stage.sent}@x.example>\r\n"
        f"Content-Type: text/plain; charset=utf-8\r\n\r\n{body}".encode()
    )
    wanted = f"RCPT TO:<{sender}>".encode()
    mails = [one for one in stage.outgoing() if wanted in one.split(b"\r\n\r\n")[0]]
    return [read(one.split(b"\r\n\r\n", 1)[1]).command_text for one in mails]


def confirm(stage: Stage, sender: str) -> str:
    return "\n".join(tell(stage, sender, f"OK C0DE{stage.codes:012X}"))


def put(stage: Stage, sender: str, header: str) -> str:
    """PUT, and confirmed where that was asked for."""
    codes = stage.codes
    said = "\n".join(tell(stage, sender, f"PUT TEST-L LIST\n{header}"))
    return said if stage.codes == codes else confirm(stage, sender)


def do(stage: Stage, sender: str, line: str) -> str:
    """A line by somebody who is proven."""
    return run_job(stage.turn(), parse_mailbox(sender), line)[0]


def stored(stage: Stage) -> str:
    return str(stage.tx.lists.get("TEST-L").header)


STRANGE = (
    """\
* Prüfungen & trials: a title, = of sorts
*
* Owner= olga@example.org (Olga Owner)  who does the work   Notify= No
*Owner= Quiet: oskar@example.net
*   Send = Editor , Hold
* PW= SECRET
* .HH ON
*    indented,  text   with    gaps
* .HH OFF
* From: somebody
* a very long line """
    + "x" * 900
    + """
* PUT TEST-L LIST
* --
* > not a quote
* the end:
"""
)


def test_a_header_comes_back_as_it_was_sent(stage: Stage) -> None:
    put(stage, OLGA, STRANGE)
    header = stored(stage)
    assert header == STRANGE
    got = do(stage, OLGA, "GET TEST-L (HEADER")
    file = got[got.index("PUT TEST-L LIST") :]
    assert "what you sent already" in put(stage, OLGA, file.partition("\n")[2])
    assert stored(stage) == header
    assert [one.name for one in stage.tx.subscribers.on_list(1)] == ["Joe Doe"]


def test_through_the_mail_a_header_is_the_same(stage: Stage) -> None:
    put(stage, OLGA, STRANGE)
    before = stored(stage)
    tell(stage, OLGA, "GET TEST-L (HEADER")
    got = confirm(stage, OLGA)
    tell(stage, OLGA, got[got.index("PUT TEST-L LIST") :])
    assert "what you sent already" in confirm(stage, OLGA)
    assert stored(stage) == before


@pytest.mark.parametrize("sender", [JOE, "eve@example.com"])
@pytest.mark.parametrize("line", ["GET TEST-L", "GET TEST-L (HEADER", "UNLOCK TEST-L"])
def test_strangers_are_refused_at_once(stage: Stage, sender: str, line: str) -> None:
    (said,) = tell(stage, sender, line)
    assert "Only an owner" in said


def test_a_strangers_put_is_refused_and_not_repeated(stage: Stage) -> None:
    (said,) = tell(stage, JOE, "PUT TEST-L LIST\n* http://spam.example\n* Owner= joe@example.net")
    assert "Only an owner" in said
    assert "spam" not in said
    assert stage.codes == 0


def test_a_wrong_header_changes_nothing_and_asks_for_nothing(stage: Stage) -> None:
    before = stored(stage)
    (said,) = tell(stage, OLGA, f"PUT TEST-L LIST\n{HEADER}* Send= Pubic\n\n* Ack= Maybe")
    assert "Line 4: * Send= Pubic" in said
    assert "Line 6: * Ack= Maybe" in said
    assert (stage.codes, stored(stage)) == (0, before)


def test_a_put_needs_a_header(stage: Stage) -> None:
    assert "stands alone" in tell(stage, OLGA, "PUT TEST-L LIST")[0]


@pytest.mark.parametrize("file", ["NOTES", "../passwd", "\uff0e\uff0e", "%2e%2e"])
def test_an_unknown_file(stage: Stage, file: str) -> None:
    assert "no file of the type" in do(stage, OLGA, f"GET TEST-L {file}")


@pytest.mark.parametrize("file", ["../passwd", "\uff0e\uff0e", "%2e%2e"])
def test_a_name_that_no_file_has(stage: Stage, file: str) -> None:
    assert "not the name of a file" in do(stage, OLGA, f"PUT TEST-L {file}\n{HEADER}")


def test_what_is_too_large_is_not_taken(stage: Stage) -> None:
    assert "100 kB" in put(stage, OLGA, HEADER + "* 1234567890\n" * 9000)
    assert "2000 lines" in put(stage, OLGA, HEADER + "* x\n" * 2100)


def test_many_faults_are_counted(stage: Stage) -> None:
    assert "And 1300 more." in put(stage, OLGA, HEADER + "* Ack= x\n" * 1500)


# The lock.


def test_get_locks_for_an_hour_against_others(stage: Stage) -> None:
    do(stage, OLGA, "GET TEST-L (HEADER")
    assert "locked until" in put(stage, OSKAR, HEADER)
    assert "locked until" in put(stage, ADMIN, HEADER)
    stage.now += timedelta(minutes=61)
    assert "has been stored" in put(stage, OSKAR, HEADER)


def test_put_unlocks(stage: Stage) -> None:
    do(stage, OLGA, "GET TEST-L (HEADER")
    assert "has been stored" in put(stage, OLGA, HEADER)
    assert "has been stored" in put(stage, OSKAR, HEADER + "* more\n")


@pytest.mark.parametrize("line", ["GET TEST-L (NOLOCK", "GET TEST-L (HEADER NOLOCK"])
def test_nolock_locks_nothing(stage: Stage, line: str) -> None:
    assert "It is not locked" in do(stage, OLGA, line)
    assert "has been stored" in put(stage, OSKAR, HEADER)


def test_any_owner_unlocks(stage: Stage) -> None:
    do(stage, OLGA, "GET TEST-L (HEADER")
    assert "olga@example.org" in do(stage, OSKAR, "UNLOCK TEST-L")
    assert "was not locked" in do(stage, OSKAR, "UNLOCK TEST-L")


def test_a_lock_that_came_after_the_put_holds_it_up(stage: Stage) -> None:
    tell(stage, OLGA, f"PUT TEST-L LIST\n{HEADER}")
    do(stage, OSKAR, "GET TEST-L (HEADER")
    assert "locked until" in confirm(stage, OLGA)


def test_a_put_does_not_overwrite_what_was_stored_after_it(stage: Stage) -> None:
    tell(stage, OLGA, f"PUT TEST-L LIST\n{HEADER}* from Olga")
    code = stage.codes
    stage.now += timedelta(minutes=1)
    put(stage, OSKAR, f"{HEADER}* from Oskar")
    said = "\n".join(tell(stage, OLGA, f"OK C0DE{code:012X}"))
    assert "changed by somebody else" in said
    assert "from Oskar" in stored(stage)


def test_old_is_the_header_before(stage: Stage) -> None:
    before = stored(stage)
    assert "never been changed" in do(stage, OLGA, "GET TEST-L (OLD")
    put(stage, OLGA, HEADER)
    assert before in do(stage, OLGA, "GET TEST-L (HEADER OLD") + "\n"


def test_get_without_header_shows_the_subscribers(stage: Stage) -> None:
    assert "joe@example.net Joe Doe" in do(stage, OLGA, "GET TEST-L")
    assert "joe@example.net" not in do(stage, OLGA, "SENDME TEST-L LIST (H")


# Who may.


@pytest.mark.parametrize(
    ("command", "proof", "asked"),
    [
        (GET, Proof.NONE, True),
        (GET, Proof.DKIM, False),
        (UNLOCK, Proof.DKIM, False),
        (PUT, Proof.NONE, True),
        (PUT, Proof.DKIM, True),
        (PUT, Proof.AUTHSERV, True),
        (PUT, Proof.CODE, False),
        (PUT, Proof.OPERATOR, False),
    ],
    ids=lambda value: getattr(value, "word", str(value)),
)
def test_a_put_is_proven_by_a_code_only(
    stage: Stage, command: Command, proof: Proof, asked: bool
) -> None:
    said = Arguments("TEST-L", filetype="LIST")
    actor = Actor(parse_mailbox(OLGA), proof=proof)
    assert asked == needs_code(
        Request(stage.turn(), actor, command, said, False, COMMANDS, lambda *_: "")
    )


def test_configuration_owner(stage: Stage) -> None:
    said = put(stage, OLGA, f"{HEADER}* Configuration-Owner= oskar@example.net, cora@example.com")
    assert "has been stored" in said
    assert "Configuration-Owner" in put(stage, OLGA, HEADER)
    assert "Configuration-Owner= oskar" in do(stage, OLGA, "GET TEST-L (HEADER NOLOCK")
    assert "PUT TEST-L LIST" in do(stage, "cora@example.com", "GET TEST-L (HEADER NOLOCK")
    assert "has been stored" in put(stage, "cora@example.com", HEADER)


def test_only_a_postmaster_changes_what_is_the_sites(stage: Stage) -> None:
    limited = f"{HEADER}* Limits= Sub(1)\n* Subscription= Open\n"
    assert "a postmaster only" in put(stage, OLGA, limited)
    assert "has been stored" in put(stage, ADMIN, limited)
    assert "has been stored" in put(stage, OLGA, f"{limited}* more")
    assert "a postmaster only" in put(stage, OLGA, HEADER)
    assert "as it may have" in do(stage, OLGA, "ADD TEST-L new@example.com")
    assert "already" in do(stage, OLGA, "ADD TEST-L joe@example.net")
    assert "as it may have" in do(stage, "new@example.com", "SUBSCRIBE TEST-L")


def test_an_address_of_ours_owns_no_list(stage: Stage) -> None:
    for own in ("test-l", "listserv", "owner-test-l", "postmaster"):
        assert "of this server" in put(stage, OLGA, f"{HEADER}* Editor= {own}@lists.example.org")


def test_a_postmaster_makes_a_list(stage: Stage) -> None:
    header = "* New\n* Owner= nina@example.com\n* Send= Public\n"
    said = do(stage, ADMIN, f"PUT new-l LIST\n{header}")
    assert "* Validate= All,Confirm" in said
    made = stage.tx.lists.get("NEW-L")
    assert str(made.header).startswith(header)
    assert made.keywords.validate.confirm
    assert "cannot be the name" in do(stage, ADMIN, f"PUT listserv LIST\n{header}")
    assert "no list called" in do(stage, OLGA, f"PUT other-l LIST\n{header}")
    assert "does not begin" in do(stage, ADMIN, f"PUT other-l LIST\n{header}broken")


def test_a_list_that_was_made_meanwhile_is_not_overwritten(stage: Stage) -> None:
    tell(stage, ADMIN, "PUT NEW-L LIST\n* A\n* Owner= nina@example.com")
    stage.now += timedelta(minutes=1)
    stage.create("NEW-L", {})
    assert "changed by somebody else" in confirm(stage, ADMIN)


# What others see.


def test_review_hides_what_is_hidden(stage: Stage) -> None:
    put(
        stage,
        OLGA,
        f"{HEADER}* PW= SECRET Ack= No\n*.HH ON\n* a\n* .hh on\n* b\n* .HH OFF\n* c\n*.HH OFF\n* d",
    )
    said = do(stage, OLGA, "REVIEW TEST-L (SHORT")
    assert "* PW= ********\n* (3 lines are hidden here.)\n* d\n" in said
    assert "SECRET" not in said
    assert "* b" in do(stage, OLGA, "GET TEST-L (HEADER")


def test_a_password_is_not_told_to_other_owners(stage: Stage) -> None:
    stage.outgoing()
    tell(stage, OLGA, f"PUT TEST-L LIST\n{HEADER}* PW= SECRET")
    stage.take(
        b"From: olga@example.org\r\nTo: listserv@lists.example.org\r\n\r\nOK C0DE000000000001\r\n"
    )
    mails = stage.outgoing()
    assert len(mails) == 2
    assert all(b"* PW= ********" in mail and b"SECRET" not in mail for mail in mails)


def test_quiet_owners_hear_when_they_are_owners_no_more(stage: Stage) -> None:
    put(stage, OLGA, "* T\n* Owner= olga@example.org, Quiet:, oskar@example.net")
    stage.outgoing()
    tell(stage, OLGA, "PUT TEST-L LIST\n* T2\n* Owner= olga@example.org, Quiet:, oskar@example.net")
    confirm(stage, OLGA)
    tell(stage, OLGA, "PUT TEST-L LIST\n* T\n* Owner= olga@example.org")
    code = f"OK C0DE{stage.codes:012X}"
    stage.take(f"From: {OLGA}\r\nTo: listserv@lists.example.org\r\n\r\n{code}".encode())
    told = [mail for mail in stage.outgoing() if b"<oskar@example.net>" in mail]
    assert [b"other owners" in mail for mail in told] == [True]


def test_who_is_erased_is_in_no_old_header(stage: Stage) -> None:
    put(stage, OLGA, "* T\n* Owner= olga@example.org")
    do(stage, OSKAR, "GET TEST-L (HEADER")
    oskar = parse_mailbox(OSKAR)
    stage.tx.headers.lock(1, oskar, NOW + timedelta(hours=1))
    stored_about = People(stage.tx).stored_about(oskar)
    assert stored_about["older_roles"] == [
        {"list": "TEST-L", "header_line": "* Owner= oskar@example.net"}
    ]
    assert stored_about["headers_open"][0]["list"] == "TEST-L"
    assert oskar in set(People(stage.tx).everybody())
    People(stage.tx).erase(oskar)
    assert oskar not in set(People(stage.tx).everybody())
    assert stage.tx.headers.old(1) is None


@pytest.mark.parametrize(
    ("old", "new"),
    [([" "] * 1990, [""] * 1990), ([" x", ""] * 990, ["", " x", " y"] * 660)],
    ids=["alike", "all different"],
)
def test_changes_are_found_in_good_time(old: list[str], new: list[str]) -> None:
    before, after = (
        read_header(HEADER + "".join(f"*{line}\n" for line in lines))[0] for lines in (old, new)
    )
    with ceiling():
        said = changes(before, after)
    assert "Owner=" not in said


def test_topics_that_move_keep_their_readers(stage: Stage) -> None:
    put(stage, OLGA, f"{HEADER}* Topics= News,Jobs,Sport\n")
    do(stage, OLGA, "ADD TEST-L ann@example.net Ann")
    do(stage, OLGA, "SET TEST-L TOPICS: Sport FOR joe@example.net")
    do(stage, OLGA, "SET TEST-L ACK FOR joe@example.net")
    told = " ".join(put(stage, OLGA, f"{HEADER}* Topics= News,SPORT,Art\n").split())
    assert "wherever it stands now: News, SPORT. Gone: Jobs. New: Art." in told
    joe, ann = stage.tx.subscribers.on_list(stage.tx.lists.get("TEST-L").id)
    assert (joe.options.no_topics & 0b1111, joe.options.ack) == (0b1011, True)
    assert (ann.options.no_topics, joe.options.gets_single_posts) == (0, True)


def test_a_header_that_ends_in_a_rule_is_sent_whole_to_programs(stage: Stage) -> None:
    header = stage.tx.lists.get("TEST-L").header
    ruled = f"{header}* -----\n"
    stage.tx.lists.update(stage.tx.lists.get("TEST-L"), ruled, stage.now)
    said, _ = run_job(stage.turn(), parse_mailbox(OLGA), "GET TEST-L (HEADER NOLOCK MSG")
    assert said == ruled.rstrip("\n")
