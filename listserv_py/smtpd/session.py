"""One connection: bytes in, replies out, its deadlines, its end. The verbs are dialogue.py's.

Kept from aiosmtpd: the connection's state, STARTTLS. Replaced: the command loop (aiosmtpd echoes
what it does not know, ends lines at a bare LF, words exceptions for strangers), the stream and the
task (steps.py says why), the timer (one for all deadlines, seldom moved) and the end of input
(aiosmtpd cancels what is in hand).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Any, ClassVar

from aiosmtpd.smtp import SMTP, TLSSetupException

from listserv_py.errors import Refusal
from listserv_py.mail.envelope import Protocol
from listserv_py.maillog import get_logger
from listserv_py.smtpd import replies
from listserv_py.smtpd.handler import Handler
from listserv_py.smtpd.paths import Transaction
from listserv_py.smtpd.replies import SmtpReply
from listserv_py.smtpd.steps import MORE, Steps

log = get_logger("smtpd")

LINE_MAX = 512
# RFC 5321 4.5.3.1.4 with what RFC 1870, 6152 and 6531 add to it.
MAIL_LINE_MAX = LINE_MAX + 26 + 17 + 10
_NO_LINE = 4096
_AHEAD_MAX = 1 << 17
"""So many octets may be here before anybody has asked for them."""
_WEB = frozenset({"GET", "POST", "PUT", "HEAD", "OPTIONS", "CONNECT"})


class Farewell(Exception):
    """Ends a session with a last reply."""

    def __init__(self, reply: SmtpReply) -> None:
        super().__init__(str(reply))
        self.reply = reply


@dataclass(frozen=True, slots=True)
class Verb:
    """A command: what obeys it, how long its line may be, whether it is of no use by itself."""

    obey: Callable[[Any, str], Awaitable[None]]
    line_max: int = LINE_MAX
    is_junk: bool = False


class Session(SMTP):
    """A connection of either protocol, from the greeting to its end."""

    verbs: ClassVar[Mapping[str, Verb]] = {}

    def __init__(self, handler: Handler, protocol: Protocol, sessions: set[Session]) -> None:
        settings = handler.census.settings
        loop = asyncio.get_running_loop()
        super().__init__(
            handler,
            hostname=settings.domain,
            loop=loop,
            tls_context=settings.tls,
            enable_SMTPUTF8=True,
            data_size_limit=settings.message_size,
        )
        self.handler, self.protocol, self.settings = handler, protocol, settings
        self._sessions = sessions
        self.transaction: Transaction | None = None
        self.client = ""
        self.helo = ""
        self.is_extended = False
        self.inbox = bytearray()
        self._arrived: list[bytes] = []
        self._ahead = 0
        self._is_at_end = self._is_held_up = False
        self._steps: Steps[None] | None = None
        self._outbox: list[bytes] = []
        self._is_counted = self._is_busy = self._is_leaving = self._is_securing = False
        self._junk = 0
        self._abortion: asyncio.TimerHandle | None = None
        self._ends = loop.time() + settings.session
        self._deadline = self._ends

    def __dir__(self) -> list[str]:
        """No names: for each connection aiosmtpd would look through them all for its own verbs."""
        return []

    @property
    def is_encrypted(self) -> bool:
        """Whether STARTTLS has succeeded."""
        return self._tls_protocol is not None

    # The life of the connection, as asyncio tells it.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet a client that there is room for; called again when STARTTLS is done."""
        if self._original_transport is not None:
            # RFC 3207 4.2: forget HELO, the transaction and every byte read so far.
            self._forget_input()
            self.transaction, self.helo = None, ""
            super().connection_made(transport)
            return
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - SMTP is spoken on streams
        self.client = _client(transport)
        refusal = self.handler.census.enter(self.client, self.loop.time())
        if refusal is not None:
            log.info("door.closed", code=refusal.code, text=refusal.text, client=self.client)
            transport.write(f"{refusal}\r\n".encode())
            transport.close()
            return
        self._is_counted = True
        self._sessions.add(self)
        # aiosmtpd's own would read by a task.
        asyncio.StreamReaderProtocol.connection_made(self, transport)
        self.transport = transport
        self.session = self._create_session()
        self._reset_timeout()
        self._steps = Steps(self._handle_client(), self.loop)
        self._handler_coroutine = self._steps  # type: ignore[assignment]  # which it cancels
        self._steps.go_on()

    def connection_lost(self, error: Exception | None) -> None:
        """Count it out; what it had in hand is cancelled, but for a commit, which is shielded."""
        if self._is_counted:
            self._is_counted = False
            if self._abortion is not None:
                self._abortion.cancel()
            self._sessions.discard(self)
            self.handler.census.leave(self.client)
            super().connection_lost(error)

    def eof_received(self) -> bool:
        """The client has said all it will: what is in hand is answered, then the loop ends."""
        # aiosmtpd's own would cancel the handler; the stream's tells the reader alone.
        still_open = asyncio.StreamReaderProtocol.eof_received(self)
        self._is_at_end = True
        self._go_on()
        return bool(still_open) and not self.is_encrypted

    def wind_up(self) -> None:
        """The server stops: finish the mail in hand, if there is one, then say goodbye."""
        self._is_leaving = True
        if not self._is_busy:
            self.part(replies.SHUTTING_DOWN)

    def part(self, reply: SmtpReply) -> None:
        """Say a last word without waiting, and close, whether or not the client listens."""
        transport = self.transport
        if self._is_securing:
            self.abort()
            return
        if not isinstance(transport, asyncio.Transport) or transport.is_closing():
            return
        if reply.is_refusal:
            log.info("door.farewell", code=reply.code, text=reply.text, client=self.client)
        transport.write(b"".join([*self._outbox, f"{reply}\r\n".encode()]))
        self._outbox.clear()
        transport.close()
        self._abort_later()

    def abort(self) -> None:
        """Close at once."""
        transport = self._original_transport or self.transport
        if isinstance(transport, asyncio.Transport):
            transport.abort()

    def _abort_later(self) -> None:
        # close() waits until the client has read everything, which it need never do.
        self._abortion = self.loop.call_later(self.settings.linger, self.abort)

    # Deadlines: one timer, which looks again when it comes too early.

    def _reset_timeout(self, duration: float | None = None) -> None:
        due = self.loop.time() + (duration or self.settings.idle)
        self._set_deadline(min(due, self._ends))

    def due_in(self, seconds: float) -> None:
        """From now on the next thing is due in `seconds`, and the session within its time."""
        self._set_deadline(min(self.loop.time() + seconds, self._ends))

    def due_for_commit(self) -> None:
        """The mail is here: what is due now is the disk's, however old the session is."""
        self._set_deadline(self.loop.time() + self.settings.commit)

    def _set_deadline(self, deadline: float) -> None:
        self._deadline = deadline
        handle = self._timeout_handle
        if handle is not None and handle.when() > deadline:
            handle.cancel()
            handle = None
        if handle is None:
            self._timeout_handle = self.loop.call_at(deadline, self._timeout_cb)

    def _timeout_cb(self) -> None:
        if self.loop.time() < self._deadline:
            self._timeout_handle = self.loop.call_at(self._deadline, self._timeout_cb)
        else:
            self.part(replies.TOO_SLOW)

    # Bytes out and in.

    async def push(self, status: str | bytes) -> None:
        """Reply; sent at once unless more commands wait to be answered with it (RFC 2920 3.2)."""
        self._outbox.append(status.encode() if isinstance(status, str) else status)
        self._outbox.append(b"\r\n")
        if (not self.inbox or len(self._outbox) > 200) and not self._is_sent():
            await self._writer.drain()

    def _is_sent(self) -> bool:
        """Send the replies that wait; whether all went at once."""
        self._writer.write(b"".join(self._outbox))
        self._outbox.clear()
        return not self._writer.transport.get_write_buffer_size()

    def data_received(self, data: bytes) -> None:
        """Take what the client sends; no more than is bearable while nobody asks for it."""
        self._arrived.append(data)
        if self._go_on():
            return
        self._ahead += len(data)
        if self._ahead > _AHEAD_MAX and not self._is_held_up:
            self._is_held_up = True
            self._streams().pause_reading()

    def _go_on(self) -> bool:
        """Let the session run when it waits for the client; whether it did."""
        steps = self._steps
        if steps is None or not steps.waits_for_more:
            return False
        steps.go_on()
        return True

    async def receive(self) -> bytes:
        """What the client sends next, once it has got our replies."""
        if self._outbox and not self._is_sent():
            await self._writer.drain()
        while not self._arrived:
            if self._is_at_end:
                raise EOFError
            await MORE
        chunk = self._arrived[0] if len(self._arrived) == 1 else b"".join(self._arrived)
        self._forget_arrived()
        return chunk

    def _forget_arrived(self) -> None:
        self._arrived.clear()
        self._ahead = 0
        if self._is_held_up:
            self._is_held_up = False
            self._streams().resume_reading()

    def _streams(self) -> asyncio.Transport:
        transport = self.transport
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - SMTP is spoken on streams
        return transport

    def _forget_input(self) -> None:
        self.inbox.clear()
        self._forget_arrived()

    async def _read_line(self) -> bytes:
        """The next line, or the beginning of one that is far too long."""
        inbox = self.inbox
        if not inbox:
            chunk = await self.receive()
            if chunk.find(b"\n") == len(chunk) - 1:  # a line at a time, as most clients speak
                return chunk
            inbox += chunk
        while (end := inbox.find(b"\n")) < 0:
            if len(inbox) > _NO_LINE:
                raise Farewell(SmtpReply(421, "4.7.0", replies.LINE_TOO_LONG.text))
            inbox += await self.receive()
        line = bytes(inbox[: end + 1])
        del inbox[: end + 1]
        return line

    async def secure(self) -> None:
        """STARTTLS has been granted: every byte read so far is forgotten, then hands are shaken."""
        self._forget_input()
        self._is_securing = True
        try:
            await super().smtp_STARTTLS("")
        finally:
            self._is_securing = False
        # asyncio reports a client that hangs up in the middle of it as a success.
        if self.session is None or self.session.ssl is None:
            raise TLSSetupException

    # The command loop.

    async def _handle_client(self) -> None:
        try:
            await self.push(f"220 {self.hostname} {self._greeting} listserv_py")
            while True:
                await self._turn()
        except Farewell as farewell:
            self.part(farewell.reply)
        except (OSError, EOFError):
            self._writer.close()
            self._abort_later()
        except TLSSetupException as error:
            # asyncio tells a protocol of the loss only when it told it of the connection.
            self._writer.close()
            self.connection_lost(error)

    @property
    def _greeting(self) -> str:
        return "LMTP" if self.protocol is Protocol.LMTP else "ESMTP"

    async def _turn(self) -> None:
        """Read one command and answer it."""
        line = await self._read_line()
        self._reset_timeout()
        self._is_busy = True
        try:
            await self._obey(line)
        except Refusal as refusal:
            await self.answer(replies.in_reply(refusal))
        except (Farewell, OSError, EOFError, TLSSetupException):
            raise
        except Exception as error:  # noqa: BLE001 - the top of a session's loop
            await self.answer(self.handler.fault(error))
        self._is_busy = False
        if self._is_leaving:
            raise Farewell(replies.SHUTTING_DOWN)

    async def _obey(self, line: bytes) -> None:
        text = line[:-2]
        if line[-2:] != b"\r\n" or b"\r" in text or b"\0" in text:
            await self.answer(replies.BAD_LINE)
            return
        name, _, argument = text.decode("utf-8", "surrogateescape").partition(" ")
        verb = self.verbs.get(name.upper()) if name.isascii() else None
        if len(line) > (verb.line_max if verb else LINE_MAX):
            await self.answer(replies.LINE_TOO_LONG)
        elif verb:
            if verb.is_junk:
                self._count_junk()
            await verb.obey(self, argument.rstrip(" "))
        elif name.upper() in _WEB:
            raise Farewell(replies.TOO_MUCH_JUNK)
        else:
            await self.answer(replies.NOT_UNDERSTOOD)

    async def answer(self, reply: SmtpReply) -> None:
        """Reply, and count what was no use to anybody."""
        if reply.code >= 500:
            self._count_junk()
        await self.push(str(reply))

    def mail_came(self) -> None:
        """A mail was taken: whoever brings mail may be wordy."""
        self._junk = 0

    def _count_junk(self) -> None:
        self._junk += 1
        if self._junk > self.settings.junk:
            raise Farewell(replies.TOO_MUCH_JUNK)


def _client(transport: asyncio.Transport) -> str:
    """The client's address as text, an IPv4 one as such; "" on a Unix socket."""
    peer = transport.get_extra_info("peername")
    if not isinstance(peer, tuple):
        return ""
    address = ip_address(str(peer[0]).partition("%")[0])
    return str(getattr(address, "ipv4_mapped", None) or address)
