"""Who is erased is gone from archives: his own posts, what others quote, the index, the file."""

from __future__ import annotations

import base64
import quopri
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.control import operations
from listserv_py.lists.notebooks import Span
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.mail.redact import finder, without
from listserv_py.store.archive_index import prepared
from listserv_py.store.people import People

CANARY = parse_mailbox("canary.bird@example.net")
TOLD = ("canary", "Yellow Feather")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    archived = ["Send= Public", "Notebook= Yes,A,Monthly,Private"]
    made.create("TEST-L", {"set": archived})
    made.create("DROP-L", {"set": [*archived, "Misc-Options= DROP_ERASED_POSTS"]})
    yield made
    made.close()


def his(number: int, to: str = "test-l") -> bytes:
    return (
        f"Received: from canary.example by x; Sun, 22 Nov 2026 12:00:00 +0000\r\n"
        f"From: Yellow Feather <canary.bird@example.net>\r\nTo: {to}@lists.example.org\r\n"
        f"Subject: Seeds from Yellow Feather {number}\r\nMessage-ID: <{number}.canary@x>\r\n"
        f"\r\nI like seeds number {number}.\r\n-- \r\nYellow Feather, canary.bird@example.net\r\n"
    ).encode()


def answer(number: int) -> bytes:
    return (
        f"From: Ann <ann@example.net>\r\nTo: test-l@lists.example.org,"
        f" canary.bird@example.net\r\nSubject: Re: Seeds {number}\r\nMessage-ID: <a{number}@x>\r\n"
        f"In-Reply-To: <{number}.x@x>\r\n\r\nYellow Feather <canary.bird@example.net> wrote:\r\n"
        f"> seeds {number}\r\nNo, thank you {number}.\r\n"
    ).encode()


def index(stage: Stage) -> None:
    unread = stage.tx.archive_index.unread(1000, 10_000_000)
    stage.tx.archive_index.index([prepared(one) for one in unread])


def everything(stage: Stage) -> str:
    """All that the archive's tables and the words of its index hold."""
    tables = ("archive", "archive_text", "archive_content")
    rows = [row for table in tables for row in stage.db[table].rows]
    kept = [stage.tx.archive.raw(row[0]) for row in stage.db.execute("SELECT id FROM archive")]
    return repr(rows) + repr(kept)


@pytest.mark.parametrize("indexed", [True, False])
def test_he_is_gone_and_what_was_said_stays(stage: Stage, indexed: bool) -> None:
    stage.take(his(1))
    stage.take(answer(1), {"rcpt": "test-l@lists.example.org"})
    if indexed:
        index(stage)
    stored = People(stage.tx).stored_about(CANARY)
    assert [one["number"] for one in stored["archived_posts"]] == [1]
    assert [one["number"] for one in stored["archived_posts_naming_him"]] == [2]
    assert CANARY in set(People(stage.tx).everybody())
    People(stage.tx).erase(CANARY)
    index(stage)
    assert not [word for word in TOLD if word.lower() in everything(stage).lower()]
    first, second = stage.tx.archive.in_file(stage.tx.lists.get("TEST-L").id, Span("NOTEBOOK"))
    assert b"I like seeds number 1." in stage.tx.archive.raw(first.id)
    assert b"No, thank you 1." in stage.tx.archive.raw(second.id)
    assert not any(People(stage.tx).stored_about(CANARY).values())
    size = sum(len(stage.tx.archive.raw(one.id)) for one in (first, second))
    assert stage.tx.archive.days(stage.tx.lists.get("TEST-L").id)[0].octets == size


def test_a_list_may_drop_what_he_wrote(stage: Stage) -> None:
    stage.take(his(1, "drop-l"))
    index(stage)
    People(stage.tx).erase(CANARY)
    assert everything(stage) == "[][]"


def test_a_post_in_two_archives_is_his_in_both(stage: Stage) -> None:
    stage.create("ELSE-L", {"set": ["Send= Public", "Notebook= Yes,A,Single,Private"]})
    stage.take(his(1))
    stage.take(his(1), {"rcpt": "else-l@lists.example.org"})
    index(stage)
    People(stage.tx).erase(CANARY)
    assert "canary" not in everything(stage).lower()


