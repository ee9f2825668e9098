"""One sending process as the server sees it: started, fed, listened to, watched, ended.

What it was given stays known here until it has said what became of it. When it dies, the journals
tell what it had sent, and the rest goes back to whoever started it: nothing is lost, and nothing is
sent by anybody else before it is dead for certain.
"""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import logging
import os
import socket
import subprocess
import sys
from collections import OrderedDict
from collections.abc import Collection, Coroutine, Sequence
from pathlib import Path
from typing import Any, Protocol

from listserv_py.delivery import messages
from listserv_py.delivery.channel import Channel
from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.form import Form
from listserv_py.delivery.journal import BEGUN, SENT, WAITING
from listserv_py.delivery.replies import Reply
from listserv_py.delivery.wire import Letter
from listserv_py.maillog import get_logger
from listserv_py.store.outcomes import Fate

log = get_logger("delivery")

LOCK = ".worker"
KEPT = 64
KEPT_BYTES = 64_000_000
"""Contents that a worker holds though none of its copies needs them any more."""
SILENT = 15
"""Seconds without an answer after which a worker counts as hung."""
RECENT = 3.0
"""Seconds between two answers that are still of the same work."""
STARTING = 120
"""The same before its first word, which it says once all is loaded."""


Connected = messages.Opened | messages.Crowded | messages.HungUp


class Boss(Protocol):
    """Who has workers."""

    def may_dial(self, host: str, worker: int) -> tuple[bool, bool]:
        """Whether a worker may open one more connection, and whether others have any."""

    def is_too_many(self, host: str, worker: int, *, said_so: bool) -> bool:
        """Whether a host that turned a worker away has too many of us."""

    def heard_of(self, worker: Process, message: Connected) -> None:
        """What became of a connection."""

    def heard(self, worker: Process, message: messages.Rest | messages.Well) -> None:
        """A worker found out how a host is."""

    def ended(self, worker: Process, left: Collection[Copy]) -> None:
        """It is dead; these it did not send, or nobody knows."""


