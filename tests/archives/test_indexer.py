"""The loop that indexes: it goes on where it was, and one poisonous post does not stop it."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from fresh_rig import fresh_store

from listserv_py.daemon.archiving import Indexer
from listserv_py.lists.search import read
from listserv_py.mail.archived import noted
from listserv_py.mail.message import read as read_message
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, tzinfo=UTC)
MANY = 60


def keep(tx: Tx) -> None:
    for number in range(1, MANY + 1):
        raw = f"From: a@example.net\r\nSubject: s\r\n\r\nword{number} common\r\n".encode()
        tx.archive.keep(1, number, raw, noted(read_message(raw)), "L", NOW)
    tx.db.execute(
        "CREATE TRIGGER poison BEFORE UPDATE OF indexed ON archive WHEN new.number = 7"
        " AND EXISTS (SELECT 1 FROM archive_text WHERE rowid = new.id AND body <> '')"
        " BEGIN SELECT raise(ABORT, 'poison'); END"
    )


def hits(tx: Tx) -> list[int]:
    return [one.post.number for one in tx.archive_index.search(1, read("common", "", NOW), 100)]


async def test_all_but_the_poisonous_are_found(tmp_path: Path) -> None:
    store = fresh_store(tmp_path, "lists.example.org")
    try:
        await store.run(keep)
        loop = asyncio.create_task(Indexer(store).run())
        async with asyncio.timeout(30):
            while await store.read(lambda tx: len(tx.archive_index.unread(1, 1))):  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)
        found = await store.read(hits)
        assert found == [number for number in range(MANY, 0, -1) if number != 7]
    finally:
        await store.close()
