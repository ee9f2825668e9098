"""The HTTP door: uvicorn's protocol on sockets of ours, in the loop of the server.

uvicorn's own server is left out: it would take our signals and end the process where an address is
taken. What it lacks is bounded here: a connection carries one request, and is cut when that is not
answered in time, however slowly it comes in; and there are only so many connections, in all and
from one host. Hosts of this machine are counted in all alone: behind them stands a proxy of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, cast

import h11
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from listserv_py.maillog import get_logger
from listserv_py.smtpd.limits import host_key
from listserv_py.smtpd.sockets import open_servers
from listserv_py.units import HostPort

log = get_logger("web")

HEADER_MAX = 16_384
_TOO_MANY = (
    b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 60\r\nContent-Length: 0\r\n"
    b"Connection: close\r\n\r\n"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections at once, and the seconds that one may take from its first octet on."""

    connections: int = 100
    seconds: float = 20.0
    per_host: int = 20
    per_minute: int = 300
    """Requests from one host."""


class Gate:
    """Who is inside, and how often each host has come in this minute."""

    def __init__(self, bounds: Bounds, key: Callable[[str], str | None]) -> None:
        self.bounds = bounds
        self._key = key
        self._inside: Counter[str] = Counter()
        self._came: Counter[str] = Counter()
        self._minute = -1

    def enter(self, client: str, now: float) -> bool:
        """Count a connection in; False when its host has taken what it may."""
        host = self._key(client)
        if host is None:
            return True
        if self._minute != int(now // 60):
            self._minute = int(now // 60)
            self._came.clear()
        self._came[host] += 1
        if self._came[host] > self.bounds.per_minute or self._inside[host] >= self.bounds.per_host:
            return False
        self._inside[host] += 1
        return True

    def leave(self, client: str) -> None:
        """Count out a connection that was counted in."""
        host = self._key(client)
        if host is not None:
            self._inside[host] -= 1
            self._inside += Counter()


class HttpDoor:
    """One listener; `open` it at most once."""

    def __init__(
        self,
        app: ASGIApp,
        bounds: Bounds | None = None,
        key: Callable[[str], str | None] = host_key,
    ) -> None:
        self._gate = Gate(bounds or Bounds(), key)
        self._config = Config(
            cast(Any, app),
            http="h11",
            ws="none",
            lifespan="off",
            log_config=None,
            log_level="critical",  # its lines would have the path in them, which is a key
            access_log=False,
            proxy_headers=False,
            server_header=False,
            date_header=False,
            h11_max_incomplete_event_size=HEADER_MAX,
        )
        self._config.load()
        self._state = ServerState()
        self._servers: list[asyncio.Server] = []

    @property
    def addresses(self) -> tuple[tuple[str, int], ...]:
        """Where it listens."""
        return tuple(sock.getsockname()[:2] for server in self._servers for sock in server.sockets)

    @property
    def live(self) -> int:
        """How many connections there are."""
        return len(self._state.connections)

    async def open(self, address: HostPort) -> None:
        """Listen; smtpd.sockets.Unusable says why that cannot be."""
        self._servers, _ = await open_servers(address, self._connection, {})

    async def close(self, grace: float) -> None:
        """Let nobody in, answer what was asked within `grace` seconds."""
        for server in self._servers:
            server.close()
        for connection in list(self._state.connections):
            with contextlib.suppress(h11.LocalProtocolError):
                connection.shutdown()
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        while self._state.connections and loop.time() < until:  # noqa: ASYNC110 - of uvicorn's set
            await asyncio.sleep(0.02)
        for connection in list(self._state.connections):
            cast(H11Protocol, connection).transport.abort()

    def _connection(self) -> H11Protocol:
        return _Hurried(self._config, self._state, self._gate)


class _Hurried(H11Protocol):
    """A connection of bounded length."""

    def __init__(self, config: Config, state: ServerState, gate: Gate) -> None:
        super().__init__(config, state, {})
        self._gate = gate
        self._end: asyncio.TimerHandle | None = None
        self._client = ""
        self._is_in = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, if there is room."""
        super().connection_made(transport)
        bounds = self._gate.bounds
        if len(self.connections) > bounds.connections:
            transport.abort()
            return
        peer = transport.get_extra_info("peername")
        self._client = str(peer[0]) if peer else ""
        self._is_in = self._gate.enter(self._client, self.loop.time())
        self._end = self.loop.call_later(bounds.seconds, transport.abort)
        if not self._is_in:
            log.info("web.too_many", host=self._client)
            transport.write(_TOO_MANY)
            transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._end is not None:
            self._end.cancel()
        if self._is_in:
            self._is_in = False
            self._gate.leave(self._client)
        super().connection_lost(exc)
