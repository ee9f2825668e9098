"""Empties the write-ahead log, in which what has been deleted still stands.

The database overwrites what is deleted, but a copy stays in its log until that is emptied: a mail
with a password, or a person who has left. After a mail with a password that is done at once, and
each minute for all the rest.
"""

import asyncio

from listserv_py.errors import Broken
from listserv_py.maillog import get_logger
from listserv_py.store.thread import Store, StoreFailed

log = get_logger("store")

GATHERED = 0.5
"""Seconds in which one emptying serves all who want it."""
EVERY = 60.0


class Scrubbing:
    """The loop that empties the log; `want` says that it is to be done soon."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Something that nobody may find has been deleted."""
        self._wanted.set()

    async def run(self) -> None:
        """Empty the log when it is wanted, and now and then, until cancelled."""
        while True:
            try:
                async with asyncio.timeout(EVERY):
                    await self._wanted.wait()
            except TimeoutError:
                pass
            else:
                await asyncio.sleep(GATHERED)
            self._wanted.clear()
            try:
                await self._store.scrub()
            except StoreFailed:
                raise
            except Broken as exc:
                # A backup reads for long; the next minute will do.
                log.info("store.not_scrubbed", reason=str(exc))
