"""Makes a mail fit its way: no line over 998 octets, only ASCII for hosts without 8BITMIME.

Only parts that do not fit are encoded anew. Long lines stay in what is signed or encrypted:
encoding would break it for certain, the line perhaps. Eight-bit octets cannot stay anywhere on a
seven-bit way (RFC 6152 3).
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.delivery import asciiheader
from listserv_py.delivery.transfer import (
    BASE64,
    QUOTED_PRINTABLE,
    encode,
    encode_text,
    has_long_line,
)
from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import LINE_MAX, Fields, joined, new_field, with_short_lines

_SEALED = frozenset(("multipart/signed", "multipart/encrypted"))
_EIGHT_BIT = frozenset(("8bit", "binary"))


def fit(message: Message, *, seven_bit: bool) -> bytes:
    """The same bytes when they fit, else the mail with as little encoded anew as will do."""
    raw = message.raw
    if not has_long_line(raw) and not (seven_bit and not raw.isascii()):
        return raw
    fitter = _Fitter(raw, seven_bit)
    fitter.part(message.root)
    return fitter.fitted()


@dataclass(frozen=True, slots=True)
class _Edit:
    start: int
    end: int
    new: bytes


class _Fitter:
    """Walks the tree and notes what to put where."""

    def __init__(self, raw: bytes, seven_bit: bool) -> None:
        self._raw = raw
        self._seven_bit = seven_bit
        self._edits: list[_Edit] = []

    def part(self, part: Part) -> None:
        """Fit one part and all below it, also inside a forwarded mail."""
        if part.content_type in _SEALED and not self._is_hopeless(part):
            self._header(part, part.fields)
        elif part.children:
            self._header(part, self._unlabelled(part.fields))
            at = part.body_start
            for child in part.children:
                self._gap(at, child.start)
                self.part(child)
                at = child.end
            self._gap(at, part.end)
        elif self._fits(part.body_start, part.end):
            self._header(part, part.fields)
        elif part.content_type.startswith(("message/", "multipart/")):
            self._header(part, self._unlabelled(part.fields))
            self._gap(part.body_start, part.end)
        else:
            self._encode(part)

    def fitted(self) -> bytes:
        """The raw mail with all edits made."""
        out: list[bytes] = []
        at = 0
        for edit in self._edits:
            out += (self._raw[at : edit.start], edit.new)
            at = edit.end
        return b"".join((*out, self._raw[at:]))

    def _is_hopeless(self, part: Part) -> bool:
        """Whether what is signed must be broken: it has eight bits and the way has seven."""
        return self._seven_bit and not part.content.isascii()

    def _fits(self, start: int, end: int) -> bool:
        if has_long_line(self._raw, start, end):
            return False
        return not self._seven_bit or self._raw[start:end].isascii()

    def _encode(self, part: Part) -> None:
        data = part.decoded()
        if part.encoding in (BASE64, QUOTED_PRINTABLE):
            encoding, content = part.encoding, encode(data, part.encoding)
        elif part.content_type.startswith("text/"):
            encoding, content = encode_text(data)
        else:
            encoding, content = BASE64, encode(data, BASE64)
        self._header(part, _labelled(part.fields, encoding))
        self._edits.append(_Edit(part.body_start, part.end, content))

    def _unlabelled(self, fields: Fields) -> Fields:
        """A composite part's header: no longer 8bit when nothing in it is (RFC 2045 6.4)."""
        if not self._seven_bit:
            return fields
        return tuple(_seven(one) for one in fields)

    def _header(self, part: Part, fields: Fields) -> None:
        """Note the header of a part when it is not as it was."""
        end = part.start + sum(len(one.raw) for one in part.fields)
        ready = tuple(self._ready(one) for one in fields)
        if ready != part.fields:
            behind = b"\r\n" if end == part.body_start else b""
            self._edits.append(_Edit(part.start, end, joined(ready) + behind))

    def _ready(self, one: Field) -> Field:
        if self._seven_bit and not one.raw.isascii():
            one = asciiheader.in_ascii(one)
        return with_short_lines(one)

    def _gap(self, start: int, end: int) -> None:
        """What stands between parts and is no part: boundaries, and words for old mailers."""
        if not self._fits(start, end):
            self._edits.append(_Edit(start, end, self._wrapped(self._raw[start:end])))

    def _wrapped(self, text: bytes) -> bytes:
        if self._seven_bit:
            text = text.decode("ascii", "replace").replace("\ufffd", "?").encode("ascii")
        pieces = (
            line[at : at + LINE_MAX]
            for line in text.split(b"\r\n")
            for at in range(0, max(len(line), 1), LINE_MAX)
        )
        return b"\r\n".join(pieces)


def _labelled(fields: Fields, encoding: str) -> Fields:
    """A part's header with another transfer encoding."""
    name = "content-transfer-encoding"
    new = new_field("Content-Transfer-Encoding", encoding)
    if not any(one.name == name for one in fields):
        return (*fields, new)
    return tuple(new if one.name == name else one for one in fields)


def _seven(one: Field) -> Field:
    if one.name != "content-transfer-encoding":
        return one
    value = one.value.decode("ascii", "replace").lower()
    return new_field("Content-Transfer-Encoding", "7bit") if value in _EIGHT_BIT else one
