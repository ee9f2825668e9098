"""Letters whose authors are being looked up: they wait here, and hold nobody else up.

One author's letters keep their order: a later one waits for the earlier, signed or not. What waits
here is still in the spool, so that a crash loses nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from listserv_py.authn.dkim import Verifier
from listserv_py.authn.proof import Case, settle, settled, unsettled
from listserv_py.mail.letter import Letter
from listserv_py.maillog import get_logger
from listserv_py.store.thread import StoreBusy, StoreFailed, StoreFull

log = get_logger("intake")

WAITING_MAX = 1000
BYTES_MAX = 64_000_000
PAUSE = 5.0


class Proving:
    """Proves letters and hands them to `decide`; `ended` hears of each that is here no more."""

    def __init__(
        self,
        verifier: Verifier,
        decide: Callable[[Letter], Awaitable[None]],
        ended: Callable[[], None],
    ) -> None:
        self._verifier = verifier
        self._decide = decide
        self._ended = ended
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._last_of: dict[str, asyncio.Task[None]] = {}
        self._bytes = 0

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
        task = asyncio.create_task(self._one(case, self._last_of.get(author)))
        self._tasks[case.letter.spool_id] = self._last_of[author] = task

    async def room(self) -> None:
        """Wait while there are too many."""
        while len(self._tasks) >= WAITING_MAX or self._bytes >= BYTES_MAX:
            await asyncio.wait(self._tasks.values(), return_when=asyncio.FIRST_COMPLETED)

    async def stop(self) -> None:
        """Give up what waits; it is taken up again by the next start."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _one(self, case: Case, earlier: asyncio.Task[None] | None) -> None:
        try:
            letter = await self._proved(case)
            if earlier is not None:
                await asyncio.wait([earlier])
            await self._decide(letter)
        except (StoreFull, StoreBusy) as exc:
            log.warning("intake.waits", reason=str(exc))
            await asyncio.sleep(PAUSE)
        except StoreFailed:
            # Told already: the server is about to end.
            await asyncio.sleep(PAUSE)
        finally:
            self._forget(case.letter)

    async def _proved(self, case: Case) -> Letter:
        try:
            return await settle(case, self._verifier)
        except Exception:
            # Our fault, and no reason to lose the mail: its author is asked instead.
            log.exception("authn.failed", spool=case.letter.spool_id)
            return unsettled(case)

    def _forget(self, letter: Letter) -> None:
        task, author = self._tasks.pop(letter.spool_id), _author(letter)
        self._bytes -= len(letter.message.raw)
        if self._last_of.get(author) is task:
            del self._last_of[author]
        self._ended()


def _author(letter: Letter) -> str:
    author = letter.message.author
    return author.mailbox.key if author else ""
