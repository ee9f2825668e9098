"""Content put into a transfer encoding of ours, where the author's own cannot stay (RFC 2045 6)."""

from __future__ import annotations

import base64
import quopri
import re

from listserv_py.mail.splice import LINE_MAX

QUOTED_PRINTABLE = "quoted-printable"
BASE64 = "base64"

_NOT_ASCII = re.compile(rb"[\x80-\xff]")


def has_long_line(raw: bytes, start: int = 0, end: int | None = None) -> bool:
    """Whether a line has over 998 octets (RFC 5322 2.1.1)."""
    end = len(raw) if end is None else end
    while end - start > LINE_MAX:
        # From the begin of a line to the last one that begins within its reach: few steps a page.
        window = start, start + LINE_MAX + 1
        last = max(raw.rfind(b"\n", *window), raw.rfind(b"\r", *window))
        if last < 0:
            return True
        start = last + 1
    return False


def encode_text(data: bytes) -> tuple[str, bytes]:
    """The encoding that fits a text with CRLF line ends: none where it can be, and readable."""
    if data.isascii() and not has_long_line(data):
        return "7bit", data
    if len(_NOT_ASCII.findall(data)) * 2 > len(data):
        return BASE64, encode(data, BASE64)
    return QUOTED_PRINTABLE, encode(data, QUOTED_PRINTABLE)


def encode(data: bytes, encoding: str) -> bytes:
    """Data in base64 or quoted-printable, CRLF line ends."""
    if encoding == BASE64:
        return base64.encodebytes(data).replace(b"\n", b"\r\n")
    return quopri.encodestring(data.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
