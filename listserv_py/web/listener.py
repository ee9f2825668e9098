"""The HTTP door: uvicorn's protocol on sockets of ours, in the loop of the server.

uvicorn's own server is left out: it would take our signals and end the process where an address is
taken. What it lacks is bounded here: a connection carries one request, and is cut when that is not
answered in time, however slowly it comes in; and there are only so many connections.
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Any, cast

import h11
from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from listserv_py.smtpd.sockets import open_servers
from listserv_py.units import HostPort

HEADER_MAX = 16_384


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections at once, and the seconds that one may take from its first octet on."""

    connections: int = 100
    seconds: float = 20.0


class HttpDoor:
    """One listener; `open` it at most once."""

    def __init__(self, app: ASGIApp, bounds: Bounds | None = None) -> None:
        self._bounds = bounds or Bounds()
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
        return _Hurried(self._config, self._state, self._bounds)


class _Hurried(H11Protocol):
    """A connection of bounded length."""

    def __init__(self, config: Config, state: ServerState, bounds: Bounds) -> None:
        super().__init__(config, state, {})
        self._bounds = bounds
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin, if there is room."""
        super().connection_made(transport)
        if len(self.connections) > self._bounds.connections:
            transport.abort()
        else:
            self._end = self.loop.call_later(self._bounds.seconds, transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)
