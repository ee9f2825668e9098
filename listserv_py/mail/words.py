"""Header values to text: encoded words undone (RFC 2047), and no controls.

What comes out is for reading and comparing, never for writing back: decoded words may have held CR
and LF, which are blanks here, as are all other controls and the marks that turn the direction of
writing.
"""

from __future__ import annotations

import base64
import binascii
import re

from listserv_py.mail.charsets import decode

_WORD = re.compile(
    r"=\?([!-)+->@-~]{1,60})(?:\*[A-Za-z0-9-]{0,20})?\?([BbQq])\?([!->@-~]{0,2000})\?="
)
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")


def to_text(value: bytes) -> str:
    """An unfolded field value as text on one line."""
    return printable(decode_words(decode(value, "")))


def printable(text: str) -> str:
    """Text without controls; blanks stand where they stood."""
    return (text if text.isprintable() else _CONTROL.sub(" ", text)).strip()


def decode_words(text: str) -> str:
    """Encoded words replaced by what they mean; a blank between two is none (RFC 2047 6.2)."""
    if "=?" not in text:
        return text
    out: list[str] = []
    pending: tuple[str, bytes] | None = None  # joined first: mailers cut characters in two
    at = 0
    for found in _WORD.finditer(text):
        between = text[at : found.start()]
        label, data = found[1], _word_bytes(found[2], found[3])
        if pending and not between.strip(" \t") and pending[0].lower() == label.lower():
            pending = label, pending[1] + data
        else:
            if pending:
                out.append(decode(pending[1], pending[0]))
                between = between if between.strip(" \t") else ""
            out.append(between)
            pending = label, data
        at = found.end()
    if pending:
        out.append(decode(pending[1], pending[0]))
    return "".join((*out, text[at:]))


def _word_bytes(encoding: str, payload: str) -> bytes:
    raw = payload.encode("ascii")
    if encoding in "Bb":
        return decode_base64(raw)
    return binascii.a2b_qp(raw, header=True)


def decode_base64(raw: bytes) -> bytes:
    """What can be read of a base64 text, strays and missing padding forgiven."""
    letters = _NOT_BASE64.sub(b"", raw)
    rest = len(letters) % 4
    if rest == 1:
        letters, rest = letters[:-1], 0
    return base64.b64decode(letters + b"=" * (-rest % 4))
