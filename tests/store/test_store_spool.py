from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fresh_rig import fresh_database

from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JOE = parse_mailbox("joe@example.net")
EVE = parse_mailbox("eve@example.net")
LISTSERV = parse_mailbox("listserv@lists.example.org")
MAIL = b"Received: by us\r\nMessage-ID: <1@example.net>\r\nSubject: x\r\n\r\nTHANKS\r\n"


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    db = fresh_database(tmp_path)
    yield Tx(db, "lists.example.org")
    db.close()


def envelope(content: bytes = MAIL, *, rcpt_to: tuple[Mailbox, ...] = (LISTSERV,)) -> Envelope:
    return Envelope(JOE, rcpt_to, content, "192.0.2.1", "example.net", Protocol.SMTP, NOW)


def test_a_mail_is_kept_for_each_recipient_its_bytes_once(tx: Tx) -> None:
    assert tx.spool.take(envelope(rcpt_to=(LISTSERV, EVE))) == 2
    assert tx.db.execute("SELECT count(*) FROM message").fetchone() == (1,)
    first, second = tx.spool.begin(tx.spool.ready(10, 10**6))
    assert (first.rcpt, second.rcpt) == (LISTSERV, EVE)
    assert first.raw == second.raw == MAIL
    tx.spool.done(first.id)
    assert tx.db.execute("SELECT count(*) FROM message").fetchone() == (1,)
    tx.spool.done(second.id)
    assert tx.db.execute("SELECT count(*) FROM message").fetchone() == (0,)


def again(**changes: object) -> Envelope:
    return replace(envelope(), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("second", "new"),
    [
        (again(), 0),
        (again(content=b"Received: other way\r\n" + MAIL), 0),
        (again(content=b"Return-Path: <x@y.org>\r\nReceived: a\r\n b\r\n" + MAIL[17:]), 0),
        (again(received_at=NOW + timedelta(days=6, hours=23)), 0),
        (again(received_at=NOW + timedelta(days=7, seconds=1)), 1),
        (again(reverse_path=EVE), 1),
        (again(reverse_path=None), 1),
        (again(rcpt_to=(EVE,)), 1),
        (again(content=MAIL + b"more\r\n"), 1),
        (again(content=MAIL.replace(b"<1@", b"<2@")), 1),
    ],
    ids=[
        "the same",
        "another way",
        "more trace",
        "six days later",
        "eight days later",
        "another sender",
        "no sender",
        "another recipient",
        "other text",
        "another id",
    ],
)
def test_a_mail_sent_again_is_one_mail(tx: Tx, second: Envelope, new: int) -> None:
    assert tx.spool.take(envelope()) == 1
    assert tx.spool.take(second) == new


def test_without_a_message_id_an_hour_counts(tx: Tx) -> None:
    bare = again(content=b"Subject: x\r\n\r\nTHANKS\r\n")
    assert tx.spool.take(bare) == 1
    assert tx.spool.take(replace(bare, received_at=NOW + timedelta(minutes=59))) == 0
    assert tx.spool.take(replace(bare, received_at=NOW + timedelta(minutes=61))) == 1


def test_an_equal_address_twice_is_one(tx: Tx) -> None:
    twice = envelope(rcpt_to=(LISTSERV, parse_mailbox("LISTSERV@lists.example.org")))
    assert tx.spool.take(twice) == 1


def test_a_batch_is_bounded_in_bytes_but_never_empty(tx: Tx) -> None:
    for number in range(4):
        tx.spool.take(again(content=b"Message-ID: <%d@x>\r\n\r\n" % number + b"x" * 1000))
    assert len(tx.spool.ready(10, 2100)) == 2
    assert len(tx.spool.ready(10, 1)) == 1
    assert len(tx.spool.ready(3, 10**6)) == 3


def held(tx: Tx, listname: str = "TEST-L") -> int:
    tx.db.execute(
        "INSERT INTO list (name, header, created_at, changed_at) VALUES (?, '', 0, 0)", (listname,)
    )
    tx.spool.take(envelope())
    [spool_id] = tx.spool.ready(1, 10**6)
    tx.spool.hold(spool_id, "approval", 1, JOE, NOW + timedelta(days=7))
    return spool_id


def test_a_held_post_is_released_once(tx: Tx) -> None:
    spool_id = held(tx)
    assert tx.spool.ready(10, 10**6) == []
    assert [one.id for one in tx.spool.held(1)] == [spool_id]
    assert tx.spool.release(spool_id, EVE)
    assert not tx.spool.release(spool_id, JOE)
    [entry] = tx.spool.begin(tx.spool.ready(10, 10**6))
    assert entry.approved_by == EVE


def test_a_held_post_is_dropped_once(tx: Tx) -> None:
    spool_id = held(tx)
    assert tx.spool.drop(spool_id)
    assert not tx.spool.drop(spool_id)
    assert tx.spool.load(spool_id) is None


def test_a_held_post_is_overdue_after_its_time(tx: Tx) -> None:
    spool_id = held(tx)
    assert tx.spool.overdue(NOW + timedelta(days=6), 10) == []
    assert tx.spool.overdue(NOW + timedelta(days=7), 10) == [spool_id]


def test_what_was_set_aside_is_kept(tx: Tx) -> None:
    tx.spool.take(envelope())
    [spool_id] = tx.spool.ready(1, 10**6)
    assert [tx.spool.fail(spool_id) for _ in range(3)] == [1, 2, 3]
    tx.spool.set_aside(spool_id, "it failed")
    assert tx.spool.ready(1, 10**6) == []
    entry = tx.spool.load(spool_id)
    assert entry is not None
    assert entry.raw == MAIL
