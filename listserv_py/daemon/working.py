"""Works off the spool and the clock: takes up letters in the order of their coming, one turn each.

Parsing is done off the loop and before the transaction. So is proving who wrote a letter, which may
wait for the DNS: such letters and long ones go by way of `proving`, and the others pass them. One
that breaks its room is tried three times and then set aside; the others go on. While mail pours in,
the door goes first: a burst is taken in before it is worked off, but never waits longer than
`PATIENCE` for the next batch.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial

from listserv_py import timers
from listserv_py.authn.dkim import Verifier
from listserv_py.authn.proof import Case
from listserv_py.daemon.proving import Proving
from listserv_py.daemon.reading import Reading
from listserv_py.daemon.scrubbing import Scrubbing
from listserv_py.errors import Broken
from listserv_py.intake import work_off
from listserv_py.mail.letter import Letter
from listserv_py.mail.passwords import may_hold_password
from listserv_py.maillog import get_logger
from listserv_py.store.spool import Entry
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreBusy, StoreFailed, StoreFull
from listserv_py.store.turn import Turns

log = get_logger("intake")

AT_ONCE = 50
AT_ONCE_IN_BURST = 15
BYTES_AT_ONCE = 32_000_000
SMALL = 40_000
"""So many bytes are read in two milliseconds, by malice in twenty: a thread would not give the
interpreter away sooner, and to hand them over and back costs as much."""
BURST = 100
BURST_WITHIN = 0.3
"""A burst: so many mails within so many seconds, up to now; longer than a batch takes, or the pause
that a batch itself makes would look like the end of the burst."""
LOOK_AGAIN = 0.05
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

    def __init__(
        self, store: Store, turns: Turns, verifier: Verifier, decided: Callable[[], None]
    ) -> None:
        self.scrubbing = Scrubbing(store)
        self._store = store
        self._turns = turns
        self._decided = decided
        self._reading = Reading()
        self._proving = Proving(verifier, self._read, self._proven, self.wake)
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
        try:
            await self._forever()
        finally:
            await self._proving.stop()

    async def _forever(self) -> None:
        while True:
            self._ready.clear()
            try:
                while await self._some():
                    pass
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

    async def _give_way(self) -> int:
        """Wait while a burst comes in, within reason; how many letters to take up then."""
        loop = asyncio.get_running_loop()
        end = loop.time() + PATIENCE
        while (  # noqa: ASYNC110 - it waits for time to pass
            loop.time() - self._arrivals[0] < BURST_WITHIN
            and loop.time() < end
            and self._backlog < BACKLOG_MAX
        ):
            await asyncio.sleep(LOOK_AGAIN)
        return AT_ONCE if loop.time() < end else AT_ONCE_IN_BURST

    async def _some(self) -> bool:
        limit = await self._give_way()
        entries = await self._store.note(_begin, limit, self._proving.spool_ids)
        self._backlog = max(0, self._backlog - len(entries))
        if not entries:
            self._backlog = 0
            return False
        settings = self._turns.settings
        opened = self._reading.opened
        if sum(len(one.raw) for one in entries) <= SMALL:
            cases = [opened(one, settings) for one in entries]
        else:
            cases = await asyncio.to_thread(lambda: [opened(one, settings) for one in entries])
        letters: list[tuple[int, Letter | Exception]] = []
        for entry, case in zip(entries, cases, strict=True):
            if isinstance(case, Exception):
                letters.append((entry.id, case))
            elif (letter := self._at_once(case)) is not None:
                letters.append((entry.id, letter))
            else:
                self._proving.take(case)
        is_more = await self._decide(letters)
        await self._proving.room()
        self._decided()
        if not is_more:
            self._backlog = 0
        return is_more

    def _at_once(self, case: Case) -> Letter | None:
        return self._proving.at_once(case) if self._reading.has(case.letter.spool_id) else None

    async def _read(self, letter: Letter) -> None:
        await self._reading.read_long(letter, self._turns.settings)

    async def _proven(self, letters: list[Letter]) -> None:
        await self._decide([(letter.spool_id, letter) for letter in letters])
        self._decided()

    async def _decide(self, letters: list[tuple[int, Letter | Exception]]) -> bool:
        """Give each letter its turn, or note why it cannot have one; whether more are ready."""
        works: list[Callable[[Tx], object]] = [
            partial(self._turn, spool_id, letter) for spool_id, letter in letters
        ]
        # Asked in the same job, which costs less than to find nothing in one more.
        works.append(partial(_is_any_ready, in_hand=self._proving.spool_ids))
        try:
            *outcomes, (is_more, _) = await self._store.run_each(works)
        finally:
            for spool_id, _ in letters:
                self._reading.forget(spool_id)
        if any(
            isinstance(one, Letter) and may_hold_password(one.message.raw) for _, one in letters
        ):
            self.scrubbing.want()
        for (spool_id, _), (_, error) in zip(letters, outcomes, strict=True):
            if error is not None:
                log.error("intake.failed", spool=spool_id, exc_info=error)
                await self._store.run(_failed, spool_id)
        return bool(is_more)

    def _turn(self, spool_id: int, letter: Letter | Exception, tx: Tx) -> None:
        if isinstance(letter, Exception):
            raise letter
        work_off(self._turns.at(tx), letter, self._reading.of(spool_id))

    def _timers(self, tx: Tx) -> bool:
        return timers.run(self._turns.at(tx))


def _begin(tx: Tx, limit: int, in_hand: frozenset[int]) -> list[Entry]:
    spool = tx.spool
    spool_ids = spool.ready(limit, BYTES_AT_ONCE, in_hand)
    for spool_id in spool.begun(spool_ids, TAKEN_UP_MAX):
        spool.set_aside(spool_id, "it was taken up too often")
        log.error("intake.set_aside", spool=spool_id)
    return spool.begin(spool_ids) if spool_ids else []


def _is_any_ready(tx: Tx, in_hand: frozenset[int]) -> bool:
    return bool(tx.spool.ready(1, BYTES_AT_ONCE, in_hand))


def _failed(tx: Tx, spool_id: int) -> None:
    if tx.spool.fail(spool_id) >= TRIES:
        tx.spool.set_aside(spool_id, f"it failed {TRIES} times")
        log.error("intake.set_aside", spool=spool_id)
