"""The courier of a running server: posts go to worker processes, small urgent mails by own lanes.

So a reply never waits behind a post. With a smarthost one worker has all until it is busy, then
more share each page so that they have as much in hand; else each domain belongs to one worker. The
first copies after a start go by our own lanes, as a worker takes half a second to load.
What a worker finds out about a host the others and our own lanes are told, and ours remember. A
worker that dies is replaced, at once the first time; what it had not sent is handed out again,
and a copy that was begun in several that died is put off, in the end set aside.
"""

from __future__ import annotations

import asyncio
import os
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from zlib import crc32

from listserv_py.config import Settings
from listserv_py.delivery.client import Timeouts
from listserv_py.delivery.connections import Connections, Ours
from listserv_py.delivery.copies import DIED, GUILTY, SUSPECT, Batch, Copy
from listserv_py.delivery.courier import SmtpCourier
from listserv_py.delivery.journal import Key
from listserv_py.delivery.messages import HungUp, Opened, Rest, Revive, Shed, Well
from listserv_py.delivery.needed import Needed
from listserv_py.delivery.process import Connected, Process
from listserv_py.delivery.replies import Reply, own
from listserv_py.delivery.terms import terms
from listserv_py.maillog import get_logger
from listserv_py.resolver import Resolver
from listserv_py.store.outcomes import Fate, RestingHost

log = get_logger("delivery")

APART = 3
"""Seconds between two copies each of which may be what workers died of."""
WHOLE = 50
"""So few copies are not worth two workers."""
PAUSE_MAX = 60.0
START_AFTER = 1.0
"""Seconds after which the workers start, so that a server is ready sooner."""
FIRST = 1000
"""So many copies after a start are sent by ourselves until a worker is there."""
AT_ONCE = 100
"""No more of them at a time: a long page is worth the wait."""
PROVEN_AFTER = 60.0
"""Seconds that a worker must live to count as sound."""


