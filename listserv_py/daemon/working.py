"""Works off the spool and the clock: takes up letters in the order of their coming, one turn each.

Parsing is done off the loop and before the transaction. A letter that breaks its room is tried
three times and then set aside; the others go on. While mail pours in, the door goes first: a burst
is taken in before it is worked off, but never waits longer than `PATIENCE` for the next batch.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from listserv_py import timers
from listserv_py.errors import Broken
from listserv_py.intake import open_letter, work_off
from listserv_py.mail.letter import Letter
from listserv_py.maillog import get_logger
from listserv_py.store.spool import Entry
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreBusy, StoreFailed, StoreFull
from listserv_py.store.turn import Turns

log = get_logger("intake")

AT_ONCE = 50
BYTES_AT_ONCE = 32_000_000
BURST = 20
BURST_WITHIN = 0.05
"""A burst: so many mails within so many seconds, of which the last was just now."""
PATIENCE = 0.5
BACKLOG_MAX = 5000
"""With more mails than this to work off, the door no longer goes first."""
TRIES = 3
TAKEN_UP_MAX = 20
"""So often may a letter have been taken up; one that kills the process each time stops there."""
PAUSE = 5.0
TIMERS_EVERY = 60.0


class Work:
    """The loop from the spool to the rooms; `wake` says that something may be ready."""

    def __init__(self, store: Store, turns: Turns, decided: Callable[[], None]) -> None:
        self._store = store
        self._turns = turns
        self._decided = decided
        self._ready = asyncio.Event()
        self._arrivals: deque[float] = deque([float("-inf")] * BURST, maxlen=BURST)
        self._backlog = 0

    def wake(self) -> None:
        """Something may wait in the spool."""
        self._ready.set()

    def arrived(self) -> None:
        """One more mail is in the spool."""
        self._arrivals.append(asyncio.get_running_loop().time())
        self._backlog += 1
        self.wake()

    async def run(self) -> None:
        """Work off letters until cancelled."""
        while True:
            self._ready.clear()
            try:
                while await self._some():
                    self._decided()
            except (StoreFull, StoreBusy) as exc:
                log.warning("intake.waits", reason=str(exc))
                await asyncio.sleep(PAUSE)
                continue
            await self._ready.wait()

    async def run_timers(self) -> None:
        """Do what is due by the clock until cancelled."""
        while True:
            try:
                while await self._store.run(self._timers):
                    self.wake()
                self._decided()
            except StoreFailed:
                raise
            except Broken as exc:
                log.warning("timers.wait", reason=str(exc))
            await asyncio.sleep(TIMERS_EVERY)

    async def _give_way(self) -> None:
        """Wait while a burst comes in, within reason."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while (  # noqa: ASYNC110 - it waits for time to pass
            loop.time() - self._arrivals[0] < BURST_WITHIN
            and loop.time() < end
            and self._backlog < BACKLOG_MAX
        ):
            await asyncio.sleep(BURST_WITHIN)

    async def _some(self) -> bool:
        await self._give_way()
        entries = await self._store.run(_begin)
        self._backlog = max(0, self._backlog - len(entries)) if entries else 0
        if not entries:
            return False
        letters = await asyncio.to_thread(lambda: [_opened(entry) for entry in entries])
        turns = [self._one(entry, letter) for entry, letter in zip(entries, letters, strict=True)]
        await asyncio.gather(*turns)
        return True

    async def _one(self, entry: Entry, letter: Letter | Exception) -> None:
        try:
            if isinstance(letter, Exception):
                raise letter  # noqa: TRY301 - told together with what fails in the turn
            await self._store.run(self._turn, letter)
        except (StoreFull, StoreBusy, StoreFailed):
            raise
        except Exception:
            log.exception("intake.failed", spool=entry.id)
            await self._store.run(_failed, entry.id)

    def _turn(self, tx: Tx, letter: Letter) -> None:
        work_off(self._turns.at(tx), letter)

    def _timers(self, tx: Tx) -> bool:
        return timers.run(self._turns.at(tx))


def _opened(entry: Entry) -> Letter | Exception:
    try:
        return open_letter(entry)
    except Exception as exc:  # noqa: BLE001 - one poisonous mail must not stop the others
        return exc


def _begin(tx: Tx) -> list[Entry]:
    spool = tx.spool
    spool_ids = spool.ready(AT_ONCE, BYTES_AT_ONCE)
    for spool_id in spool_ids:
        if spool.begun(spool_id) >= TAKEN_UP_MAX:
            spool.set_aside(spool_id, "it was taken up too often")
            log.error("intake.set_aside", spool=spool_id)
    return spool.begin(spool_ids) if spool_ids else []


def _failed(tx: Tx, spool_id: int) -> None:
    if tx.spool.fail(spool_id) >= TRIES:
        tx.spool.set_aside(spool_id, f"it failed {TRIES} times")
        log.error("intake.set_aside", spool=spool_id)
