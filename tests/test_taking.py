"""Mails that come together are kept together, and each is answered for itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from fresh_rig import fresh_store

from listserv_py.daemon.taking import AT_ONCE, Taking
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.connect import connect
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreBusy

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JOE = parse_mailbox("joe@example.net")
LISTSERV = parse_mailbox("listserv@lists.example.org")


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    store = fresh_store(tmp_path, "lists.example.org")
    yield store
    await store.close()


def mail(number: int, helo: str = "client.example") -> Envelope:
    content = f"Message-ID: <{number}@example.net>\r\n\r\nTHANKS\r\n".encode()
    return Envelope(JOE, (LISTSERV,), content, "192.0.2.1", helo, Protocol.SMTP, NOW)


def kept(tx: Tx) -> list[bytes]:
    rows = tx.db.execute("SELECT m.raw FROM spool s JOIN message m ON m.id = s.message_id")
    return [bytes(row[0]) for row in rows]


async def test_each_of_many_is_kept_with_its_own_bytes(store: Store) -> None:
    mails = [mail(number) for number in range(2 * AT_ONCE + 1)]
    taking = Taking(store)

    counts = await asyncio.gather(*(taking.take(one) for one in mails))

    assert counts == [1] * len(mails)
    assert sorted(await store.read(kept)) == sorted(one.content for one in mails)


async def test_the_same_mail_twice_at_once_is_one(store: Store) -> None:
    taking = Taking(store)

    counts = await asyncio.gather(*(taking.take(mail(number % 3)) for number in range(9)))

    assert counts == [1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert len(await store.read(kept)) == 3


async def test_a_mail_that_cannot_be_kept_fails_alone(store: Store) -> None:
    taking = Taking(store)
    mails = [mail(1), mail(2, helo="\udc80"), mail(3)]

    found = await asyncio.gather(*(taking.take(one) for one in mails), return_exceptions=True)

    assert found[0] == found[2] == 1
    assert isinstance(found[1], UnicodeEncodeError)
    assert len(await store.read(kept)) == 2


async def test_who_came_while_the_database_was_held_waits_no_second_time(
    store: Store, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await store.run(lambda tx: tx.db.execute("PRAGMA busy_timeout = 50").fetchone())
    other = connect(tmp_path / "listserv.db", write=True)
    other.execute("BEGIN EXCLUSIVE")
    taking = Taking(store)
    mails = [mail(number) for number in range(3 * AT_ONCE)]
    found = await asyncio.gather(*(taking.take(one) for one in mails), return_exceptions=True)
    other.execute("ROLLBACK")
    other.close()

    assert {type(one) for one in found} == {StoreBusy}
    assert caplog.text.count("store.busy") == 1
    assert await asyncio.gather(*(taking.take(one) for one in mails)) == [1] * len(mails)


async def test_who_hangs_up_takes_nothing_back(store: Store) -> None:
    taking = Taking(store)
    gone = asyncio.create_task(taking.take(mail(1)))
    stays = asyncio.create_task(taking.take(mail(2)))
    await asyncio.sleep(0)
    gone.cancel()

    assert await stays == 1
    assert len(await store.read(kept)) == 2


async def test_what_comes_after_an_empty_queue_is_taken_too(store: Store) -> None:
    taking = Taking(store)

    assert await taking.take(mail(1)) == 1
    assert await taking.take(mail(2)) == 1
