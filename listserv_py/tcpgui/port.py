"""The socket of TCPGUI: one command a connection, and everything about it bounded.

A caller who is slow, silent or many costs a place for so many seconds and no more. At the end the
commands in hand are finished and answered; whoever is still speaking is hung up on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from listserv_py.maillog import get_logger
from listserv_py.smtpd.limits import host_key
from listserv_py.smtpd.sockets import open_servers
from listserv_py.tcpgui.protocol import (
    FAILED,
    GREETING,
    HEAD_SIZE,
    TOO_BUSY,
    Call,
    Misspoken,
    framed,
    read_call,
    read_head,
)
from listserv_py.units import HostPort

log = get_logger("tcpgui")

Answer = Callable[[Call], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Bounds:
    """What callers may take; hosts of this machine are counted in all, never per host."""

    callers: int = 50
    callers_per_host: int = 5
    speak: float = 30.0
    """Seconds for all that a caller says."""
    work: float = 600.0
    hear: float = 60.0


class Port:
    """The open port and those who call there."""

    def __init__(
        self, answer: Answer, bounds: Bounds, key: Callable[[str], str | None] = host_key
    ) -> None:
        self._answer = answer
        self._bounds = bounds
        self._key = key
        self._servers: list[asyncio.Server] = []
        self._hosts: Counter[str] = Counter()
        self._calls: set[asyncio.Task[None]] = set()
        self._in_hand: set[asyncio.Task[None]] = set()

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where it listens."""
        return tuple(sock.getsockname()[:2] for server in self._servers for sock in server.sockets)

    @property
    def callers(self) -> int:
        """How many there are now."""
        return len(self._calls)

    async def open(self, address: HostPort) -> None:
        """Listen; sockets.Unusable when that cannot be."""
        self._servers, _ = await open_servers(address, self._protocol, {})

    async def close(self, grace: float) -> None:
        """Let nobody in, finish within `grace` seconds what has been asked."""
        for server in self._servers:
            server.close()
        for call in self._calls - self._in_hand:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=grace)
        left = list(self._calls)
        for call in left:
            call.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def _protocol(self) -> asyncio.StreamReaderProtocol:
        return asyncio.StreamReaderProtocol(asyncio.StreamReader(), self._take)

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection from its beginning to its end."""
        task = asyncio.current_task()
        peer = writer.get_extra_info("peername")
        host = str(peer[0]) if peer else ""
        if task is None or not self._has_room(host):
            log.warning("tcpgui.too_many", host=host)
            await self._tell(writer, TOO_BUSY)
            return
        self._calls.add(task)
        self._hosts[self._key(host) or ""] += 1
        try:
            await self._talk(reader, writer, host)
        except asyncio.CancelledError:
            # Only `close` cancels: nothing of this call has been carried out.
            writer.transport.abort()
        except Exception:
            log.exception("tcpgui.failed", host=host)
            await self._tell(writer, framed("The server failed at it; its log says more", FAILED))
        finally:
            self._calls.discard(task)
            self._in_hand.discard(task)
            self._hosts[self._key(host) or ""] -= 1
            self._hosts += Counter()

    def _has_room(self, host: str) -> bool:
        key = self._key(host)
        if len(self._calls) >= self._bounds.callers:
            return False
        return key is None or self._hosts[key] < self._bounds.callers_per_host

    async def _talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
    ) -> None:
        try:
            async with asyncio.timeout(self._bounds.speak):
                call = await _hear(reader, writer, host)
        except (TimeoutError, OSError, asyncio.IncompleteReadError):
            writer.transport.abort()
            return
        if isinstance(call, bytes):
            await self._tell(writer, call)
            return
        task = asyncio.current_task()
        if task is not None:
            self._in_hand.add(task)
        async with asyncio.timeout(self._bounds.work):
            text = await self._answer(call)
        await self._tell(writer, framed(text))

    async def _tell(self, writer: asyncio.StreamWriter, octets: bytes) -> None:
        """Send the last octets of a connection, and end it."""
        # So that `drain` waits for all of it: nobody keeps an answer in our memory for ever.
        writer.transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(self._bounds.hear):
                writer.write(octets)
                await writer.drain()
                writer.close()
                await writer.wait_closed()
        except (TimeoutError, OSError):
            pass
        finally:
            with contextlib.suppress(OSError):
                writer.transport.abort()


async def _hear(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str
) -> Call | bytes:
    """The whole call, or what to say to one who cannot be understood."""
    try:
        head = read_head(await reader.readexactly(HEAD_SIZE))
        origin = await reader.readexactly(head.origin_size)
    except Misspoken as exc:
        return f"{exc}\r\n".encode()
    writer.write(GREETING)
    await writer.drain()
    command = await reader.readexactly(head.command_size)
    try:
        return read_call(origin, command, host)
    except Misspoken as exc:
        return framed(f"That cannot be read: {exc}.")