def test_an_old_mailbox_does_not_bring_him_back(stage: Stage) -> None:
    stage.take(his(1))
    People(stage.tx).erase(CANARY)
    assert stage.tx.archive.has(stage.tx.lists.get("TEST-L").id, his(1))


def test_the_index_forgets_on_disk(stage: Stage) -> None:
    for number in range(5):
        stage.take(his(number))
        stage.now += timedelta(minutes=1)
    index(stage)
    People(stage.tx).erase(CANARY)
    stage.db.execute("DELETE FROM mailing")
    stage.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"canary" not in b"".join(path.read_bytes() for path in stage.folder.glob("*.db"))


@pytest.mark.parametrize("coding", ["base64", "quoted-printable", "8bit"])
def test_in_any_coding(coding: str) -> None:
    said = "Grüße, canary.bird@example.net wrote:\r\n> ja\r\n".encode()
    coded = {
        "base64": base64.encodebytes(said).replace(b"\n", b"\r\n"),
        "quoted-printable": quopri.encodestring(said.replace(b"\r\n", b"\n")).replace(
            b"\n", b"\r\n"
        ),
        "8bit": said,
    }[coding]
    head = (
        "From: a@example.net\r\nSubject: =?utf-8?Q?=63anary=2Ebird=40example=2Enet?= fliegt\r\n"
        f"MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"
        f"Content-Transfer-Encoding: {coding}\r\n\r\n"
    ).encode()
    changed = read(without(read(head + coded), finder(CANARY)))
    assert "Grüße, erased@erased.invalid wrote:" in changed.root.as_text()
    assert changed.subject == "erased@erased.invalid fliegt"


def test_somebody_else_s_longer_address_stays() -> None:
    raw = b"From: a@example.net\r\n\r\nthe-canary.bird@example.net, canary.bird@example.network\r\n"
    assert without(read(raw), finder(CANARY)) == raw


def test_many_posts_are_erased_in_slices(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(operations, "ERASED_AT_ONCE", 5)
    for number in range(4):
        stage.take(his(number))
        stage.take(answer(number), {"rcpt": "test-l@lists.example.org"})
        stage.take(his(number, "drop-l"))
    index(stage)
    erasure, slices = operations.Erasure(str(CANARY)), 0
    while not erasure.archived.is_done:
        erasure = operations.ERASE_ARCHIVED.act(stage.turn(), erasure)
        slices += 1
    assert slices > 1
    assert erasure.archived.posts == 12
    stage.take(answer(9), {"rcpt": "test-l@lists.example.org"})
    erased = operations.ERASE.act(stage.turn(), erasure)
    assert erased.rows >= 13, "what came between the slices is looked at as well"
    assert not any(word in everything(stage).lower() for word in ("canary", "feather"))
    assert stage.db.execute("SELECT count(*) FROM archive").fetchone() == (9,)


FAR = parse_mailbox("jürgen@müller.example")
NAME = "Jürgen Müller"


@pytest.mark.parametrize("charset", ["utf-8", "iso-8859-1", ""])
@pytest.mark.parametrize("coding", ["base64", "8bit"])
def test_a_name_and_an_address_that_are_not_ascii(charset: str, coding: str) -> None:
    said = f"{NAME} <jürgen@müller.example> schrieb:\r\n> Grüße\r\n".encode(charset or "utf-8")
    body = base64.encodebytes(said).replace(b"\n", b"\r\n") if coding == "base64" else said
    label = f"; charset={charset}" if charset else ""
    raw = (
        "From: Ann <ann@example.net>\r\n"
        "To: =?utf-8?q?J=C3=BCrgen?= =?utf-8?q?_M=C3=BCller?= <jürgen@xn--mller-kva.example>,\r\n"
        " =?utf-8?q?B=C3=A4rbel?= <baerbel@example.net>\r\n"
        f"Content-Type: text/plain{label}\r\nContent-Transfer-Encoding: {coding}\r\n\r\n"
    ).encode() + body
    changed = read(without(read(raw), finder(FAR, frozenset([NAME]))))
    assert changed.text("to") == ("(erased) <erased@erased.invalid>, Bärbel <baerbel@example.net>")
    told = changed.root.as_text()
    assert told == "(erased) <erased@erased.invalid> schrieb:\n> Grüße\n"
