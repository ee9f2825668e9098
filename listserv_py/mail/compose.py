"""Mails that we write ourselves, and the one function that writes a header line.

Every header line of ours passes `header_line`, which refuses control characters, so that nothing
from outside can begin a line of its own; the finished head is counted once more.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from functools import lru_cache

from listserv_py.errors import Broken
from listserv_py.mail.mailbox import Mailbox

_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\x80-\x9f\u2028\u2029]")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]*")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~ -]+")
_FOLD_AT = 78
_LINE_MAX = 998
_WORD_BYTES = 39

TO_READER = "undisclosed-recipients:;"
"""In the place of an address that no header may hold."""

Fields = list[tuple[str, str]]


def header_line(name: str, value: str) -> bytes:
    """One header field, folded at blanks to 78 columns where that is possible (RFC 5322 2.2).

    `value` is ASCII, or a text whose non-ASCII words may become encoded words (RFC 2047): a phrase
    or unstructured text. Addresses come in through `address`, which encodes only the name.
    """
    if not _is_name(name) or not (value.isprintable() or not _CONTROL.search(value)):
        raise Broken(f"a header line {name!r} with characters that no header may hold")
    if not value.isascii():
        value = encoded(value)
    value = value.strip(" \t")
    if value and len(name) + len(value) + 2 <= _FOLD_AT:
        return f"{name}: {value}\r\n".encode("ascii")
    line, lines = f"{name}:", []
    for word in re.findall(r"[ \t]*[^ \t]+", value):
        piece = word if word[0] in " \t" else f" {word}"
        may_end = line.strip(" \t") and (not line.endswith(":") or len(line) > _FOLD_AT)
        if len(line) + len(piece) > _FOLD_AT and may_end:
            lines.append(line)
            line = ""
        line += piece
    lines.append(line)
    if max(map(len, lines)) > _LINE_MAX:
        raise Broken(f"a header line {name!r} that cannot be folded")
    return "\r\n".join(lines).encode("ascii") + b"\r\n"


@lru_cache(maxsize=100)
def _is_name(name: str) -> bool:
    return _NAME.fullmatch(name) is not None


def encoded(text: str) -> str:
    """Text as encoded words of at most 75 octets, UTF-8, never splitting a character (RFC 2047)."""
    words, chunk = [], b""
    for char in text:
        raw = char.encode("utf-8", "replace")
        if len(chunk) + len(raw) > _WORD_BYTES:
            words.append(chunk)
            chunk = b""
        chunk += raw
    words.append(chunk)
    return " ".join(f"=?utf-8?B?{base64.b64encode(word).decode('ascii')}?=" for word in words)


def address(name: str, mailbox: Mailbox | str) -> str:
    """`Name <local@domain>`, the name quoted or encoded as it needs."""
    name = " ".join(_CONTROL.sub(" ", name).split())
    if not name:
        return str(mailbox)
    if not name.isascii():
        name = encoded(name)
    elif not _ATOMS.fullmatch(name) or "=?" in name:
        name = '"' + re.sub(r'(["\\])', r"\\\1", name) + '"'
    return f"{name} <{mailbox}>"


def clean(text: str) -> str:
    """A text from outside as a header may quote it: controls become blanks."""
    return " ".join(_CONTROL.sub(" ", text).split())


@dataclass(frozen=True, slots=True)
class Enclosed:
    """A file that a mail carries; `content_type` and the plain ASCII `filename` are ours."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """One automatic mail of ours before it is bytes (RFC 3834).

    `attached`: a whole mail, carried as message/rfc822, or a file. `references`: message ids of
    what this mail answers, oldest first. `more`: further fields, in order.
    """

    sender: str
    to: str
    subject: str
    body: str
    date: datetime
    message_id: str
    auto_submitted: str = "auto-generated"
    references: tuple[str, ...] = ()
    attached: bytes | Enclosed | None = None
    more: Sequence[tuple[str, str]] = field(default_factory=tuple)


def compose(draft: Draft) -> bytes:
    """The mail, CRLF line ends, every line at most 998 octets."""
    fields = [
        ("From", draft.sender),
        ("To", draft.to),
        ("Subject", clean(draft.subject)),
        ("Date", _date(draft.date.replace(microsecond=0))),
        ("Message-ID", draft.message_id),
        *((("In-Reply-To", draft.references[-1]),) if draft.references else ()),
        *((("References", " ".join(draft.references)),) if draft.references else ()),
        ("Auto-Submitted", draft.auto_submitted),
        ("X-Auto-Response-Suppress", "All"),
        *draft.more,
        ("MIME-Version", "1.0"),
    ]
    text_fields, text = _text(draft.body)
    if draft.attached is None:
        return _finished(fields + text_fields, text)
    return _finished(*_with_attached(draft, fields, text_fields, text))


@lru_cache(maxsize=2)
def _date(moment: datetime) -> str:
    """The same for all mails of a second."""
    return format_datetime(moment)


def _with_attached(
    draft: Draft, fields: Fields, text_fields: Fields, text: bytes
) -> tuple[Fields, bytes]:
    """The mail's fields and body when it carries another mail whole, or a file."""
    attached_fields, attached = _carried(draft.attached or b"")
    boundary = _boundary(draft.message_id, text + attached)
    eight = "7bit" if attached.isascii() and text.isascii() else "8bit"
    mark = b"--" + boundary.encode("ascii")
    body = b"\r\n".join(
        (
            mark,
            _head(text_fields) + text,
            mark,
            _head(attached_fields) + attached,
            mark + b"--",
            b"",
        )
    )
    multipart = [
        ("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
        ("Content-Transfer-Encoding", eight),
    ]
    return fields + multipart, body


def _carried(attached: bytes | Enclosed) -> tuple[Fields, bytes]:
    """The fields and the content of the second part."""
    if isinstance(attached, Enclosed):
        disposition = f'attachment; filename="{attached.filename}"'
        fields = [
            ("Content-Type", attached.content_type),
            ("Content-Disposition", disposition),
            ("Content-Transfer-Encoding", "base64"),
        ]
        return fields, base64.encodebytes(attached.content).replace(b"\n", b"\r\n")
    fields = [("Content-Type", "message/rfc822"), ("Content-Disposition", "attachment")]
    if not attached.isascii():
        fields.append(("Content-Transfer-Encoding", "8bit"))
    return fields, attached


def _head(fields: Fields) -> bytes:
    return b"".join(header_line(name, value) for name, value in fields) + b"\r\n"


def _finished(fields: Fields, body: bytes) -> bytes:
    head = _head(fields)
    folds = head.count(b"\r\n ") + head.count(b"\r\n\t")
    begun = head.count(b"\r\n") - folds - 1
    if begun != len(fields):
        raise Broken("a head with more lines than were written")
    return head + body


def _text(body: str) -> tuple[Fields, bytes]:
    """Body text as UTF-8: 7bit or 8bit as it is, quoted-printable when a line is too long."""
    lines = body.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").rstrip("\n")
    raw = lines.replace("\n", "\r\n").encode("utf-8", "replace") + b"\r\n"
    encoding = "7bit" if raw.isascii() else "8bit"
    if max(map(len, raw.split(b"\r\n"))) > _LINE_MAX:
        encoding = "quoted-printable"
        unix = raw.replace(b"\r\n", b"\n")
        raw = quopri.encodestring(unix).replace(b"\n", b"\r\n")
    return [
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ], raw


def _boundary(message_id: str, content: bytes) -> str:
    """A boundary that occurs nowhere inside; made of the mail's own id, so it is the same again."""
    stem = "part-" + re.sub(r"[^A-Za-z0-9]", "", message_id)[:40]
    number = 0
    while f"--{stem}{number}".encode("ascii") in content:
        number += 1
    return f"{stem}{number}"
