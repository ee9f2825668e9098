"""Makes the search index of archives, behind the posts: reads off the loop, writes a little a turn.

What waits is known by its rows, so a restart goes on where it was. A post that cannot be read is
indexed without words: it must not stand in the way of the others.
"""

import asyncio
from functools import partial

from listserv_py.errors import Broken
from listserv_py.maillog import get_logger
from listserv_py.store.archive_index import Indexed, Unread, prepared
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreFailed

log = get_logger("archives")

AT_ONCE = 25
OCTETS_AT_ONCE = 2_000_000
PAUSE = 5.0


class Indexer:
    """The loop that indexes what was kept."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def run(self) -> None:
        """Index until cancelled."""
        while True:
            try:
                while await self._some():
                    pass
            except StoreFailed:
                raise
            except Broken as exc:
                log.warning("archives.wait", reason=str(exc))
            await asyncio.sleep(PAUSE)

    async def _some(self) -> bool:
        posts = await self._store.read(_unread)
        if not posts:
            return False
        indexed = await asyncio.to_thread(lambda: [read_through(one) for one in posts])
        outcomes = await self._store.run_each([partial(_index, one=one) for one in indexed])
        for one, (_, error) in zip(indexed, outcomes, strict=True):
            if error is not None:
                log.error("archives.unreadable", post=one.id, exc_info=error)
                await self._store.run(_index, Indexed(one.id, "", "", None))
        return True


def _index(tx: Tx, one: Indexed) -> None:
    tx.archive_index.index([one])


def _unread(tx: Tx) -> list[Unread]:
    return tx.archive_index.unread(AT_ONCE, OCTETS_AT_ONCE)


def read_through(post: Unread) -> Indexed:
    """A post's words; none where it breaks us."""
    try:
        return prepared(post)
    except Exception:
        log.exception("archives.unreadable", post=post.id)
        return Indexed(post.id, "", "", None)
