"""SMTP by our own protocol on an open connection, pipelined (RFC 2920).

MAIL, RCPT and DATA go out in one write; the body only after all their replies were read; the next
mail's envelope rides behind the body. So at most two transactions are in hand: one `behind` the
dot, whose reply is awaited, and one `ahead` of it. Replies come in order, hence the dot's is
settled before the next body is written. One timer a connection, re-armed when it fires. Nearly all
replies are four good ones in one piece, which one look checks; all others are read line by line.
"""

import asyncio
import re
from collections import deque
from typing import Protocol

from listserv_py.delivery.client import Session, Timeouts
from listserv_py.delivery.copies import Copy
from listserv_py.delivery.form import Caps, Form, wire_of
from listserv_py.delivery.replies import Reply, Stage, is_too_many, own, read_reply

REPLY_MAX = 32_768
SLICE = 131_072

_ONE = Stage.MAIL, Stage.RCPT, Stage.DATA
_goes_on = re.compile(
    # To the dot, MAIL, RCPT and DATA: each is looked at before the body goes (RFC 2920 3.1).
    rb"250 [^\n]*\n250 [^\n]*\n250 [^\n]*\n354 [^\n]*\n"
).fullmatch

Transaction = tuple[Form, list[Copy]]


class Feed(Protocol):
    """Where a connection gets its work and leaves its outcomes: a lane."""

    def take(self, caps: Caps) -> Transaction | None:
        """The next transaction; None: nothing to do now."""

    def answered(self, stage: Stage, reply: Reply, copies: list[Copy]) -> bool:
        """A reply decides on copies; False: close the connection, the host rests."""

    def too_many(self, copies: list[Copy]) -> None:
        """The host wants these in a transaction of their own, now."""

    def broken(self, reply: Reply, ahead: list[Copy], behind: list[Copy]) -> None:
        """The connection is gone: nothing is known of `behind`, nothing was taken of `ahead`."""


