"""What the tests of the door out share: a scripted SMTP sink, and an engine on a real store."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import Any

from fresh_rig import fresh_store

from listserv_py.config import Settings
from listserv_py.delivery.client import Timeouts
from listserv_py.delivery.engine import Engine
from listserv_py.delivery.journal import FOLDER, SUFFIX, Journal, Key
from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.resolver import Resolver
from listserv_py.store.outbox import Kind
from listserv_py.store.queue_view import Waiting
from listserv_py.store.store import Tx

TCP_REPAIR = 19
"""Linux: a socket that is closed now tells the other side nothing (needs CAP_NET_ADMIN)."""
NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
TIMEOUTS = Timeouts(connect=20, command=20, data=20, block=20, final=20, idle=0.3)
QUICK = replace(TIMEOUTS, final=2)  # where a silence is waited for


class Act(Enum):
    """What a sink can do instead of answering."""

    DROP = "cut the connection"
    MUTE = "say nothing, ever"
    VANISH = "be gone, without a word to the network"


@dataclass(frozen=True)
class Command:
    """What a client said; `nth` counts this verb on this connection from 1, CONNECT and DOT too."""

    connection: int
    verb: str
    argument: str
    nth: int


@dataclass
class Taken:
    """A mail that was answered 250."""

    sender: str
    rcpts: list[str]
    data: bytes
    arguments: str
    connection: int


Answer = Callable[[Command], str | Act | None]
EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE 10000000")


@dataclass
class Sink:
    """An SMTP server on loopback; `answer` decides where it is not None."""

    answer: Answer = lambda _: None
    extensions: tuple[str, ...] = EXTENSIONS
    context: ssl.SSLContext | None = None
    taken: list[Taken] = field(default_factory=list)
    said: list[Command] = field(default_factory=list)
    tls_seen: list[bool] = field(default_factory=list)
    port: int = 0
    address: str = "127.0.0.1"

    def __post_init__(self) -> None:
        self.is_fast = asyncio.Event()
        """While it is not set, each mail takes a hundredth of a second, as with relays it does."""
        self.is_fast.set()

    def verbs(self) -> list[str]:
        return [command.verb for command in self.said]

    async def has_taken(self, many: int) -> None:
        await until(lambda: len(self.taken) >= many)

    def recipients(self) -> list[str]:
        return [rcpt for mail in self.taken for rcpt in mail.rcpts]

    @asynccontextmanager
    async def listening(self) -> Any:
        self._connections = 0
        self._writers: set[asyncio.StreamWriter] = set()
        server = await asyncio.start_server(self._serve, self.address, 0, limit=2**24)
        self.port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            server.close()
            for writer in self._writers:
                writer.transport.abort()
            await server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self._connections += 1
        talk = _Talk(self, self._connections, reader, writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await talk.run()
        writer.transport.abort()
        self._writers.discard(writer)


class _Talk:
    def __init__(
        self,
        sink: Sink,
        number: int,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.sink, self.number, self.reader, self.writer = sink, number, reader, writer
        self.counts: dict[str, int] = {}
        self.sender: str | None = None
        self.arguments = ""
        self.rcpts: list[str] = []
        self.is_over = False

    async def run(self) -> None:
        await self.reply("CONNECT", "", "220 sink ESMTP")
        while not self.is_over:
            line = (await self.reader.readuntil(b"\n")).decode().rstrip("\r\n")
            verb, _, argument = line.partition(" ")
            await getattr(self, f"on_{verb.lower()}", self.on_other)(verb.upper(), argument)

    async def reply(self, verb: str, argument: str, default: str) -> str:
        """What was answered; "" after an act."""
        self.counts[verb] = self.counts.get(verb, 0) + 1
        command = Command(self.number, verb, argument, self.counts[verb])
        self.sink.said.append(command)
        answer = self.sink.answer(command)
        if answer is Act.MUTE:
            await asyncio.Event().wait()
        if answer is Act.VANISH:
            self.writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, TCP_REPAIR, 1)
        if answer in (Act.DROP, Act.VANISH):
            self.is_over = True
            return ""
        text = answer if isinstance(answer, str) else default
        self.writer.write(text.encode() + b"\r\n")
        await self.writer.drain()
        if text.startswith("421"):
            self.is_over = True
        return text

    async def on_ehlo(self, verb: str, argument: str) -> None:
        names = ["sink", *self.sink.extensions]
        if self.sink.context is not None and not self._encrypted():
            names.append("STARTTLS")
        lines = [f"250-{name}" for name in names[:-1]] + [f"250 {names[-1]}"]
        await self.reply(verb, argument, "\r\n".join(lines))

    async def on_starttls(self, verb: str, argument: str) -> None:
        if (await self.reply(verb, argument, "220 go")).startswith("220 go"):
            await self.writer.start_tls(self.sink.context)

    async def on_mail(self, verb: str, argument: str) -> None:
        if self.sender is not None:
            await self.reply(verb, argument, "503 5.5.1 nested MAIL")
            return
        path, _, self.arguments = argument.removeprefix("FROM:").partition("> ")
        if (await self.reply(verb, argument, "250 2.1.0 ok")).startswith("2"):
            self.sender, self.rcpts = path.strip("<>"), []

    async def on_rcpt(self, verb: str, argument: str) -> None:
        default = "250 2.1.5 ok" if self.sender is not None else "503 5.5.1 MAIL first"
        if (await self.reply(verb, argument, default)).startswith("2"):
            self.rcpts.append(argument.removeprefix("TO:").strip("<>"))

    async def on_data(self, verb: str, argument: str) -> None:
        default = "354 go" if self.rcpts else "554 5.5.1 no valid recipients"
        if not (await self.reply(verb, argument, default)).startswith("354"):
            return
        data = await self.reader.readexactly(3)
        if data != b".\r\n":
            data += await self.reader.readuntil(b"\r\n.\r\n")
        if not self.sink.is_fast.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.sink.is_fast.wait(), 0.01)
        default = "250 2.0.0 taken" if self.rcpts else "554 5.5.1 nobody"
        if (await self.reply("DOT", "", default)).startswith("250"):
            self.sink.taken.append(
                Taken(self.sender or "", self.rcpts, data, self.arguments, self.number)
            )
        self.sender = None

    async def on_rset(self, verb: str, argument: str) -> None:
        self.sender = None
        await self.reply(verb, argument, "250 2.0.0 reset")

    async def on_quit(self, verb: str, argument: str) -> None:
        await self.reply(verb, argument, "221 2.0.0 bye")
        self.is_over = True

    async def on_other(self, verb: str, argument: str) -> None:
        await self.reply(verb, argument, "500 5.5.2 what?")

    def _encrypted(self) -> bool:
        now = self.writer.get_extra_info("sslcontext") is not None
        self.sink.tls_seen.append(now)
        return now


POST = (
    b"Received: from a by b; Mon, 1 Jun 2026 10:00:00 +0000\r\n"
    b"From: Author <author@example.org>\r\nTo: test-l@lists.test\r\nSubject: A post\r\n"
    b"Date: Mon, 1 Jun 2026 10:00:00 +0000\r\nMessage-ID: <post@example.org>\r\n\r\n"
    b"Hello\r\n.a line that begins with a dot\r\n"
)
SINGLE = POST.replace(b"A post", b"A reply").replace(b"<post@", b"<reply@")


def facts(**changes: Any) -> ListFacts:
    known = {"title": "Test", "domain": "lists.test", "command_address": "listserv@lists.test"}
    return ListFacts("TEST-L", **{**known, "stamp": int(NOW.timestamp()), **changes})


@dataclass
class Clock:
    """A clock that the test moves."""

    now: float = NOW.timestamp()

    def __call__(self) -> float:
        return self.now


class House:
    """A store in `folder` and an engine on it."""

    def __init__(self, folder: Path, clock: Clock, **tables: dict[str, Any]) -> None:
        self.folder, self.clock = folder, clock
        self.settings = Settings.model_validate(
            {
                "site": {
                    "domain": "lists.test",
                    "postmasters": ["p@lists.test"],
                    "data_dir": str(folder),
                },
                **tables,
            },
            context={"folder": folder},
        )
        self.timeouts = TIMEOUTS
        self.has_workers = False
        self.list_id = 0

    @asynccontextmanager
    async def open(self) -> Any:
        """The store alone."""
        self.store = fresh_store(self.folder, "lists.test")
        try:
            yield self
        finally:
            await self.store.close()

    @asynccontextmanager
    async def running(self) -> Any:
        """The engine; it is stopped as SIGTERM does it."""
        self.engine = Engine(
            self.store,
            self.settings,
            Resolver(self.settings.dns),
            clock=self.clock,
            timeouts=self.timeouts,
            has_workers=self.has_workers,
        )
        task = asyncio.create_task(self.engine.run())
        try:
            yield self
        finally:
            await self.engine.stop(2)
            await task

    async def subscribe(self, *addresses: str, options: Options | None = None) -> None:
        chosen = options or Options()

        def work(tx: Tx) -> int:
            found = tx.lists.find("TEST-L") or tx.lists.add(
                "TEST-L", "* T\n*\n* Owner= o@x.test\n", NOW
            )
            tx.subscribers.add_many(
                found.id, [(parse_mailbox(one), "Somebody", chosen, NOW) for one in addresses]
            )
            return found.id

        self.list_id = await self.store.run(work)

    async def unsubscribe(self, address: str) -> None:
        def work(tx: Tx) -> None:
            found = tx.subscribers.find(self.list_id, parse_mailbox(address))
            assert found is not None
            tx.subscribers.remove(found)

        await self.store.run(work)

    async def post(self, raw: bytes = POST, **changes: Any) -> int:
        found: int = await self.store.run(
            lambda tx: tx.outbox.distribute(self.list_id, raw, facts(**changes), self._now())
        )
        self._wake()
        return found

    async def send(self, to: str, raw: bytes = SINGLE, kind: Kind = Kind.REPLY) -> int:
        found: int = await self.store.run(
            lambda tx: tx.outbox.send(parse_mailbox(to), raw, kind=kind, now=self._now())
        )
        self._wake()
        return found

    async def waiting(self) -> list[Waiting]:
        return await self.store.read(lambda tx: tx.outbox.view())

    async def rows(self, statement: str) -> list[tuple[Any, ...]]:
        return await self.store.read(lambda tx: tx.db.execute(statement).fetchall())

    async def drained(self) -> None:
        await until(self._is_empty)

    async def _is_empty(self) -> bool:
        return not await self.waiting()

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self.clock(), UTC)

    def _wake(self) -> None:
        if hasattr(self, "engine"):
            self.engine.wake()


async def until(holds: Callable[[], Awaitable[bool]] | Callable[[], bool]) -> None:
    """Wait until something holds; the test's own time limit ends it otherwise."""
    while True:
        found = holds()
        if isinstance(found, Awaitable):
            found = await found
        if found:
            return
        await asyncio.sleep(0.01)


def numbered(many: int, domain: str = "example.test") -> Iterator[str]:
    return (f"reader{number:04d}@{domain}" for number in range(many))


def left_behind(folder: Path, states: dict[Key, int]) -> None:
    """The journal of a run that was killed."""
    journals = folder / FOLDER
    journals.mkdir(exist_ok=True)
    section = Journal(journals / f"1-0{SUFFIX}").section(len(states))
    assert section is not None
    for slot, state in zip(section.enter(list(states)), states.values(), strict=True):
        section.mark(slot, state)


def relay(sink: Sink, **delivery: Any) -> dict[str, Any]:
    """The [delivery] table for a smarthost."""
    return {"relay": f"127.0.0.1:{sink.port}", "tls": "never", **delivery}
