"""A mail as an archive sees it: what is noted of it, what a search finds, what readers are shown.

The bytes are kept as they came; everything here is made from them, and made anew when it is needed.
Nothing raises, whatever the bytes are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from listserv_py.mail.fields import Field
from listserv_py.mail.htmltext import strip_tags
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.words import to_text

BODY_MAX = 100_000
"""Characters of a mail that are searched."""
PEOPLE_MAX = 10_000
SUBJECT_MAX = 500
NAME_MAX = 100

_PEOPLE = ("from", "sender", "reply-to", "to", "cc")
_TRACE = frozenset(
    {
        *("return-path", "received", "delivered-to", "x-original-to", "x-envelope-to"),
        *("envelope-to", "bcc", "resent-bcc", "approved", "errors-to", "return-receipt-to"),
        *("disposition-notification-to", "x-confirm-reading-to", "x-originating-ip"),
        *("x-sender-ip", "authentication-results", "received-spf"),
    }
)
"""What no reader is shown: how the mail came to us, and what was meant for us alone."""
_SHORT = frozenset(
    {
        *("date", "from", "sender", "reply-to", "to", "cc", "subject", "message-id"),
        *("in-reply-to", "references", "mime-version", "content-type", "content-language"),
        *("content-transfer-encoding", "content-disposition"),
    }
)
_FROM_LINE = re.compile(rb"^(?=>*From )", re.MULTILINE)
_NOT_IN_FROM = re.compile(r"[^!-~]")
_EARLIEST = datetime(1970, 1, 2, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Noted:
    """What an archive's index says of a mail; `key` is the author's, "" where there is no one."""

    key: str
    address: str
    name: str
    subject: str
    lines: int
    size: int


def noted(message: Message) -> Noted:
    """What stands in the index."""
    author = message.author
    return Noted(
        key=author.mailbox.key if author else "",
        address=str(author.mailbox) if author else "",
        name=(author.name if author else message.text("from") or "")[:NAME_MAX],
        subject=message.subject[:SUBJECT_MAX],
        lines=message.body.count(b"\n"),
        size=len(message.raw),
    )


def date_of(message: Message, latest: datetime) -> datetime | None:
    """When its author says that he wrote it, UTC; None where that cannot be."""
    try:
        when = parsedate_to_datetime(message.text("date") or "")
        when = (when.replace(tzinfo=UTC) if when.tzinfo is None else when).astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return possible(when, latest)


def possible(when: datetime | None, latest: datetime) -> datetime | None:
    """A time at which mail can have been written, else None."""
    return when if when is not None and _EARLIEST <= when <= latest else None


def people_of(message: Message) -> str:
    """Everybody whom its header names, as text."""
    named = (message.text(name) for name in _PEOPLE)
    return " ".join(filter(None, named))[:PEOPLE_MAX]


def words_of(message: Message) -> str:
    """All that it says in text: of HTML only where there is no plain text beside it."""
    found: list[str] = []
    room = BODY_MAX
    for text in _texts(message.root):
        found.append(text[:room])
        room -= len(found[-1])
        if room <= 0:
            break
    return "\n".join(found)


def _texts(part: Part) -> Iterator[str]:
    if part.filename:
        yield part.filename
    if part.content_type == "multipart/alternative" and part.children:
        yield from _best(part)
    elif part.children:
        for child in part.children:
            yield from _texts(child)
    elif part.disposition != "attachment":
        yield from _own(part)


def _best(part: Part) -> Iterator[str]:
    """Of one text in several forms the plainest that says anything."""
    choices = sorted(part.children, key=lambda one: one.content_type != "text/plain")
    for child in choices:
        texts = [text for text in _texts(child) if text.strip()]
        if texts:
            yield from texts
            return


def _own(part: Part) -> Iterator[str]:
    if part.content_type in ("text/html", "application/xhtml+xml"):
        yield strip_tags(part.as_text())
    elif part.content_type.startswith("text/"):
        yield part.as_text()


def shown(message: Message, *, full: bool) -> bytes:
    """The mail as readers get it: without its trace, or with the author's own fields only."""

    def is_wanted(one: Field) -> bool:
        return one.name not in _TRACE if full else one.name in _SHORT

    head = b"".join(one.raw for one in message.fields if is_wanted(one))
    return head + message.raw[message.header_end :]


def mbox_entry(raw: bytes, address: str, when: datetime) -> bytes:
    """One mail of an mbox file, LF line ends, as mboxrd quotes it (RFC 4155 knows no quoting)."""
    sender = _NOT_IN_FROM.sub("_", address) or "MAILER-DAEMON"
    text = _FROM_LINE.sub(b">", raw.replace(b"\r\n", b"\n"))
    end = b"\n" if text.endswith(b"\n") else b"\n\n"
    return f"From {sender} {when:%a %b %e %H:%M:%S %Y}\n".encode() + text + end


def as_text(message: Message, *, full: bool) -> str:
    """The mail for reading: its header in words, its text, and what else was in it."""
    names = ("Date", "From", "Reply-To", "To", "Cc", "Subject", "Message-ID", "In-Reply-To")
    rows = [(name, message.text(name)) for name in names]
    if full:
        fields = [one for one in message.fields if one.name not in _TRACE]
        rows = [(one.name.title(), to_text(one.value)) for one in fields]
    head = "\n".join(f"{name}: {value}" for name, value in rows if value)
    body = "\n\n".join(readable(message.root)).strip("\n")
    return f"{head}\n\n{body}"


def readable(part: Part) -> Iterator[str]:
    """Its text as people read it, and a line for whatever else is in it."""
    if part.content_type == "multipart/alternative" and part.children:
        best = next((one for one in part.children if one.content_type == "text/plain"), None)
        yield from readable(best or part.children[-1])
    elif part.children:
        for child in part.children:
            yield from readable(child)
    elif part.disposition == "attachment" or not part.content_type.startswith("text/"):
        named = f"{part.filename}, " if part.filename else ""
        yield f"[{named}{part.content_type}, {len(part.content)} bytes]"
    else:
        yield "\n".join(_own(part)).strip("\n")
