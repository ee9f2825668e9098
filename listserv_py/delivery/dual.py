"""DUALhdr: the main header lines once more on top of the text, for mailers that show none.

They go into the first text/plain part that is read; HTML and signed parts are not touched.
"""

from __future__ import annotations

from listserv_py.delivery.transfer import BASE64, QUOTED_PRINTABLE, encode, encode_text
from listserv_py.mail.charsets import encode as to_charset
from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import Fields, joined, new_field

SHOWN = ("Date", "From", "To", "Subject")
WIDTH = 200

_SEALED = frozenset(
    f"multipart/{one}" for one in ("signed", "encrypted", "digest", "report", "appledouble")
)


def with_dual_header(message: Message) -> bytes:
    """The mail with its Date, From, To and Subject as the first lines of its text."""
    part = _first_text(message.root)
    if part is None:
        return message.raw
    lines = [f"{name}: {text[:WIDTH]}" for name in SHOWN if (text := message.text(name))]
    text = "\n".join((*lines, "", "")).replace("\n", "\r\n")
    encoding, content = _prefixed(part, to_charset(text, part.charset))
    fields = part.fields if encoding == part.encoding else _labelled(part.fields, encoding)
    head = joined(fields) + b"\r\n"
    return message.raw[: part.start] + head + content + message.raw[part.end :]


def _first_text(part: Part) -> Part | None:
    if part.content_type in _SEALED:
        return None
    if part.is_multipart:
        return next((one for one in map(_first_text, part.children) if one is not None), None)
    is_text = part.content_type == "text/plain" and part.disposition != "attachment"
    return part if is_text else None


def _prefixed(part: Part, lines: bytes) -> tuple[str, bytes]:
    """The part's content behind the lines, in its own encoding where that can be."""
    if part.encoding == QUOTED_PRINTABLE:
        return part.encoding, encode(lines, QUOTED_PRINTABLE) + part.content
    if part.encoding == BASE64:
        return part.encoding, encode(lines + part.decoded(), BASE64)
    if lines.isascii() or part.encoding in ("8bit", "binary"):
        return part.encoding, lines + part.content
    return encode_text(lines + part.content)


def _labelled(fields: Fields, encoding: str) -> Fields:
    name = "content-transfer-encoding"
    new: tuple[Field, ...] = (new_field("Content-Transfer-Encoding", encoding),)
    return (*(one for one in fields if one.name != name), *new)