class Process:
    """One worker; `number` tells it from the others."""

    def __init__(self, number: int, folder: Path, boss: Boss) -> None:
        self.number, self._folder, self._boss = number, folder, boss
        self._channel = Channel(self._hear, self._gone)
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = folder / f"{os.getpid()}-{number}{LOCK}"
        self._parcels: dict[int, dict[int, Copy]] = {}
        self._numbers = itertools.count(1)
        self._contents: OrderedDict[Letter, int] = OrderedDict()
        self._unanswered = 0
        self._speaks = False
        self._is_leaving = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._cpu = 0.0, 0.0
        self.load = 0
        self.busy = 0.0
        self.began = 0.0
        self.over = asyncio.Event()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid if self._process else 0

    @property
    def is_up(self) -> bool:
        """Whether it has loaded all and spoken."""
        return self._speaks

    @property
    def takes_work(self) -> bool:
        """Whether it may be given copies."""
        return self._process is not None and not self._is_leaving and not self.over.is_set()

    async def start(self, terms: messages.Terms) -> None:
        """Start it; OSError when that cannot be done."""
        ours, theirs = socket.socketpair()
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            # Locked before it lives: whoever finds no lock finds no worker either.
            fcntl.flock(lock, fcntl.LOCK_EX)
            level = str(logging.getLogger().getEffectiveLevel())
            self._process = subprocess.Popen(  # noqa: ASYNC220, S603 - a millisecond; ourselves
                [sys.executable, "-P", "-m", "listserv_py.delivery.worker",
                 str(theirs.fileno()), level],
                stdin=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(), lock),
            )  # fmt: skip
            os.pwrite(lock, b"%d\n" % self._process.pid, 0)
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
            os.close(lock)
        self.began = asyncio.get_running_loop().time()
        ours.setblocking(False)
        await self._channel.open(ours)
        self.say(terms)

    def say(self, message: messages.Message) -> None:
        """Tell it something."""
        self._channel.say(message)

    def give(self, batch: Batch, copies: Sequence[Copy]) -> None:
        """Have these copies of a batch sent."""
        number = next(self._numbers)
        contents = [self._content(copy.letter) for copy in copies]
        sizes = [len(copy.personal) for copy in copies]
        self._parcels[number] = {copy.slot: copy for copy in copies}
        self.load += len(copies)
        self.say(
            messages.Parcel(
                number,
                str(batch.journal.path),
                [copy.slot for copy in copies],
                contents,
                sizes if any(sizes) else [],
                "\n".join([copy.rcpt for copy in copies]).encode(),
                b"\n".join([copy.sender for copy in copies]),
                b"".join([copy.personal for copy in copies]),
            )
        )
        self._trim()

    def recall(self, copies: Collection[Copy], fate: Fate, reply: Reply, next_at: int) -> set[Copy]:
        """Those of these that it has and has not begun come to this outcome; which it has."""
        wanted = set(copies)
        theirs: set[Copy] = set()
        for number, slots in self._parcels.items():
            found = {slot: copy for slot, copy in slots.items() if copy in wanted}
            if found:
                status, text = reply.status, reply.text
                self.say(messages.Recall(number, [*found], int(fate), status, text, next_at))
                theirs.update(found.values())
        return theirs

    def tick(self) -> None:
        """Once a second while copies are in hand: see that it lives."""
        if not self._parcels:
            self._unanswered, self.busy = 0, 0.0
            return
        self._unanswered += 1
        if self._unanswered > (SILENT if self._speaks else STARTING):
            log.error("delivery.worker_hangs", worker=self.number, pid=self.pid)
            self.kill()
        else:
            self.say(messages.Ping())

    def stop(self, grace: float) -> None:
        """Have it finish what is in hand; it is `over` once it has."""
        self._is_leaving = True
        self.say(messages.Stop(grace))

    def kill(self) -> None:
        """End it at once; the rest happens when its line ends."""
        if self._process is not None:
            self._process.kill()

    # What it says.

    def _hear(self, message: messages.Message) -> None:
        self._unanswered, self._speaks = 0, True
        match message:
            case messages.Outcomes():
                self._settle(message)
            case messages.Dial(number, host):
                self.say(messages.Grant(number, *self._boss.may_dial(host, self.number)))
            case messages.Refused(number, host, said_so):
                may_wait = self._boss.is_too_many(host, self.number, said_so=said_so)
                self.say(messages.Grant(number, may_wait, may_wait))
            case messages.Opened() | messages.Crowded() | messages.HungUp():
                self._boss.heard_of(self, message)
            case messages.Rest() | messages.Well():
                self._boss.heard(self, message)
            case messages.WantSeven(number):
                self._do(self._seven(number))
            case messages.Line(level, event, values):
                _log(level, event, values, self.number)
            case messages.Pong(cpu):
                self._worked(cpu)
            case _:
                log.warning("delivery.unexpected", message=type(message).__name__)

    def _worked(self, cpu: float) -> None:
        now = asyncio.get_running_loop().time()
        cpu_before, before = self._cpu
        # After a rest the first answer tells only where to begin.
        self.busy = (cpu - cpu_before) / (now - before) if 0 < now - before < RECENT else 0.0
        self._cpu = cpu, now

    def _settle(self, told: messages.Outcomes) -> None:
        slots = self._parcels.get(told.number)
        if slots is None:
            return
        sent = [slots.pop(slot) for slot in told.sent if slot in slots]
        others = [
            (slots.pop(slot), *rest)
            for slot, *rest in zip(
                told.slots, told.fates, told.codes, told.statuses, told.texts, told.next_ats,
                told.blames, strict=True,
            )
            if slot in slots
        ]  # fmt: skip
        self.load -= len(sent) + len(others)
        if not slots:
            del self._parcels[told.number]
        _sent(sent, told.said)
        for copy, fate, code, status, text, next_at, blames in others:
            if copy not in copy.batch.open:
                continue
            reply = Reply(code, status, text)
            if fate == Fate.UNTRIED:
                copy.batch.postpone(copy, next_at, reply)
            else:
                copy.batch.settle(copy, Fate(fate), reply, blames=blames)

    def _content(self, letter: object) -> int:
        """The number of a variant, which is sent on when it is new."""
        if not isinstance(letter, Letter):
            raise TypeError("a letter of ours is expected")
        number = self._contents.get(letter)
        if number is None:
            number = self._contents[letter] = next(self._numbers)
            self.say(_plain(number, letter.main, is_seven=False))
        return number

    async def _seven(self, number: int) -> None:
        letter = next((one for one, its in self._contents.items() if its == number), None)
        if letter is not None:
            self.say(_plain(number, await asyncio.to_thread(letter.make_seven), is_seven=True))

    def _trim(self) -> None:
        """Have it forget variants, those first that were given first."""
        held = sum(len(letter.main.wire) for letter in self._contents)
        if len(self._contents) <= KEPT and held <= KEPT_BYTES:
            return
        used = {copy.letter for slots in self._parcels.values() for copy in slots.values()}
        spare = [letter for letter in self._contents if letter not in used]
        self.say(messages.Forget([self._contents.pop(letter) for letter in spare]))

    # Its end.

    def _gone(self) -> None:
        self._do(self._bury())

    async def _bury(self) -> None:
        """Make sure that it is dead before anybody else sends what it had."""
        if self._process is not None:
            if not self._is_leaving:
                self._process.kill()
            try:
                await asyncio.to_thread(self._process.wait, 5)
            except subprocess.TimeoutExpired:
                self._process.kill()
                await asyncio.to_thread(self._process.wait)
            status = self._process.returncode
            if not self._is_leaving:
                log.error("delivery.worker_died", worker=self.number, pid=self.pid, status=status)
        self._lock.unlink(missing_ok=True)
        left = self._left()
        self.over.set()
        self._boss.ended(self, left)

    def _left(self) -> list[Copy]:
        """What it had not settled; what the journals say it had sent is settled here."""
        copies = [copy for slots in self._parcels.values() for copy in slots.values()]
        self._parcels.clear()
        self.load = 0
        copies = [copy for copy in copies if copy in copy.batch.open]
        _sent([copy for copy in copies if copy.batch.state(copy) == SENT])
        left = [copy for copy in copies if copy in copy.batch.open]
        for copy in left:
            if copy.batch.state(copy) == BEGUN:
                copy.deaths += 1
                copy.batch.mark(copy, WAITING)
        return left

    def _do(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _plain(number: int, form: Form, *, is_seven: bool) -> messages.Content:
    sealed = form.sealed
    # What is filled in lies in `wire` as plain data: once is enough.
    wire, program = (b"", form.wire) if form.program else (form.wire, b"")
    return messages.Content(
        number,
        is_seven,
        form.eight_bit,
        form.utf8_head,
        form.own_at,
        [sealed.names, sealed.body_hash, sealed.stamp] if sealed else [],
        wire,
        sealed.canonical if sealed else b"",
        program,
    )


def _sent(copies: Sequence[Copy], said: str = "") -> None:
    """Settle them, those of a batch together."""
    by_batch: dict[Batch, list[Copy]] = {}
    for copy in copies:
        if isinstance(copy.batch, Batch):
            by_batch.setdefault(copy.batch, []).append(copy)
    for batch, some in by_batch.items():
        batch.sent([copy for copy in some if copy in batch.open], said)


def _log(level: str, event: str, values: dict[str, Any], worker: int) -> None:
    say = log.info if level == "info" else log.error if level == "error" else log.warning
    say(event, **{**values, "worker": worker})
