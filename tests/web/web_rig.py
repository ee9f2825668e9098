"""A public door on a real socket, before a real store with one list and two subscribers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from fresh_rig import fresh_store

from listserv_py.config import Settings
from listserv_py.daemon.pages import Counter
from listserv_py.lists.header import new_header
from listserv_py.lists.options import Options
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.smtpd.limits import host_key
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms
from listserv_py.units import HostPort
from listserv_py.web.listener import Bounds, HttpDoor
from listserv_py.web.unsubscribe import pages

DOMAIN = "lists.example.org"
FORM = "application/x-www-form-urlencoded"
ANNA = parse_mailbox("anna@example.net")


@dataclass
class Reply:
    """One answer, and whether the connection was closed behind it."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass
class House:
    """What a test needs of it; `decided` counts how often something was to be sent."""

    folder: Path
    keywords: list[str] = field(default_factory=list)
    bounds: Bounds = field(default_factory=Bounds)
    key: Callable[[str], str | None] = host_key
    decided: int = 0

    async def __aenter__(self) -> House:
        site = {"domain": DOMAIN, "data_dir": str(self.folder)}
        settings = Settings.model_validate({"site": site})
        self.store = fresh_store(self.folder, DOMAIN)
        self.token = await self.store.run(self._fill)
        self.counter = Counter(self.store, Turns(settings, Forms.load()), self._decide)
        self.door = HttpDoor(pages(self.counter), self.bounds, self.key)
        await self.door.open(HostPort("127.0.0.1", 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.door.close(30)
        await self.store.close()

    def _fill(self, tx: Tx) -> str:
        now = Turns(Settings.model_validate({"site": {"domain": DOMAIN}}), Forms.load()).at(tx).now
        owner = parse_mailbox("olga@example.org")
        self.now = now
        header = new_header("NEWS-L", "News & <Views>", [owner], self.keywords)
        made = tx.lists.add("NEWS-L", header, now)
        tx.templates.put(made.id, "FAREWELL", "Farewell from us.\n", now)
        tx.subscribers.add(made.id, parse_mailbox("first@example.net"), "", Options(), now)
        anna = tx.subscribers.add(made.id, ANNA, "Anna Arm", Options(), now)
        return tx.tokens.token_for(anna.id)

    def _decide(self) -> None:
        self.decided += 1

    async def is_subscribed(self) -> bool:
        return await self.store.read(lambda tx: bool(tx.subscribers.of(ANNA)))

    async def mails(self) -> list[str]:
        """The addresses of what waits in the outbox."""
        return await self.store.read(
            lambda tx: [row[0] for row in tx.db.execute("SELECT rcpt FROM copy ORDER BY id")]
        )

    async def dial(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        return await asyncio.open_connection(*self.door.addresses[0])

    async def say(self, raw: bytes) -> Reply:
        return await say_to(self.door, raw)

    async def ask(self, method: str, path: str, body: bytes = b"", kind: str = FORM) -> Reply:
        return await ask_door(self.door, method, path, body, kind)


async def say_to(door: HttpDoor, raw: bytes) -> Reply:
    """Send these octets, and read until the server hangs up."""
    reader, writer = await asyncio.open_connection(*door.addresses[0])
    writer.write(raw)
    answer = await asyncio.wait_for(reader.read(), 20)
    writer.close()
    return read_reply(answer)


async def ask_door(
    door: HttpDoor, method: str, path: str, body: bytes = b"", kind: str = FORM
) -> Reply:
    head = f"{method} {path} HTTP/1.1\r\nHost: lists.example.org\r\n"
    if body:
        head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
    return await say_to(door, head.encode() + b"\r\n" + body)


def read_reply(answer: bytes) -> Reply:
    head, _, body = answer.partition(b"\r\n\r\n")
    first, *lines = head.decode("ascii").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    return Reply(int(first.split()[1]), {k.lower(): v for k, v in headers.items()}, body.decode())
