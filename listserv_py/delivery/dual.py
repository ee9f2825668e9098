"""DUALhdr: the main header lines once more on top of the text, for mailers that show none.

They go into the first text/plain part that is read; HTML and signed parts are not touched.
"""

from __future__ import annotations

from listserv_py.delivery.relabel import SEALED, in_utf_8, replaced
from listserv_py.delivery.transfer import BASE64, QUOTED_PRINTABLE, encode, encode_text
from listserv_py.mail.charsets import decode
from listserv_py.mail.charsets import encode as to_charset
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import Fields, joined

SHOWN = ("Date", "From", "To", "Subject")
WIDTH = 200


def with_dual_header(message: Message) -> bytes:
    """The mail with its Date, From, To and Subject as the first lines of its text."""
    part = _first_text(message.root)
    if part is None:
        return message.raw
    lines = [f"{name}: {text[:WIDTH]}" for name in SHOWN if (text := message.text(name))]
    text = "\n".join((*lines, "", "")).replace("\n", "\r\n")
    fields, content = _prefixed(part, text)
    head = joined(fields) + b"\r\n"
    return message.raw[: part.start] + head + content + message.raw[part.end :]


def _first_text(part: Part) -> Part | None:
    if part.content_type in SEALED:
        return None
    if part.is_multipart:
        return next((one for one in map(_first_text, part.children) if one is not None), None)
    is_text = part.content_type == "text/plain" and part.disposition != "attachment"
    return part if is_text else None


def _prefixed(part: Part, text: str) -> tuple[Fields, bytes]:
    """The part behind the text: as it is, but in UTF-8 where its charset lacks a letter of it."""
    lines, fields = to_charset(text, part.charset), part.fields
    if decode(lines, part.charset) == text:
        encoding, content = _in_its_charset(part, lines)
    else:
        fields = replaced(fields, "Content-Type", in_utf_8(part))
        whole = text + decode(part.decoded(), part.charset)
        encoding, content = encode_text(whole.encode("utf-8"))
    if encoding != part.encoding:
        fields = replaced(fields, "Content-Transfer-Encoding", encoding)
    return fields, content


def _in_its_charset(part: Part, lines: bytes) -> tuple[str, bytes]:
    """The encoding and the content behind the lines, in the part's own encoding if that can be."""
    if part.encoding == QUOTED_PRINTABLE:
        return part.encoding, encode(lines, QUOTED_PRINTABLE) + part.content
    if part.encoding == BASE64:
        return part.encoding, encode(lines + part.decoded(), BASE64)
    if lines.isascii() or part.encoding in ("8bit", "binary"):
        return part.encoding, lines + part.content
    return encode_text(lines + part.content)