class FleetCourier:
    """See the module; it is the workers' Boss."""

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        clock: Callable[[], int],
        note: Callable[[str, RestingHost | None], None],
        timeouts: Timeouts,
        folder: Path,
    ) -> None:
        self._clock, self._note, self._timeouts, self._folder = clock, note, timeouts, folder
        self._connections = Connections()
        self._own = SmtpCourier(
            settings, resolver, clock, self._noted, timeouts, Ours(self._connections, self._crowded)
        )
        self._workers: dict[int, Process] = {}
        self._deaths: Counter[int] = Counter()
        self._waiting: list[Copy] = []
        self._tasks: dict[int, asyncio.Task[None]] = {}
        self._closing = False
        self._wanted = self._first = 0
        self._begun: frozenset[Key] = frozenset()
        self._needed = Needed()
        self._soon: asyncio.TimerHandle | None = None
        self._set(settings)

    def open(self, begun: frozenset[Key]) -> None:
        """Start the workers, soon; the first copy has them started at once.

        `begun`: what was on its way when the last run was killed. One of these may be what killed
        it, so they are left to workers; of others the first go by ourselves.
        """
        self._first, self._begun = FIRST, begun
        self._soon = asyncio.get_running_loop().call_later(START_AFTER, self._fill_up)

    def _fill_up(self) -> None:
        for number in range(1, self._wanted + 1):
            self._hire(number)

    def apply(self, settings: Settings) -> None:
        """Take over new settings, here and in all workers."""
        self._own.apply(settings)
        self._set(settings)
        for number, worker in list(self._workers.items()):
            worker.say(self._terms)
            if number > self._wanted:
                worker.stop(self._timeouts.final)
        self._even_out()
        self._fill_up()

    def remember(self, hosts: Collection[RestingHost]) -> None:
        """At the start: the hosts that were resting when the last run ended."""
        self._own.remember(hosts)

    # The courier.

    def carry(self, copies: Collection[Copy], *, urgent: bool) -> None:
        """Urgent mail by ourselves, all else by the workers."""
        if urgent or self._closing or self.stands_still() is not None or not self._wanted:
            self._own.carry(copies, urgent=urgent)
            return
        # Who failed is tried by one of us, not by each worker.
        ours = [one for one in copies if self._own.fails(one.domain)] if self._own.known() else []
        if ours:
            self._own.carry(ours, urgent=False)
            theirs = set(copies).difference(ours)
            copies = [one for one in copies if one in theirs]
        if copies:
            self._hand_out(copies)

    def recall(self, copies: Collection[Copy], fate: Fate, reply: Reply, next_at: int) -> None:
        """Ask whoever has them."""
        ours = set(copies)
        for worker in self._workers.values():
            ours -= worker.recall(ours, fate, reply, next_at)
        self._own.recall(ours, fate, reply, next_at)
        self._waiting = [copy for copy in self._waiting if copy in copy.batch.open]

    @property
    def spills_waiting(self) -> bool:
        """Whether one domain's slowness is not all the others'."""
        return self._own.spills_waiting

    def resting(self) -> list[RestingHost]:
        """What any of us found out."""
        return self._own.resting()

    def stands_still(self) -> RestingHost | None:
        """The smarthost while it rests."""
        return self._own.stands_still()

    @property
    def connections(self) -> int:
        """How many are open, the workers' among them."""
        return self._connections.total

    @property
    def is_probing(self) -> bool:
        """Whether the smarthost's pause is over, and nothing went out since."""
        return self._own.is_probing

    def revive(self, names: Collection[str]) -> None:
        """The operator said retry."""
        if not names:
            return
        self._own.revive(names)
        for worker in self._workers.values():
            worker.say(Revive(list(names)))

    def tick(self) -> None:
        """Look after the lanes and the workers."""
        self._own.tick()
        for worker in list(self._workers.values()):
            worker.tick()
        if self._by_relay and not self._keeps_pace:
            busy = [one.busy for one in self._workers.values() if one.takes_work]
            if self._needed.look(busy[: self._needed.many]):
                self._even_out()

    async def close(self, grace: float) -> None:
        """Have everybody finish what is in hand."""
        self._closing = True
        if self._soon is not None:
            self._soon.cancel()
        for task in list(self._tasks.values()):
            task.cancel()
        self._give_back(self._waiting, own("4.3.2", "shutting down"))
        self._waiting = []
        workers = list(self._workers.values())
        for worker in workers:
            worker.stop(grace)
        await asyncio.gather(self._own.close(grace), *(_over(one, grace) for one in workers))

    # The workers' boss.

    def may_dial(self, host: str, worker: int) -> tuple[bool, bool]:
        """See process.Boss."""
        connections = self._connections
        waits = connections.elsewhere(host, worker) is not None
        return connections.may(host, worker), waits or connections.is_dialled(host, worker)

    def is_too_many(self, host: str, worker: int, *, said_so: bool) -> bool:
        """See process.Boss."""
        crowded = self._crowded(host, worker)
        return crowded or (said_so and self._connections.was_there(host, worker))

    def heard_of(self, worker: Process, message: Connected) -> None:
        """See process.Boss."""
        if isinstance(message, Opened):
            self._connections.opened(message.host, worker.number)
        elif isinstance(message, HungUp):
            self._connections.gone(message.host, worker.number)
        else:
            self._crowded(message.host, worker.number)

    def _crowded(self, host: str, who: int) -> bool:
        """Somebody gets no connection: who has most gives one up; whether anybody has."""
        most = self._connections.elsewhere(host, who)
        if most in self._workers:
            self._workers[most].say(Shed(host))
        elif most is not None:
            self._own.shed(host)
        return most is not None

    def heard(self, worker: Process, message: Rest | Well) -> None:
        """What one found out all must know."""
        if isinstance(message, Well):
            self._own.revive([message.name])
            self._note(message.name, None)
        else:
            host = RestingHost(message.name, message.failures, message.next_at, message.reason)
            if not self._own.learn(host):
                return
            self._note(host.name, host)
        self._tell(message, but=worker)

    def ended(self, worker: Process, left: Collection[Copy]) -> None:
        """Somebody else takes over what it left, and its place."""
        number = worker.number
        self._connections.lost(number)
        if self._workers.get(number) is worker:
            del self._workers[number]
        if self._closing:
            self._give_back(left, own("4.3.2", "shutting down"))
            return
        lived = asyncio.get_running_loop().time() - worker.began
        self._deaths[number] = 1 if lived >= PROVEN_AFTER else self._deaths[number] + 1
        _put_by([copy for copy in left if copy.deaths >= SUSPECT])
        self._hire(number)
        self.carry([copy for copy in left if copy in copy.batch.open], urgent=False)

    # Handing out.

    def _even_out(self) -> None:
        """Have each worker close what it has above its share."""
        if self._by_relay:
            self._connections.share = self._needed.share(self._for_workers)
        for number, worker in self._workers.items():
            for host in self._connections.too_many(number):
                worker.say(Shed(host))

    def _hand_out(self, copies: Collection[Copy]) -> None:
        if self._begins(copies):
            self._first -= len(copies)
            self._own.carry(copies, urgent=False)
            self._fill_up()
            return
        if not any(one.takes_work for one in self._workers.values()):
            self._waiting += copies
            self._fill_up()
            return
        if self._by_relay:
            # Those that began first, so that a new one takes no work from who has connections.
            ready = [one for one in self._workers.values() if one.takes_work]
            _share(ready[: self._needed.many], list(copies))
            return
        ready = [one for _, one in sorted(self._workers.items()) if one.takes_work]
        by_worker: dict[int, list[Copy]] = {}
        for copy in copies:
            by_worker.setdefault(crc32(copy.domain.encode()) % len(ready), []).append(copy)
        for index, some in by_worker.items():
            _give(ready[index], some)

    def _begins(self, copies: Collection[Copy]) -> bool:
        """Whether these are few, and no worker is there yet; a rate is the workers' to keep."""
        if self._first and any(one.is_up for one in self._workers.values()):
            self._first = 0
        if self._keeps_pace or len(copies) > min(self._first, AT_ONCE):
            return False
        return all((one.mailing_id, one.subscriber_id) not in self._begun for one in copies)

    def _give_back(self, copies: Collection[Copy], reply: Reply) -> None:
        for copy in copies:
            if copy in copy.batch.open:
                copy.batch.postpone(copy, self._clock(), reply)

    def _tell(self, message: Rest | Well, but: Process | None = None) -> None:
        for worker in self._workers.values():
            if worker is not but:
                worker.say(message)

    def _noted(self, name: str, host: RestingHost | None) -> None:
        """Our own lanes found out about a host."""
        self._note(name, host)
        if host is None:
            self._tell(Well(name))
        else:
            self._tell(Rest(host.name, host.failures, host.next_at, host.reason))

    # Hiring.

    def _set(self, settings: Settings) -> None:
        delivery = settings.delivery
        connections = self._connections
        connections.limit = delivery.connections
        left = connections.limit - connections.kept
        cores = len(os.sched_getaffinity(0))
        # A connection that is not shared: with one only there is nobody but the server.
        self._wanted = 0 if connections.limit < 2 else min(delivery.workers or cores, left)
        connections.workers = max(self._wanted, 1)
        self._by_relay = delivery.relay is not None and self._wanted > 0
        self._for_workers, self._keeps_pace = left, delivery.rate > 0
        # Where there is a rate each has its part of it.
        self._needed.limit(self._wanted, all_at_once=self._keeps_pace)
        connections.share = self._needed.share(left) if self._by_relay else connections.limit
        self._terms = terms(settings, self._timeouts, connections.workers)

    def _hire(self, number: int) -> None:
        busy = number in self._workers or number in self._tasks
        if number <= self._wanted and not busy and not self._closing:
            task = asyncio.get_running_loop().create_task(self._started(number))
            self._tasks[number] = task
            task.add_done_callback(lambda _: self._tasks.pop(number, None))

    async def _started(self, number: int) -> None:
        while True:
            deaths = self._deaths[number]
            if deaths > 1:
                await asyncio.sleep(min(2.0 ** (deaths - 2), PAUSE_MAX))
            worker = Process(number, self._folder, self)
            try:
                await worker.start(self._terms)
            except OSError as exc:
                log.error("delivery.no_worker", worker=number, error=str(exc))  # noqa: TRY400 - no fault of ours
                self._deaths[number] += 2
            else:
                break
        self._workers[number] = worker
        for host in self._own.known():
            worker.say(Rest(host.name, host.failures, host.next_at, host.reason))
        log.info("delivery.worker", worker=number, pid=worker.pid)
        waiting, self._waiting = self._waiting, []
        if waiting:
            self.carry([copy for copy in waiting if copy in copy.batch.open], urgent=False)


