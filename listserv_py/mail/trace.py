"""The trace fields on top of a mail (RFC 5321 4.4): what relays add, what a repeat may change.

A sender that missed our 250 sends the same bytes again, perhaps by another way; what stands below
the trace fields, with envelope and Message-ID, tells that it is the same mail.
"""

import hashlib
import re
from collections.abc import Sequence

_TRACE = re.compile(
    rb"(?:received|return-path|delivered-to|x-original-to|x-received|envelope-to):[^\n]*\n"
    rb"(?:[ \t][^\n]*\n)*",
    re.IGNORECASE,
)
_MESSAGE_ID = re.compile(rb"^message-id:[ \t\r\n]*([^\r\n]*)", re.IGNORECASE | re.MULTILINE)
_PIECE = 2047
"""From one octet more on hashing gives the interpreter to other threads, and to get it back takes
longer than to hash a mail of usual size."""
_LONG = 65536
_BRACKETED = re.compile(r"\[(?:IPv6:)?([0-9A-Fa-f.:]{2,45})\]")
# Postfix and Sendmail write `from HELO (name [address])`, Exim `from name ([address] helo=HELO)`.
_SEEN = re.compile(rf"\([^()=\s]{{0,255}} ?{_BRACKETED.pattern}")


def below(content: bytes) -> int:
    """Where the trace fields at the top end."""
    at = 0
    while found := _TRACE.match(content, at):
        at = found.end()
    return at


def message_id(content: bytes) -> bytes:
    """The Message-ID as it is written, b"" when there is none."""
    end = content.find(b"\r\n\r\n")
    found = _MESSAGE_ID.search(content, 0, end if end >= 0 else len(content))
    return found[1].strip() if found else b""


def digest(content: bytes) -> bytes:
    """What all copies of one mail have in common."""
    rest = memoryview(content)[below(content) :]
    if len(rest) > _LONG:
        return hashlib.blake2b(rest, digest_size=32).digest()
    found = hashlib.blake2b(digest_size=32)
    for first in range(0, len(rest), _PIECE):
        found.update(rest[first : first + _PIECE])
    return found.digest()


def origin(received: Sequence[str]) -> str:
    """The host that handed the mail to our own MTA: the address in its Received field, or "".

    `received` are the values top down, our own first; the MTA's is the one below it. What the MTA
    has seen itself stands in parentheses; a bracket before them is what the client calls itself.
    """
    for value in received[1:2]:
        came_from, _, _ = value.partition(" by ")
        found = _SEEN.search(came_from) or _BRACKETED.search(came_from)
        if found:
            return found[1]
    return ""
