"""A sending process: what the server starts for each core, and feeds in parcels.

It never opens the store. What it is given it hands to lanes of its own; what became of the copies
it says in packs, after it has marked it in their journal. When its line to the server ends it
finishes the transactions in hand and nothing more; the lock that it inherited is held until it is
gone, and keeps the next server from sending the same copies before.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import itertools
import logging
import signal
import socket
import sys
import time
from collections.abc import Coroutine
from functools import partial
from mmap import mmap
from typing import Any

from listserv_py.delivery import messages
from listserv_py.delivery.channel import Channel
from listserv_py.delivery.client import Timeouts
from listserv_py.delivery.copies import recall
from listserv_py.delivery.courier import SmtpCourier
from listserv_py.delivery.form import Form
from listserv_py.delivery.garbage import look_seldom
from listserv_py.delivery.given import Given, Received, copies_of
from listserv_py.delivery.journal import marks
from listserv_py.delivery.program import decode
from listserv_py.delivery.replies import own
from listserv_py.delivery.sign import Sealed, Signers, load
from listserv_py.delivery.terms import settings_of
from listserv_py.errors import ConfigError
from listserv_py.maillog import forward, get_logger
from listserv_py.resolver import Resolver
from listserv_py.store.outcomes import Fate, RestingHost

log = get_logger("delivery")

TOLD_WITHIN = 0.02
"""Seconds that an outcome may wait for others to be told with."""
ORPHAN_GRACE = 2.0
"""Seconds for what is past its dot, when the server is gone."""


class Worker:
    """See the module."""

    def __init__(self) -> None:
        self._channel = Channel(self._hear, self._ended)
        self._loop = asyncio.get_running_loop()
        self._over: asyncio.Future[None] = self._loop.create_future()
        self._courier: SmtpCourier | None = None
        self._resolver: Resolver | None = None
        self._signers: Signers = ()
        self._contents: dict[int, Received] = {}
        self._given: dict[int, Given] = {}
        self._news: set[Given] = set()
        self._marks: tuple[str, mmap] | None = None
        self._told: asyncio.TimerHandle | None = None
        self._numbers = itertools.count(1)
        self._dials: dict[int, asyncio.Future[bool]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = self._crowded = False

    async def run(self, sock: socket.socket) -> None:
        """Work until told to stop, or until the server is gone."""
        forward(self._line)
        await self._channel.open(sock)
        self._channel.say(messages.Pong(time.process_time()))
        await self._over

    # For the lanes: courier.Permits.

    async def is_too_many(self, host: str, *, said_so: bool) -> bool:
        """Ask the server, which knows who is there now."""
        number = next(self._numbers)
        answer: asyncio.Future[bool] = self._loop.create_future()
        self._dials[number] = answer
        self._channel.say(messages.Refused(number, host, said_so))
        return await answer

    async def ask(self, host: str) -> bool:
        """Ask the server."""
        number = next(self._numbers)
        granted = self._dials[number] = self._loop.create_future()
        self._channel.say(messages.Dial(number, host))
        try:
            return await asyncio.shield(granted)
        except asyncio.CancelledError:
            # Granted or not, we do not know: the answer, when it comes, is given back.
            granted.add_done_callback(lambda answer: self.gone(host) if answer.result() else None)
            raise

    def opened(self, host: str) -> None:
        """Tell the server."""
        self._channel.say(messages.Opened(host))

    def is_crowded(self, host: str) -> bool:
        """What the server said last."""
        if self._crowded:
            self._channel.say(messages.Crowded(host))
        return self._crowded

    def gone(self, host: str) -> None:
        """Tell the server."""
        self._channel.say(messages.HungUp(host))

    # For the copies.

    def has_news(self, given: Given) -> None:
        """Outcomes are there to be told: the last of a parcel at once, others together."""
        self._news.add(given)
        if not given.open:
            self._tell()
        elif self._told is None:
            self._told = self._loop.call_later(TOLD_WITHIN, self._tell)

    def _tell(self) -> None:
        if self._told is not None:
            self._told.cancel()
            self._told = None
        news, self._news = self._news, set()
        for given in news:
            self._channel.say(given.report())
            if not given.open:
                self._given.pop(given.number, None)

    def _line(self, level: str, event: str, values: dict[str, Any]) -> None:
        self._channel.say(messages.Line(level, event, values))

    # What the server says.

    def _hear(self, message: messages.Message) -> None:
        match message:
            case messages.Parcel():
                self._take(message)
            case messages.Content():
                self._keep(message)
            case messages.Recall():
                self._recall(message)
            case messages.Grant(number, may, is_crowded):
                self._crowded = is_crowded
                answer = self._dials.pop(number)
                if not answer.done():
                    answer.set_result(may)
            case messages.Ping():
                self._channel.say(messages.Pong(time.process_time()))
                self._do(self._tick())
            case messages.Forget(numbers):
                for number in numbers:
                    self._contents.pop(number, None)
            case messages.Stop(grace):
                self._do(self._stop(grace))
            case _:
                self._hear_of_hosts(message)

    def _hear_of_hosts(self, message: messages.Message) -> None:
        match message:
            case messages.Terms():
                self._apply(message)
            case messages.Rest(name, failures, next_at, reason) if self._courier:
                self._courier.learn(RestingHost(name, failures, next_at, reason))
            case messages.Well(name) if self._courier:
                self._courier.revive([name])
            case messages.Shed(host) if self._courier:
                self._courier.shed(host)
            case messages.Revive(names) if self._courier:
                self._courier.revive(names)
            case _:
                log.warning("delivery.unexpected", message=type(message).__name__)

    def _apply(self, message: messages.Terms) -> None:
        settings, timeouts = settings_of(message)
        try:
            self._signers = load(settings.site.domain, settings.dkim)
            if self._courier is None or self._resolver is None:
                self._resolver = Resolver(settings.dns)
                self._courier = _Courier(settings, self._resolver, timeouts, self)
            else:
                self._resolver.apply(settings.dns)
                self._courier.apply(settings)
        except ConfigError as exc:
            log.error("delivery.settings_refused", error=str(exc))  # noqa: TRY400 - no fault of ours

    def _keep(self, message: messages.Content) -> None:
        sealed = Sealed(message.canonical, *message.sealed) if message.sealed else None
        program = decode(message.program) if message.program else None
        form = Form(
            message.wire, message.eight_bit, message.utf8_head, message.own_at, sealed, program
        )
        if not message.is_seven:
            ask = partial(self._channel.say, messages.WantSeven(message.number))
            self._contents[message.number] = Received(form, self._signers, ask)
        elif message.number in self._contents:
            letter = self._contents[message.number]
            letter.seven = form
            letter.seven_is_here.set()

    def _take(self, parcel: messages.Parcel) -> None:
        try:
            journal = self._journal(parcel.marks)
        except (OSError, ValueError) as exc:
            log.warning("delivery.no_journal", error=str(exc))
            self._hand_back(parcel, f"its journal cannot be opened: {exc}")
            return
        given = Given(parcel.number, journal, self.has_news)
        given.open = set(copies := copies_of(parcel, given, self._contents))
        self._given[parcel.number] = given
        if self._courier is None or self._stopping:
            for copy in copies:
                given.postpone(copy, int(time.time()), own("4.3.2", "shutting down"))
        else:
            self._courier.carry(copies, urgent=False)

    def _journal(self, path: str) -> mmap:
        """The parcels of a while have the same one; others are kept by what was given of them."""
        if self._marks is None or self._marks[0] != path:
            self._marks = path, marks(path)
        return self._marks[1]

    def _hand_back(self, parcel: messages.Parcel, why: str) -> None:
        many = len(parcel.slots)
        self._channel.say(
            messages.Outcomes(
                parcel.number, [], parcel.slots, [int(Fate.UNTRIED)] * many, [0] * many,
                ["4.3.1"] * many, [why] * many, [int(time.time()) + 60] * many, [False] * many,
            )
        )  # fmt: skip

    def _recall(self, message: messages.Recall) -> None:
        given = self._given.get(message.number)
        if given is None:
            return
        wanted, reply = set(message.slots), own(message.status, message.text)
        for copy in [one for one in given.open if one.slot in wanted]:
            recall(copy, Fate(message.fate), reply, message.next_at)

    def rests(self, host: RestingHost) -> None:
        """A lane of ours failed."""
        self._channel.say(messages.Rest(host.name, host.failures, host.next_at, host.reason))

    def is_well(self, name: str) -> None:
        """It takes mail again."""
        self._channel.say(messages.Well(name))

    # Ending.

    async def _tick(self) -> None:
        if self._courier is not None:
            self._courier.tick()

    async def _stop(self, grace: float) -> None:
        if self._stopping:
            return
        self._stopping = True
        if self._courier is not None:
            await self._courier.close(grace)
        self._tell()
        self._channel.close()
        if not self._over.done():
            # The line closes once all was said, but not while nobody listens.
            self._loop.call_later(max(grace, 1.0), self._end)

    def _ended(self) -> None:
        if self._stopping:
            self._end()
        else:
            self._do(self._orphaned())

    async def _orphaned(self) -> None:
        await self._stop(ORPHAN_GRACE)
        self._end()

    def _end(self) -> None:
        if not self._over.done():
            self._over.set_result(None)

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


class _Courier(SmtpCourier):
    """A courier whose permits, 7-bit forms and news of hosts go by way of the server."""

    def __init__(
        self, settings: Any, resolver: Resolver, timeouts: Timeouts, worker: Worker
    ) -> None:
        self._worker = worker
        super().__init__(
            settings, resolver, lambda: int(time.time()), self._noted, timeouts, worker
        )

    def _noted(self, name: str, host: RestingHost | None) -> None:
        if host is None:
            self._worker.is_well(name)
        else:
            self._worker.rests(host)


async def _run(descriptor: int) -> None:
    sock = socket.socket(fileno=descriptor)
    sock.setblocking(False)
    await Worker().run(sock)


def main() -> None:
    """Start: `python -m listserv_py.delivery.worker SOCKET LEVEL`."""
    # The server says when to stop; a Ctrl-C or a service manager speaks to all of us.
    for one in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(one, signal.SIG_IGN)
    logging.getLogger().setLevel(int(sys.argv[2]))
    look_seldom()
    work = _run(int(sys.argv[1]))
    runner: Any = asyncio.run
    with contextlib.suppress(ImportError):  # the extra `fast` need not be installed
        runner = importlib.import_module("uvloop").run
    runner(work)


if __name__ == "__main__":
    main()