class Pipeline(asyncio.Protocol):
    """One connection; `closed` is set once it is gone and its copies were given back."""

    def __init__(self, session: Session, feed: Feed, timeouts: Timeouts) -> None:
        self._caps, self._feed, self._timeouts = session.caps, feed, timeouts
        self._loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = self._loop.create_future()
        self._awaited: deque[Stage] = deque()
        self._rest = b""
        self._lines: list[bytes] = []
        self._form: Form | None = None
        self._ahead: list[Copy] = []
        self._undecided: list[Copy] = []
        self._behind: list[Copy] = []
        self._accepted: list[Copy] = []
        self._answers = 0
        self._mail_reply: Reply | None = None
        self._unsent: memoryview | None = None
        self._paused = False
        self._leaving = False
        self._why = own("4.4.2", "the connection was lost")
        self._since = self._loop.time()
        self._timer = self._loop.call_later(timeouts.idle, self._look)
        self._transport = session.transport
        self._transport.set_protocol(self)
        self.kick()

    @property
    def is_idle(self) -> bool:
        """Whether it waits for work."""
        return not self._awaited and not self._leaving

    @property
    def is_leaving(self) -> bool:
        """Whether it begins nothing more."""
        return self._leaving

    def kick(self) -> None:
        """There may be work: begin, or put the next envelope behind the body that is out."""
        if self._ahead or self._leaving or self._unsent is not None or self._transport.is_closing():
            return
        envelope = self._envelope()
        if envelope:
            self._since = self._loop.time()
            self._transport.write(envelope)

    def leave(self) -> None:
        """Finish what is past its dot, begin nothing more, say QUIT."""
        if not self._leaving:
            self._leaving = True
            if not self._awaited:
                self._quit()

    def abort(self) -> None:
        """Cut the connection; what is past its dot is tried again one day."""
        self._transport.abort()

    # Writing.

    def _envelope(self) -> bytes:
        """The next transaction's commands up to DATA, b"" when there is none."""
        found = None if self._leaving else self._feed.take(self._caps)
        if found is None:
            return b""
        form, copies = found
        self._form, self._ahead, self._undecided = form, copies, copies
        self._accepted, self._answers, self._mail_reply = [], 0, None
        first = copies[0]
        if len(copies) == 1:
            self._awaited += _ONE
            words = form.arguments(self._caps, first.needs_utf8)
            lines = b"MAIL FROM:<%b>%b\r\nRCPT TO:<%b>\r\nDATA\r\n"
            return lines % (first.sender, words, first.path)
        arguments = form.arguments(self._caps, any(copy.needs_utf8 for copy in copies))
        parts = [b"MAIL FROM:<", first.sender, b">", arguments]
        self._awaited.append(Stage.MAIL)
        for copy in copies:
            parts += (b"\r\nRCPT TO:<", copy.path, b">")
            self._awaited.append(Stage.RCPT)
        parts.append(b"\r\nDATA\r\n")
        self._awaited.append(Stage.DATA)
        return b"".join(parts)

    def _body(self) -> None:
        """Send the mail, and behind it the next envelope."""
        wire = b""
        if self._form and self._accepted:
            first = self._accepted[0]
            wire = wire_of(self._form, first.personal, first.letter.signers)
        self._behind, self._ahead, self._undecided = self._accepted, [], []
        self._awaited.append(Stage.DOT)
        if len(wire) > SLICE:
            self._unsent = memoryview(wire)
            self._pump()
        else:
            self._transport.write(wire + self._envelope())

    def _pump(self) -> None:
        """Send a long mail slice by slice, as fast as the other side takes it."""
        while self._unsent is not None and not self._paused:
            piece, left = self._unsent[:SLICE], self._unsent[SLICE:]
            self._unsent = left or None
            self._transport.write(piece)
        if self._unsent is None:
            self.kick()

    def pause_writing(self) -> None:
        """The other side is slower than we."""
        self._paused = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._paused = False
        self._since = self._loop.time()
        if self._unsent is not None:
            self._pump()

    def _quit(self) -> None:
        # Until it is gone it takes the place of one that would carry copies: no long wait.
        self._awaited.append(Stage.QUIT)
        self._since = self._loop.time()
        self._timer.cancel()
        self._timer = self._loop.call_later(self._timeouts.idle, self._look)
        self._transport.write(b"QUIT\r\n")

    # Reading.

    def data_received(self, data: bytes) -> None:
        """Read whole reply lines; the last line of a reply has no hyphen behind its code."""
        self._since = self._loop.time()
        # One is behind its dot, and nothing of the next one's envelope was answered.
        is_usual = len(self._awaited) == 4 and self._behind and self._undecided
        if is_usual and not self._rest and not self._lines and _goes_on(data):
            self._go_on()
            return
        lines = (self._rest + data if self._rest else data).split(b"\n")
        self._rest = lines.pop()
        for line in lines:
            if line[3:4] == b"-":
                self._lines.append(line[4:])
                continue
            if not self._awaited or not line[:3].isdigit():
                self._fail(own("4.5.0", "its replies make no sense"))
                return
            text = b" ".join([*self._lines, line[4:]]) if self._lines else line[4:]
            self._lines = []
            self._read(self._awaited.popleft(), int(line[:3]), text)
            if self._transport.is_closing():
                return
        if len(self._rest) + sum(map(len, self._lines)) > REPLY_MAX:
            self._fail(own("4.5.0", "its reply is too long"))

    def _go_on(self) -> None:
        """What is behind the dot was taken over, and the mail of the next envelope is wanted."""
        copies, self._behind = self._behind, []
        if self._feed.answered(Stage.DOT, _GOOD, copies):
            self._awaited.clear()
            self._accepted = self._undecided
            self._body()
        else:
            self._fail(_GOOD)

    def _read(self, stage: Stage, code: int, text: bytes) -> None:
        if code == 421 and stage is not Stage.DOT:
            self._decided(stage, _reply(code, text), self._undecided)
        elif stage is Stage.DOT:
            self._dotted(code, text)
        elif stage is Stage.DATA:
            self._decide(code, text)
        elif stage is Stage.RCPT:
            self._named(code, text)
        elif stage is Stage.MAIL:
            if not 200 <= code < 300:
                self._mail_reply = _reply(code, text)
        elif stage is Stage.QUIT:
            self._transport.close()
        else:
            self._proceed()

    def _named(self, code: int, text: bytes) -> None:
        """A reply to RCPT."""
        copy = self._ahead[self._answers]
        self._answers += 1
        if 200 <= code < 300:
            self._accepted.append(copy)
        elif self._mail_reply is None:
            reply = _reply(code, text)
            if self._accepted and is_too_many(reply):
                self._undecided = [other for other in self._undecided if other is not copy]
                self._feed.too_many([copy])
            else:
                self._decided(Stage.RCPT, reply, [copy])

    def _decide(self, code: int, text: bytes) -> None:
        """All replies to an envelope are here: the body goes out, or the transaction is over."""
        refused = self._mail_reply
        if code == 354:
            if refused is not None:
                # It refused the mail and wants its body all the same: whose would that be?
                self._decided(Stage.MAIL, refused, self._undecided)
                self._fail(own("4.5.0", "it asks for a mail that it refused"))
            elif self._accepted:
                self._body()
            else:
                self._ahead = []
                self._awaited.append(Stage.RESET)
                self._transport.write(b".\r\n")
            return
        if refused is not None:
            self._decided(Stage.MAIL, refused, self._undecided)
        elif self._accepted:
            self._decided(Stage.DATA, _reply(code, text), self._accepted)
        self._ahead = []
        if not self._transport.is_closing():
            self._awaited.append(Stage.RESET)
            self._transport.write(b"RSET\r\n")

    def _dotted(self, code: int, text: bytes) -> None:
        """The reply that hands the mail over, or does not."""
        copies, self._behind = self._behind, []
        reply = _GOOD if code == 250 else _reply(code, text)
        if not self._feed.answered(Stage.DOT, reply, copies):
            self._fail(reply)
        elif not self._awaited:
            self._proceed()

    def _proceed(self) -> None:
        if self._leaving:
            self._quit()
        else:
            self.kick()

    def _decided(self, stage: Stage, reply: Reply, copies: list[Copy]) -> None:
        """Copies of the envelope in hand have their outcome."""
        self._undecided = [copy for copy in self._undecided if copy not in copies]
        if not self._feed.answered(stage, reply, copies):
            self._fail(reply)

    # Ending.

    def _look(self) -> None:
        """The timer: cut a connection that was silent for too long, leave one that is idle."""
        limits = self._timeouts
        if not self._awaited:
            limit = limits.idle
        elif self._unsent is not None:
            limit = limits.block
        else:
            limit = {
                Stage.DOT: limits.final, Stage.DATA: limits.data, Stage.QUIT: limits.idle,
            }.get(self._awaited[0], limits.command)  # fmt: skip
        left = self._since + limit - self._loop.time()
        if left <= 0:
            if self._awaited:
                self._fail(own("4.4.2", f"no reply within {limit:g} s"))
            else:
                self.leave()
            return
        self._timer = self._loop.call_later(max(left, 0.01), self._look)

    def _fail(self, why: Reply) -> None:
        self._why = why
        self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """Give back what is in hand."""
        self._timer.cancel()
        if exc is not None and self._why.status == "4.4.2" and not self._why.code:
            self._why = own("4.4.2", f"the connection was lost: {exc}")
        ahead, behind = self._undecided, self._behind
        self._ahead, self._undecided, self._behind, self._leaving = [], [], [], True
        self._feed.broken(self._why, ahead, behind)
        if not self.closed.done():
            self.closed.set_result(None)


_GOOD = Reply(250, "", "")


def _reply(code: int, text: bytes) -> Reply:
    return read_reply(code, text.decode("utf-8", "replace").strip())