def _put_by(suspects: Sequence[Copy]) -> None:
    """Have others go first: one of these is what the workers died of, the rest were beside it.

    So each is tried once more by itself, and is set aside if that ends as before.
    """
    for number, copy in enumerate(suspects):
        log.error("delivery.copy_kills", mailing=copy.mailing_id, to=copy.rcpt)
        why = own("4.3.0", f"{copy.deaths} {DIED}")
        if copy.deaths >= GUILTY:
            copy.batch.settle(copy, Fate.HELD, why)
        elif isinstance(copy.batch, Batch):
            copy.batch.settle(copy, Fate.LATER, why, behind=number * APART)


def _share(ready: Sequence[Process], copies: Sequence[Copy]) -> None:
    """So many to each that all have as much in hand; neighbours stay together."""
    ready = sorted(ready, key=lambda one: one.load)
    if len(copies) <= WHOLE:
        ready = ready[:1]
    level = -(-(sum(one.load for one in ready) + len(copies)) // len(ready))
    at = 0
    for worker in ready:
        some = copies[at : at + max(level - worker.load, 0)]
        at += len(some)
        if some:
            _give(worker, some)


def _give(worker: Process, copies: Collection[Copy]) -> None:
    """Each batch in a parcel of its own."""
    by_batch: dict[Batch, list[Copy]] = {}
    for copy in copies:
        if isinstance(copy.batch, Batch):
            by_batch.setdefault(copy.batch, []).append(copy)
    for batch, some in by_batch.items():
        worker.give(batch, some)


async def _over(worker: Process, grace: float) -> None:
    try:
        async with asyncio.timeout(grace + 2):
            await worker.over.wait()
    except TimeoutError:
        worker.kill()
        await worker.over.wait()
