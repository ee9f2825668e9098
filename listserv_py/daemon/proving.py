"""Letters whose authors are being looked up, or which are long: nobody else waits for them.

One author's letters keep their order: a later one waits for the earlier, signed or not. Those that
are ready at the same time are decided on together. What waits here is still in the spool, so that a
crash loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from listserv_py.authn.dkim import Verifier
from listserv_py.authn.proof import Case, settle, settled, unsettled
from listserv_py.daemon.gathering import Gathering
from listserv_py.mail.letter import Letter
from listserv_py.maillog import get_logger
from listserv_py.store.thread import StoreBusy, StoreFailed, StoreFull

log = get_logger("intake")

WAITING_MAX = 1000
BYTES_MAX = 64_000_000
AT_ONCE = 50
PAUSE = 5.0


class Proving:
    """Proves letters, has them `read`, and hands them to `decide`.

    `ended` hears of each that is here no more.
    """

    def __init__(
        self,
        verifier: Verifier,
        read: Callable[[Letter], Awaitable[None]],
        decide: Callable[[list[Letter]], Awaitable[None]],
        ended: Callable[[], None],
    ) -> None:
        self._verifier, self._read = verifier, read
        self._ready = Gathering(decide, AT_ONCE)
        self._ended = ended
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last_of: dict[str, asyncio.Future[None]] = {}
        self._bytes = 0
        self._has_room = asyncio.Event()

    @property
    def spool_ids(self) -> frozenset[int]:
        """The letters that wait here."""
        return frozenset(self._tasks)

    def at_once(self, case: Case) -> Letter | None:
        """The letter; None when it waits: for the DNS, or for an earlier one by its author."""
        return None if _author(case.letter) in self._last_of else settled(case, self._verifier)

    def take(self, case: Case) -> None:
        """Take a letter over."""
        author = _author(case.letter)
        self._bytes += len(case.letter.message.raw)
        ready = asyncio.get_running_loop().create_future()
        one = self._one(case, self._last_of.get(author), ready)
        self._tasks[case.letter.spool_id] = asyncio.create_task(one)
        self._last_of[author] = ready

    async def room(self) -> None:
        """Wait while there are too many."""
        while len(self._tasks) >= WAITING_MAX or self._bytes >= BYTES_MAX:
            self._has_room.clear()
            await self._has_room.wait()

    async def stop(self) -> None:
        """Give up what waits; it is taken up again by the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._ready.stop()

    async def _one(
        self, case: Case, earlier: asyncio.Future[None] | None, ready: asyncio.Future[None]
    ) -> None:
        try:
            letter = await self._proved(case)
            await self._read(letter)
            if earlier is not None:
                await asyncio.shield(earlier)
            decided = self._ready.add(letter)
            ready.set_result(None)
            await decided
        except (StoreFull, StoreBusy) as exc:
            log.warning("intake.waits", reason=str(exc))
            await asyncio.sleep(PAUSE)
        except StoreFailed:
            # Told already: the server is about to end.
            await asyncio.sleep(PAUSE)
        finally:
            if not ready.done():
                ready.set_result(None)
            self._forget(case.letter, ready)

    async def _proved(self, case: Case) -> Letter:
        try:
            return await settle(case, self._verifier)
        except Exception:
            # Our fault, and no reason to lose the mail: its author is asked instead.
            log.exception("authn.failed", spool=case.letter.spool_id)
            return unsettled(case)

    def _forget(self, letter: Letter, ready: asyncio.Future[None]) -> None:
        del self._tasks[letter.spool_id]
        author = _author(letter)
        self._bytes -= len(letter.message.raw)
        if self._last_of.get(author) is ready:
            del self._last_of[author]
        self._has_room.set()
        self._ended()


def _author(letter: Letter) -> str:
    author = letter.message.author
    return author.mailbox.key if author else ""
