"""One end of the line between the server and a worker.

When it ends, by the other side's death or by a frame that makes no sense, `ended` is called once.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import cast

from listserv_py.delivery.messages import Frames, Garbled, Message, encode
from listserv_py.maillog import get_logger

log = get_logger("delivery")


class Channel(asyncio.Protocol):
    """See the module; `hear` gets each message, in order."""

    def __init__(self, hear: Callable[[Message], None], ended: Callable[[], None]) -> None:
        self._hear, self._ended = hear, ended
        self._frames = Frames()
        self._transport: asyncio.Transport | None = None

    async def open(self, sock: socket.socket) -> None:
        """Speak over a connected socket."""
        await asyncio.get_running_loop().create_unix_connection(lambda: self, sock=sock)

    def say(self, message: Message) -> None:
        """Send a message; into the void when the line is gone."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(encode(message))

    def close(self) -> None:
        """Send what was said, then hang up."""
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The line stands."""
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Hear what is whole."""
        try:
            for message in self._frames.feed(data):
                self._hear(message)
        except Garbled as exc:
            log.error("delivery.garbled", error=str(exc))  # noqa: TRY400 - no fault of ours
            self.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """The other side is gone."""
        del exc
        self._ended()
