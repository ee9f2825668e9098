"""The octets of one mail, from DATA to the final dot, in bounded memory; no sockets, no clock.

Only CR LF . CR LF ends a mail (RFC 5321 4.1.1.4). What stood behind it goes back to the caller,
and what is over the limit is dropped while it comes: an endless line costs no more than a short
one.
"""

from __future__ import annotations

from listserv_py.smtpd import replies
from listserv_py.smtpd.replies import SmtpReply

_DOT = b"\r\n."
_END = b"\r\n.\r\n"
LINE_MAX = 65536
_FAR = 10
"""So many times the limit are read to their end, for an answer that their sender will hear."""


class Content:
    """Collects one mail; `fault` is why it is no longer kept, None while it is."""

    __slots__ = ("_buffer", "_has_dots", "_keep", "_limit", "_seen", "fault", "received")

    def __init__(self, limit: int) -> None:
        # The CR LF of the DATA command stands in front, so that a first line "." is found too.
        self._buffer = bytearray(b"\r\n")
        self._seen = 0
        self._has_dots = False
        self._limit = limit
        # A doubled dot makes three octets four at most; whatever is beyond that cannot fit.
        self._keep = limit + limit // 3 + 8
        self.fault: SmtpReply | None = None
        self.received = 0

    @property
    def held(self) -> int:
        """How many octets are in memory now."""
        return len(self._buffer)

    @property
    def is_far_too_big(self) -> bool:
        """Whether it is not worth waiting for its end."""
        return self.received > _FAR * self._limit + LINE_MAX

    def drop(self, fault: SmtpReply) -> None:
        """Keep nothing of it any more; only its end is still looked for."""
        if self.fault is None:
            self.fault = fault
            self._keep = 0
            del self._buffer[:-4]
            self._seen = 0

    def feed(self, chunk: bytes) -> bytes | None:
        """Add a chunk; what came behind the final dot, or None as long as it has not come."""
        buffer = self._buffer
        buffer += chunk
        self.received += len(chunk)
        end = self._end()
        if end >= 0:
            rest = bytes(buffer[end + 5 :])
            del buffer[end + 2 :]
            if end > self._keep:
                self.drop(replies.TOO_BIG)
            return rest
        if len(buffer) > self._keep:
            self.drop(replies.TOO_BIG)
            del buffer[:-4]
        self._seen = max(0, len(buffer) - 4)
        return None

    def _end(self) -> int:
        """Where the mail ends, -1 when that is still to come; mostly the first dot of a line."""
        if not self._has_dots:
            end = self._buffer.find(_DOT, self._seen)
            if end < 0 or self._buffer.startswith(_END, end):
                return end
            self._has_dots = end + len(_END) <= len(self._buffer)
        return self._buffer.find(_END, self._seen)

    def taken(self, *, mend: bool) -> bytes:
        """The finished mail without its extra dots (RFC 5321 4.5.2); Refusal if it cannot be taken.

        `mend`: repair wrong line ends, as our own MTA deserves (LMTP); else they are refused.
        """
        if self.fault is not None:
            raise self.fault.refusal()
        buffer = self._buffer
        if self._has_dots:
            buffer = buffer.replace(b"\r\n.", b"\r\n")
        if len(buffer) - 2 > self._limit:
            raise replies.TOO_BIG.refusal()
        content = bytes(memoryview(buffer)[2:])
        if _has_bare_breaks(content):
            if not mend:
                raise replies.BARE_BREAKS.refusal()
            content = _mended(content)
        if _has_long_line(content):
            raise replies.LONG_LINE.refusal()
        return content


def _has_bare_breaks(content: bytes) -> bool:
    """Whether CR or LF stands alone, or a NUL anywhere: the stuff of SMTP smuggling."""
    breaks = content.count(b"\r\n")
    return content.count(b"\n") != breaks or content.count(b"\r") != breaks or b"\0" in content


def _mended(content: bytes) -> bytes:
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b" ").replace(b"\0", b" ")
    return lines.replace(b"\n", b"\r\n")


def _has_long_line(content: bytes) -> bool:
    start = 0
    while len(content) - start > LINE_MAX:
        end = content.rfind(b"\n", start, start + LINE_MAX + 2)
        if end < 0:
            return True
        start = end + 1
    return False
