"""A person taken out of archived mail: his own mails become bare text, others lose his address.

What is kept of his own mails is their text without his name and address; attachments and his header
fields go, for nobody can look into them. In mail of others only what names him changes, in whatever
transfer encoding it stands; that breaks a signature over the body, as it must.
"""

from __future__ import annotations

import base64
import quopri
import re
from collections.abc import Callable
from datetime import datetime
from email.utils import format_datetime

from listserv_py.mail import charsets
from listserv_py.mail.archived import readable
from listserv_py.mail.compose import clean, encoded, header_line
from listserv_py.mail.fields import Field
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.words import to_text

SOMEBODY = "erased@erased.invalid"
NOBODY = "(erased)"
NAME_MIN = 3

_SEALS = frozenset(("dkim-signature", "arc-seal", "arc-message-signature"))
_ENCODED = r"=\?[!->@-~]{1,80}\?[BbQq]\?[!->@-~]{0,2000}\?="
_ENCODED_WORDS = re.compile(rf"{_ENCODED}(?:[ \t\r\n]+{_ENCODED})*")


def finder(mailbox: Mailbox, names: frozenset[str] = frozenset()) -> re.Pattern[str]:
    """Finds the address however its domain is written, and the names, in any case."""
    found = [rf"(?<![\w.+-]){re.escape(one)}(?![\w-]|\.\w)" for one in spellings(mailbox)]
    words = [rf"(?<!\w){re.escape(name)}(?!\w)" for name in names if len(name) >= NAME_MIN]
    longest_first = sorted(words, key=len, reverse=True)
    return re.compile("|".join([*found, *longest_first]), re.IGNORECASE)


def spellings(mailbox: Mailbox) -> tuple[str, ...]:
    """The address as we write it, and where its domain is international as people write it."""
    written = str(mailbox)
    local, _, domain = written.rpartition("@")
    shown = ".".join(map(_as_people_write, domain.split(".")))
    return (written,) if shown == domain else (written, f"{local}@{shown}")


def _as_people_write(label: str) -> str:
    if not label.startswith("xn--"):
        return label
    try:
        return label[len("xn--") :].encode("ascii").decode("punycode")
    except UnicodeError:
        return label


def forgetter(found: re.Pattern[str]) -> Callable[[str], str]:
    """Replaces what a finder finds."""

    def word(match: re.Match[str]) -> str:
        return SOMEBODY if "@" in match[0] else NOBODY

    return lambda text: found.sub(word, text)


def bare(message: Message, forget: Callable[[str], str], when: datetime) -> bytes:
    """His own mail: its text, its subject and its date, and nothing that names him."""
    text = "\n\n".join(readable(message.root)).strip("\n")
    body = forget(text).replace("\n", "\r\n").encode("utf-8", "replace")
    fields = (
        ("From", f"{NOBODY[1:-1]} <{SOMEBODY}>"),
        ("Subject", clean(forget(message.subject))),
        ("Date", format_datetime(when)),
        ("MIME-Version", "1.0"),
        ("Content-Type", "text/plain; charset=utf-8"),
        ("Content-Transfer-Encoding", "8bit"),
    )
    head = b"".join(header_line(name, value) for name, value in fields)
    return head + b"\r\n" + body + b"\r\n"


def without(message: Message, found: re.Pattern[str]) -> bytes:
    """Somebody else's mail without what the finder finds; the same bytes where it finds nothing."""
    forget = forgetter(found)
    pieces, at = [_header(message.fields, found, forget)], message.header_end
    is_changed = pieces[0] != message.raw[: message.header_end]
    for part in _leaves(message.root):
        new = _recoded(part, forget)
        if new is not None:
            pieces += [message.raw[at : part.body_start], new]
            at, is_changed = part.end, True
    return b"".join([*pieces, message.raw[at:]]) if is_changed else message.raw


def _leaves(part: Part) -> list[Part]:
    """The parts without parts, those of forwarded mails as well."""
    if not part.children:
        return [part]
    return [leaf for child in part.children for leaf in _leaves(child)]


def _header(
    fields: tuple[Field, ...], found: re.Pattern[str], forget: Callable[[str], str]
) -> bytes:
    kept = []
    for one in fields:
        value = to_text(one.value)
        if not found.search(value):
            kept.append(one.raw)
        elif one.name not in _SEALS:
            kept.append(_replaced(one, value, forget))
    return b"".join(kept)


def _replaced(one: Field, value: str, forget: Callable[[str], str]) -> bytes:
    """In place where it stands in plain sight, for a field may hold more than one address."""

    def word(match: re.Match[str]) -> str:
        said = to_text(" ".join(match[0].split()).encode("ascii"))
        told = forget(said)
        if told == said:
            return match[0]
        return told if told.isascii() else encoded(told)

    def words(text: str) -> str:
        return forget(_ENCODED_WORDS.sub(word, text))

    plain = _changed(one.raw, "utf-8", words)
    if plain != one.raw:
        return plain
    name = one.raw.partition(b":")[0].strip().decode("ascii")
    return header_line(name, clean(forget(value)))


def _recoded(part: Part, forget: Callable[[str], str]) -> bytes | None:
    """The part's content without him, coded as it was; None where he does not stand in it."""
    if not part.content_type.startswith("text/"):
        return None
    decoded = part.decoded()
    raw = _changed(decoded, part.charset, forget)
    if raw == decoded:  # so it is, too, in a charset in which no ASCII stands: see known-issues
        return None
    if part.encoding == "base64":
        return base64.encodebytes(raw).replace(b"\n", b"\r\n").rstrip(b"\r\n")
    if part.encoding == "quoted-printable":
        unix = raw.replace(b"\r\n", b"\n")
        return quopri.encodestring(unix).replace(b"\n", b"\r\n")
    return raw


def _changed(data: bytes, label: str, change: Callable[[str], str]) -> bytes:
    """Text changed in its charset, or in UTF-8, if all else stays to the byte; else its ASCII."""
    for one in (label, "utf-8"):
        text = charsets.decode(data, one)
        if charsets.encode(text, one) == data:
            return charsets.encode(change(text), one)
    return change(data.decode("latin-1")).encode("latin-1")
