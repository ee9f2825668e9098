"""A lane: the copies that wait for one smarthost or domain, and the connections that carry them.

The small mails go first, a post's copies when none waits. A lane whose hosts fail rests as a whole:
its copies are handed back untried, and after the pause one connection finds out how things stand,
not one for each copy.
"""

import asyncio
import random
from collections import deque
from collections.abc import Coroutine

from listserv_py.delivery.client import TurnedAway
from listserv_py.delivery.copies import Copy
from listserv_py.delivery.form import Caps
from listserv_py.delivery.journal import BEGUN, WAITING
from listserv_py.delivery.office import Office
from listserv_py.delivery.pace import FEW, Pace
from listserv_py.delivery.pipeline import Pipeline, Transaction
from listserv_py.delivery.plain import Plain
from listserv_py.delivery.replies import Reply, Stage, judge, own
from listserv_py.delivery.route import Host
from listserv_py.errors import Permanent, Transient
from listserv_py.maillog import get_logger
from listserv_py.store.outcomes import Fate, RestingHost

log = get_logger("delivery")

COPIES_PER_CONNECTION = 10
"""So many copies must wait before one more connection is worth its cost."""
BREAKS_MAX = 3
"""Connections that break in a row before the host rests, and before a copy counts as tried."""
PUT_OFF_MAX = 20
"""So many more copies put off than taken, for whatever reason, before the host rests."""
TOGETHER_MAX = 100
"""Recipients of one transaction (RFC 5321 4.5.3.1.8)."""
FORGET_AFTER = 86400
"""Seconds after its pause that a lane without mail is remembered as failing."""
HELD = 1.0
"""Seconds that a place which was given up is left to others."""
ASK_AGAIN = 0.3
"""Seconds after which a lane without any connection asks for one again."""


