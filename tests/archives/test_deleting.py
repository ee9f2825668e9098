"""A post that its list's owner takes out of the archive: by a PUT with nothing below it."""

from __future__ import annotations

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from digests.digest_rig import Digests

from listserv_py.commands.interpreter import run_job
from listserv_py.lists.search import placed, split
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.archive_index import prepared

OLGA = "olga@example.org"
ARCHIVED = ("Notebook= Yes,A,Monthly,Private", "Validate= No", "Sub-lists= SUB-L")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Digests]:
    made = Digests(tmp_path, "dig@x.org || DIGEST", sets=ARCHIVED)
    made.create("SUB-L", {"subscribers": ["low@x.org || DIGEST"]})
    for number in (1, 2, 3):
        made.post(number)
    index(made)
    yield made
    made.close()


def index(stage: Digests) -> None:
    unread = stage.tx.archive_index.unread(1000, 10_000_000)
    stage.tx.archive_index.index([prepared(one) for one in unread])


def send(stage: Digests, body: str, sender: str = OLGA, to: str = "listserv") -> list[str]:
    """The texts of what comes back."""
    stage.outgoing()
    stage.take(
        f"From: {sender}\r\nTo: {to}@lists.example.org\r\nSubject: x\r\n"
        f"Message-ID: <{stage.codes}.{stage.tokens}@x>\r\n\r\n{body}\r\n".encode()
    )
    mails = [one.partition(b"\r\n\r\n")[2] for one in stage.outgoing()]
    return [text(message_from_bytes(one, policy=policy.default)) for one in mails]  # type: ignore[arg-type]


def text(mail: EmailMessage) -> str:
    body = mail.get_body(("plain",))
    return " ".join(str(body.get_content()).split()) if body else ""


def kept(stage: Digests) -> list[int]:
    found = stage.tx.lists.get("TEST-L")
    return [one.number for one in stage.tx.archive.after(found.id, 0, 100)]


def test_an_owner_takes_one_post_out_everywhere(stage: Digests) -> None:
    [asked] = send(stage, "PUT TEST-L 26-00002")
    assert "2 2026-11-22 12:00 Number 2" in asked
    assert kept(stage) == [1, 2, 3], "nothing goes before the code is answered"
    [done] = send(stage, f"OK C0DE{stage.codes:012X}")
    assert "26-00002 of the TEST-L list: 1 deleted" in done
    assert kept(stage) == [1, 3]
    assert "Nothing is found" in run_job(stage.turn(), parse_mailbox(OLGA), "SEARCH TEST-L 2")[0]
    for table in ("archive_content", "digest_content", "archive_text_content"):
        assert stage.db.execute(f"SELECT count(*) FROM {table}").fetchone() == (2,)  # noqa: S608 - names of ours
    stage.now = stage.now.replace(day=23)
    stage.run_timers()
    assert {tuple(found) for _, _, found in stage.issues()} == {("Number 1", "Number 3")}
    stage.post(4)
    assert kept(stage) == [1, 3, 4], "a number is not given again"


def test_it_goes_out_of_an_issue_on_its_way(stage: Digests) -> None:
    stage.now = stage.now.replace(day=23)
    stage.run_timers()
    run_job(stage.turn(), parse_mailbox(OLGA), "PUT TEST-L 26-00001")
    assert {tuple(found) for _, _, found in stage.issues()} == {("Number 2", "Number 3")}


def test_a_month_goes_as_it_stood_when_the_code_was_asked_for(stage: Digests) -> None:
    send(stage, "PUT TEST-L LOG2611")
    code = f"C0DE{stage.codes:012X}"
    stage.now = stage.now.replace(hour=13)
    stage.post(4)
    send(stage, f"OK {code}")
    assert kept(stage) == [4]


@pytest.mark.parametrize(
    ("body", "sender", "said"),
    [
        ("PUT TEST-L LOG2611\nFrom x Sun Nov 22 12:00:00 2026\nFrom: x", OLGA, "be stored anew"),
        ("PUT TEST-L 26-00099", OLGA, "26-00099"),
        ("PUT TEST-L LOG2001", OLGA, "LOG2001"),
        ("PUT TEST-L 26-00001", "dig@x.org", "TEST-L"),
        ("PUT TEST-L 26-00099", "mallory@x.org", "TEST-L"),
    ],
)
def test_nothing_else_goes(stage: Digests, body: str, sender: str, said: str) -> None:
    codes = stage.codes
    [answer] = send(stage, body, sender)
    assert said in answer
    assert stage.codes == codes, "nobody is asked to confirm what is refused"
    assert kept(stage) == [1, 2, 3]


def test_an_attached_file_does_not_delete(stage: Digests) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = OLGA, "listserv@lists.example.org", "x"
    mail["Message-ID"] = "<att@x>"
    mail.set_content("PUT TEST-L LOG2611\n")
    mail.add_attachment(b"From x", maintype="application", subtype="mbox", filename="log2611.mbox")
    stage.outgoing()
    stage.take(mail.as_bytes(policy=policy.SMTP))
    assert b"cannot\r\nbe stored anew" in stage.outgoing()[-1]
    assert kept(stage) == [1, 2, 3]


# LIST-search-request.


def test_mail_to_the_search_address_is_a_search(stage: Digests) -> None:
    [answer] = send(stage, "Text 3", "dig@x.org", "test-l-search-request")
    assert "1 found in the archive of the TEST-L list" in answer
    assert "3 2026-11-22 12:00 Joe Number 3" in answer
    [answer] = send(stage, "Text 3", "mallory@x.org", "test-l-search-request")
    assert "is not open to the address" in answer


@pytest.mark.parametrize(
    ("line", "said", "clauses"),
    [
        ("green apples", "green apples", ""),
        ("a letter from rome", "a letter from rome", ""),
        ("apples SINCE 2026-01-12", "apples", "SINCE 2026-01-12"),
        ("apples from 2026-01-12 to today", "apples", "from 2026-01-12 to today"),
        ('"words since" WHERE SUBJECT CONTAINS x', '"words since"', "WHERE SUBJECT CONTAINS x"),
    ],
)
def test_a_search_is_given_its_list(line: str, said: str, clauses: str) -> None:
    assert split(placed(line, "TEST-L")) == (said, "TEST-L", clauses)
    assert placed(f"{said} IN OTHER-L {clauses}", "TEST-L") == f"{said} IN OTHER-L {clauses}"
