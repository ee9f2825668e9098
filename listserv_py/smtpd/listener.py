"""Opens the doors on the running loop, and closes them without dropping what is in hand.

There is no Controller and no thread: each connection is a Dialogue in the loop of the daemon. One
Census and one Handler serve all addresses.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

from listserv_py.config import Listen
from listserv_py.errors import ConfigError
from listserv_py.mail.envelope import Protocol
from listserv_py.smtpd import replies
from listserv_py.smtpd.dialogue import Dialogue
from listserv_py.smtpd.handler import Handler
from listserv_py.smtpd.limits import Census, DoorSettings
from listserv_py.smtpd.mailroom import Mailroom
from listserv_py.smtpd.session import Session
from listserv_py.smtpd.sockets import Activated, OwnPath, Unusable, activated, open_servers

_LAST_WORDS = 1.0

Address = tuple[str, int] | str


class DoorFault(ConfigError):
    """A door that cannot be opened; `index` counts the doors of the configuration."""

    def __init__(self, index: int, text: str) -> None:
        super().__init__("", f"listen[{index}].address", text)
        self.index = index


@dataclass(slots=True)
class Listener:
    """All open doors."""

    handler: Handler
    sessions: set[Session] = field(default_factory=set)
    servers: list[asyncio.Server] = field(default_factory=list)
    paths: list[OwnPath] = field(default_factory=list)

    @property
    def addresses(self) -> tuple[Address, ...]:
        """Where it listens: (host, port), or the path of a Unix socket."""
        names = [sock.getsockname() for server in self.servers for sock in server.sockets]
        return tuple(name[:2] if isinstance(name, tuple) else name for name in names)

    def apply(self, settings: DoorSettings) -> None:
        """Use other settings from the next connection on (SIGHUP)."""
        self.handler.census.settings = settings

    async def close(self, grace: float) -> None:
        """Let nobody in, finish the mails in hand within `grace` seconds, send the rest away."""
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        for server in self.servers:
            server.close()
        for path in self.paths:
            path.remove()
        for session in list(self.sessions):
            session.wind_up()
        await self._emptied(grace)
        for session in list(self.sessions):
            session.part(replies.SHUTTING_DOWN)
        await self._emptied(_LAST_WORDS)
        for session in list(self.sessions):
            session.abort()
        if commits := self.handler.commits:
            await asyncio.wait(commits, timeout=max(_LAST_WORDS, until - loop.time()))

    async def _emptied(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self.handler.census.empty.wait()


async def listen(
    doors: Sequence[Listen],
    mailroom: Mailroom,
    settings: DoorSettings,
    handed: Activated | None = None,
) -> Listener:
    """Open all `doors`, or none: DoorFault says which could not be opened.

    `handed` are systemd's sockets by name; left out, they are taken from the environment.
    """
    listener = Listener(Handler(mailroom, Census(settings)))
    found = activated(os.environ) if handed is None else handed
    try:
        for index, door in enumerate(doors):
            session = partial(
                Dialogue, listener.handler, Protocol(door.protocol), listener.sessions
            )
            try:
                servers, path = await open_servers(door.address, session, found)
            except Unusable as exc:
                raise DoorFault(index, str(exc)) from exc
            listener.servers += servers
            listener.paths += [path] if path else []
    except BaseException:
        await listener.close(0)
        raise
    return listener