class Lane:
    """See the module; `name` is the smarthost's or the domain's."""

    def __init__(self, name: str, office: Office, rest: RestingHost | None = None) -> None:
        self.name = name
        self._office = office
        self.rest = rest
        self._urgent: deque[Copy] = deque()
        self._few: deque[Copy] = deque()
        self._bulk: deque[Copy] = deque()
        self._connections: dict[Pipeline | Plain, Host] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._opening = 0
        self._breaks = self._put_off = 0
        self._takes = self._takes_before = 0
        self._shrunk: int | None = None
        self._held = 0.0
        self._pace = Pace(office, self._go)
        self._closing = False

    @property
    def is_resting(self) -> bool:
        """Whether its hosts are left alone now."""
        return self.rest is not None and self._office.clock() < self.rest.next_at

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to remember of it."""
        busy = self.queued or self._connections or self._opening or self._tasks
        old = self.rest is None or self.rest.next_at + FORGET_AFTER < self._office.clock()
        return old and not busy and self._pace.is_over

    @property
    def queued(self) -> int:
        """How many copies wait here."""
        return len(self._urgent) + len(self._few) + len(self._bulk)

    @property
    def _ready(self) -> int:
        """How many of them are worth a connection now."""
        return len(self._urgent) + self._pace.ready(len(self._few) + len(self._bulk))

    def put(self, copies: list[Copy], *, urgent: bool) -> None:
        """Send these, or hand them back when the lane rests."""
        # A post's first page is short: at a smarthost it need not stand behind whole ones.
        is_few = len(copies) <= FEW and self._office.router.has_relay
        (self._urgent if urgent else self._few if is_few else self._bulk).extend(copies)
        if self.is_resting or self._closing:
            self._hand_back(own("4.4.1", self.rest.reason if self.rest else "shutting down"))
        else:
            self._pace.thin_out(self._bulk)
            self._go()

    def revive(self) -> None:
        """Forget the pause: the operator said so, or another process found the host well."""
        self.rest = None
        self._go()

    def learn(self, rest: RestingHost) -> None:
        """Another process found that the host fails."""
        self.rest = rest
        self._breaks = self._put_off = 0
        if self.is_resting:
            for connection in list(self._connections):
                connection.leave()
            self._hand_back(own("4.4.1", rest.reason))

    def tick(self) -> None:
        """Once a second: where all connections are stuck, one more may help."""
        stuck = self._ready and self._takes == self._takes_before
        self._takes_before = self._takes
        if asyncio.get_running_loop().time() >= self._held:
            self._shrunk = None
        for _ in range(self._office.limit, self.count()):
            self.shed("")
        if stuck and not self.is_resting and not self._closing:
            self._open_up_to(len(self._connections) + self._opening + 1)

    # For those who share the places: lines.py.

    @property
    def is_urgent(self) -> bool:
        """Whether small mails wait here."""
        return bool(self._urgent)

    def count(self, host: str = "") -> int:
        """How many connections there are to a host, or in all."""
        return len(self._staying(host))

    def seek(self) -> bool:
        """There may be a place: whether it is asked for."""
        if self._ready and not self.is_resting and not self._closing:
            self._open_up_to(self.count() + self._opening + 1)
        return self._opening > 0

    def leave_idle(self, host: str) -> bool:
        """Give up a connection that has nothing to do; whether there was one."""
        for connection in self._staying(host):
            if connection.is_idle:
                connection.leave()
                return True
        return False

    def shed(self, host: str) -> None:
        """Give a connection up, and leave its place to others for a moment."""
        ours = self._staying(host)
        if ours:
            self._shrunk = self.count() - 1
            self._held = asyncio.get_running_loop().time() + HELD
            ours[0].leave()

    def _staying(self, host: str) -> list[Pipeline | Plain]:
        return [
            connection
            for connection, its in self._connections.items()
            if not connection.is_leaving and (not host or str(its) == host)
        ]

    async def close(self, deadline: float) -> None:
        """Finish what is in hand, at the deadline (of the loop's clock) cut the connections."""
        self._closing = True
        self._hand_back(own("4.3.2", "shutting down"))
        for task in self._tasks:
            task.cancel()
        for connection in list(self._connections):
            connection.leave()
        waiting = [connection.closed for connection in self._connections]
        if waiting:
            left = deadline - asyncio.get_running_loop().time()
            await asyncio.wait(waiting, timeout=max(left, 0))
        for connection in list(self._connections):
            connection.abort()
        if waiting:
            await asyncio.wait(waiting)

    # What its connections ask and tell: pipeline.Feed.

    def take(self, caps: Caps) -> Transaction | None:
        """The next transaction."""
        while queue := self._urgent or self._few or self._bulk:
            if self._office.rate and queue is not self._urgent and not self._ready:
                self._pace.wake_later()
                return None
            copy = queue.popleft()
            if copy not in copy.batch.open:
                continue
            form = copy.letter.form(caps)
            if form is None:
                self._do(self._seven(copy))
            elif not caps.utf8 and (copy.needs_utf8 or form.utf8_head):
                reply = own("5.6.7", "the host does not take addresses or headers in UTF-8")
                copy.batch.settle(copy, Fate.REJECTED, reply)
            else:
                copy.batch.mark(copy, BEGUN)
                self._takes += 1
                copies = [copy]
                if queue and queue[0].sender == copy.sender and not copy.personal:
                    copies = self._together(copy, queue)
                if queue is not self._urgent:
                    self._pace.spend(len(copies))
                return form, copies
        return None

    def answered(self, stage: Stage, reply: Reply, copies: list[Copy]) -> bool:
        """A reply decides on copies."""
        judgement = judge(stage, reply)
        if judgement.fate is Fate.SENT:
            self._breaks = 0
            self._put_off = max(self._put_off - len(copies), 0)
            if self.rest is not None:
                self._recovered()
        elif judgement.fate is Fate.UNTRIED:
            self._back(copies)
            copies = []
        elif judgement.fate is Fate.LATER:
            self._put_off += len(copies)
        for copy in copies:
            copy.batch.settle(copy, judgement.fate, reply, blames=judgement.blames)
        if judgement.host_rests or self._put_off >= PUT_OFF_MAX:
            self._fall(reply)
            return False
        return True

    def too_many(self, copies: list[Copy]) -> None:
        """The host wants these in a transaction of their own."""
        self._back(copies)

    def broken(self, reply: Reply, ahead: list[Copy], behind: list[Copy]) -> None:
        """A connection is gone."""
        for copy in behind:
            # RFC 1047: it may have been taken over or not; only this one copy is tried again.
            copy.batch.settle(copy, Fate.LATER, own(reply.status, f"after the dot: {reply.text}"))
        if not ahead and not behind:
            return
        for copy in ahead:
            copy.losses += 1
        self._back([copy for copy in ahead if copy.losses < BREAKS_MAX])
        for copy in ahead:
            if copy.losses >= BREAKS_MAX:
                copy.batch.settle(copy, Fate.LATER, reply)
        self._breaks += 1
        if self._breaks >= BREAKS_MAX and not self._closing:
            self._fall(reply)
        elif self._closing:
            self._hand_back(own("4.3.2", "shutting down"))

    # Connections.

    def _go(self) -> None:
        """Give idle connections work, and open more when it is worth it."""
        for connection in list(self._connections):
            connection.kick()
        if self._ready:
            self._open_up_to(1 + self._ready // COPIES_PER_CONNECTION)
        elif self.queued:
            self._pace.wake_later()

    def _open_up_to(self, wanted: int) -> None:
        limit = self._office.limit if self._shrunk is None else self._shrunk
        # Until one stands, one is enough to find out.
        limit = min(limit, wanted if self._connections and self.rest is None else 1)
        limit = max(limit, 1) if self._urgent else limit
        while len(self._connections) + self._opening < limit:
            self._opening += 1
            self._do(self._open())

    async def _open(self) -> None:
        """Open one connection to the best host that answers."""
        try:
            await self._dial()
        except Permanent as exc:
            self._nobody(exc)
        except Transient as exc:
            if self._connections:
                # It takes no more connections than it has: no reason to leave it alone.
                self._shrunk = len(self._connections)
            else:
                self._fall(own("4.4.1", exc.reply))
        finally:
            self._opening -= 1

    async def _dial(self) -> None:
        last: Transient | None = None
        crowded = False
        for host in await self._office.router.hosts(self.name):
            if not await self._office.may_dial(host, self.name):
                continue
            try:
                session = await self._office.dialer.open(host)
                kind = Pipeline if session.caps.pipelining else Plain
                connection = kind(session, self, self._office.timeouts)
            except Transient as exc:
                last = exc
                self._office.hung_up(host)
                crowded |= await self._office.is_too_many(host, said_so=isinstance(exc, TurnedAway))
                continue
            except BaseException:
                self._office.hung_up(host)
                raise
            self._opened(connection, host)
            return
        # Where others of us get through, the copies wait here for their turn.
        if last is not None and not (crowded and not self._connections):
            raise last
        if not self._connections and not self._closing:
            asyncio.get_running_loop().call_later(ASK_AGAIN, self.seek)

    def _opened(self, connection: Pipeline | Plain, host: Host) -> None:
        self._connections[connection] = host
        self._office.opened(host)
        connection.closed.add_done_callback(lambda _: self._closed(connection, host))
        if self._closing:
            connection.leave()
        else:
            # One stands: more may follow, once `_opening` no longer counts this one.
            asyncio.get_running_loop().call_soon(self._go)

    def _closed(self, connection: Pipeline | Plain, host: Host) -> None:
        self._connections.pop(connection, None)
        self._office.hung_up(host)
        if self.queued and not self.is_resting and not self._closing:
            self._go()

    # Failing and recovering.

    def _fall(self, reply: Reply) -> None:
        """Leave the hosts alone for a while; what waits is handed back untried."""
        if self.is_resting or self._closing:
            self._hand_back(reply)
            return
        failures = (self.rest.failures if self.rest else 0) + 1
        pause = self._office.patience.pause(failures, random.random())  # noqa: S311 - jitter
        self.rest = RestingHost(self.name, failures, self._office.clock() + pause, str(reply))
        self._breaks = self._put_off = 0
        log.warning("delivery.host_rests", host=self.name, seconds=pause, reason=str(reply))
        self._office.rests(self.rest)
        for connection in list(self._connections):
            connection.leave()
        self._hand_back(reply)

    def _recovered(self) -> None:
        self.rest = None
        log.info("delivery.host_is_well", host=self.name)
        self._office.is_well(self.name)
        self._go()

    def _hand_back(self, reply: Reply) -> None:
        until = self.rest.next_at if self.rest else self._office.clock()
        for queue in (self._urgent, self._few, self._bulk):
            while queue:
                copy = queue.popleft()
                if copy in copy.batch.open:
                    copy.batch.postpone(copy, until, reply)

    def _nobody(self, why: Permanent) -> None:
        """Nobody will ever take this domain's mail."""
        status, _, text = why.reply.partition(" ")
        for queue in (self._urgent, self._few, self._bulk):
            while queue:
                copy = queue.popleft()
                if copy in copy.batch.open:
                    copy.batch.settle(copy, Fate.REFUSED, own(status, text), blames=True)

    def _back(self, copies: list[Copy]) -> None:
        for copy in copies:
            copy.batch.mark(copy, WAITING)
            (self._urgent if copy.batch.urgent else self._bulk).appendleft(copy)

    def _together(self, first: Copy, queue: deque[Copy]) -> list[Copy]:
        """The copies that are the same to the byte, envelope sender and all, and come next."""
        copies = [first]
        while queue and len(copies) < TOGETHER_MAX:
            copy = queue[0]
            if copy.letter is not first.letter or copy.sender != first.sender or copy.personal:
                break
            if copy.needs_utf8 != first.needs_utf8:
                break
            queue.popleft()
            if copy in copy.batch.open:
                copy.batch.mark(copy, BEGUN)
                copies.append(copy)
        return copies

    async def _seven(self, copy: Copy) -> None:
        """Make the 7-bit form that this host wants, then queue the copy again."""
        try:
            await copy.letter.want_seven()
        except Exception as exc:  # noqa: BLE001 - it would be tried without end; the record tells
            copy.batch.settle(copy, Fate.HELD, own("5.6.3", f"it cannot be made 7-bit: {exc}"))
        finally:
            self.put([copy], urgent=copy.batch.urgent)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
