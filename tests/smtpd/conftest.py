"""A real listener on a real socket before a mail room of a few lines."""

import asyncio
import contextlib
import errno
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from listserv_py.config import Listen
from listserv_py.errors import Refusal
from listserv_py.lists.addresses import route
from listserv_py.lists.header import new_header, parse_header
from listserv_py.lists.model import MailingList
from listserv_py.mail.envelope import Envelope
from listserv_py.mail.mailbox import Mailbox
from listserv_py.smtpd.limits import DoorSettings
from listserv_py.smtpd.listener import Listener, listen
from listserv_py.smtpd.policy import judge
from listserv_py.smtpd.replies import SmtpReply

DOMAIN = "lists.example.org"
ANN = Mailbox("ann", "example.org")


def mailing_list(name: str, *sets: str, held: bool = False) -> MailingList:
    header = parse_header(new_header(name, name, [ANN], sets))
    return MailingList(1, name, header, held, DOMAIN)


LISTS = {
    known.name: known
    for known in (
        mailing_list("TEST-L"),
        mailing_list("HELD-L", held=True),
        mailing_list("SMALL-L", "Sizelim= 1K"),
        mailing_list("FAULT-L"),
        mailing_list("FULL-L"),
        mailing_list("REFUSED-L"),
    )
}


@dataclass
class Room:
    """Keeps what it takes; some lists stand for troubles; `gate` holds up every commit."""

    mails: list[Envelope] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.gate.set()

    async def accepts(self, _: Mailbox | None, rcpt: Mailbox, size: int | None) -> SmtpReply | None:
        if rcpt.local_part == "owner-fault-l":
            raise OSError(errno.EIO, "Input/output error", "/var/lib/listserv-py/listserv.db")
        destination = route(rcpt, domain=DOMAIN, name="listserv")
        known = LISTS.get((destination and destination.listname) or "")
        return judge(rcpt, DOMAIN, destination, known, size)

    async def take(self, envelope: Envelope) -> None:
        self.begun.set()
        await self.gate.wait()
        names = {rcpt.local_part for rcpt in envelope.rcpt_to}
        if "fault-l" in names:
            raise RuntimeError("SELECT secret FROM /var/lib/listserv-py/listserv.db")
        if "full-l" in names:
            raise OSError(errno.ENOSPC, "No space left on device", "/var/lib/listserv-py")
        if "refused-l" in names:
            raise Refusal(550, "5.7.1", "Not\r\n250 that way")
        self.mails.append(envelope)


@dataclass
class Talk:
    """A client that says exactly what it is told, byte by byte."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def hear(self) -> str:
        """One reply line without its CRLF; "" when the server has closed."""
        with contextlib.suppress(ConnectionError):
            line = await self.reader.readline()
            assert not line or line.endswith(b"\r\n")
            return line[:-2].decode()
        return ""

    async def ask(self, line: str) -> str:
        """Say a line, and hear the last line of the reply."""
        await self.send(line.encode() + b"\r\n")
        return await self.reply()

    async def reply(self) -> str:
        while (line := await self.hear())[3:4] == "-":
            pass
        return line

    async def begin(self, helo: str = "EHLO", to: tuple[str, ...] = ("test-l",)) -> None:
        """Everything up to DATA; the next thing to send is the mail."""
        await self.reply()
        await self.ask(f"{helo} client.example.org")
        await self.ask("MAIL FROM:<ann@example.org>")
        for name in to:
            assert (await self.ask(f"RCPT TO:<{name}@{DOMAIN}>")).startswith("250 ")
        assert (await self.ask("DATA")).startswith("354 ")

    def close(self) -> None:
        self.writer.close()


@dataclass
class House:
    """An open door, the room behind it, and clients in front of it."""

    listener: Listener
    room: Room
    talks: list[Talk] = field(default_factory=list)

    @property
    def port(self) -> int:
        address = self.listener.addresses[0]
        assert isinstance(address, tuple)
        return address[1]

    async def connect(self, index: int = 0, source: str = "127.0.0.1") -> Talk:
        address = self.listener.addresses[index]
        if isinstance(address, str):
            talk = Talk(*await asyncio.open_unix_connection(address))
        else:
            talk = Talk(*await asyncio.open_connection(*address, local_addr=(source, 0)))
        self.talks.append(talk)
        return talk

    async def until(self, condition: Callable[[], bool]) -> None:
        """Let the loop turn until something has become true."""
        async with asyncio.timeout(30):
            while not condition():  # noqa: ASYNC110 - what is waited for has no event
                await asyncio.sleep(0)


OpenDoor = Callable[..., Awaitable[House]]


@pytest.fixture
async def open_door(tmp_path: Path) -> AsyncIterator[OpenDoor]:
    """Opens a door: `open_door("lmtp", recipients=2)`; closed, with its clients, after the test."""
    houses: list[House] = []

    async def opened(
        protocol: str = "smtp", address: str = "127.0.0.1:0", **limits: object
    ) -> House:
        room = Room()
        doors = [Listen(protocol=protocol, address=address)]
        settings = DoorSettings(DOMAIN, **limits)
        houses.append(House(await listen(doors, room, settings, {}), room))
        return houses[-1]

    yield opened
    for house in houses:
        for talk in house.talks:
            talk.close()
        house.room.gate.set()
        await house.listener.close(30)
        for talk in house.talks:
            with contextlib.suppress(OSError):
                await talk.writer.wait_closed()
        assert house.listener.handler.census.octets == 0
