"""Reads a mail to a bounce address: a report, a complaint, a machine's answer, or nothing of these.

The standards first (RFC 3464, RFC 5965), prose where there is no machine-readable part. Everything
in it is a stranger's word: it says nothing of who is meant until a key of ours does.
"""

from __future__ import annotations

import re
from dataclasses import replace

from listserv_py.bounces.cause import best_status, cause_of
from listserv_py.bounces.dsn import address_in, read_complaint, read_dsn
from listserv_py.bounces.prose import (
    Prose,
    is_challenge,
    is_vacation,
    prose_of,
    read_prose,
    reply_in,
)
from listserv_py.bounces.report import Kind, Report, Returned, quotable
from listserv_py.mail.fields import Field, read_header
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.words import to_text

_RETURNED = frozenset(
    {"message/rfc822", "text/rfc822-headers", "message/global", "message/global-headers"}
)
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,500}>")
_QUOTED_ID = re.compile(r"^[> \t]{0,10}Message-ID:[ \t]*(<[!-;=?-~]{1,500}>)", re.I | re.M)
_HEADER_MAX = 64_000
_MDN = "message/disposition-notification"


def read_report(message: Message) -> Report:
    """What became of which copy; a hostile mail takes a tenth of a second."""
    prose = prose_of(message)
    told = _by_standard(message, prose)
    found = _in_words(message, prose) if told is None else told
    if not found:
        return Report(found, told is not None)
    message_id, sender = _original(message)
    named = (replace(one, message_id=message_id, sender=one.sender or sender) for one in found)
    return Report(tuple(named), told is not None)


def _by_standard(message: Message, prose: Prose) -> tuple[Returned, ...] | None:
    """What a part for machines says; None where there is none."""
    complaint = read_complaint(message)
    if complaint is not None:
        return (complaint,)
    found = read_dsn(message)
    if found is not None and (found or message.root.content_type == "multipart/report"):
        told = (_with_reply(found[0], prose),) if len(found) == 1 else found
        return told or read_prose(message, prose)
    return None


def _with_reply(told: Returned, prose: Prose) -> Returned:
    """Some mailers give a status that says nothing, and the other side's reply in words only."""
    says_nothing = not told.text and told.status in {"", "4.0.0", "5.0.0"}
    if told.kind is not Kind.FAILED or not says_nothing:
        return told
    text = reply_in(prose)
    status = best_status(told.status, text)
    return replace(told, status=status, text=quotable(text), cause=cause_of(status, text))


def _in_words(message: Message, prose: Prose) -> tuple[Returned, ...] | None:
    if is_challenge(prose):
        return (Returned(Kind.CHALLENGE),)
    if is_vacation(message, prose):
        return (Returned(Kind.VACATION),)
    told = read_prose(message, prose)
    if not told and any(part.content_type == _MDN for part in message.root.walk()):
        return (Returned(Kind.DELIVERED),)
    return told or None


def _original(message: Message) -> tuple[str, str]:
    """The Message-ID and the envelope sender of what came back, "" where it does not show them."""
    for part in message.root.walk():
        if part.content_type in _RETURNED and part is not message.root:
            fields = _header_of(part)
            return _sane(_first(fields, "message-id")), address_in(_first(fields, "return-path"))
    found = _QUOTED_ID.search(message.text_to_read(_HEADER_MAX))
    return (found[1] if found else _sane(message.text("in-reply-to") or "")), ""


def _header_of(part: Part) -> tuple[Field, ...]:
    """The header of a mail that came back; some mailers encode it, against RFC 2046 5.2.1."""
    if part.encoding in {"base64", "quoted-printable"}:
        begin = replace(part, end=min(part.end, part.body_start + 2 * _HEADER_MAX))
        return read_header(begin.decoded()[:_HEADER_MAX]).fields
    end = min(part.end, part.body_start + _HEADER_MAX)
    return read_header(part.raw, part.body_start, end).fields


def _first(fields: tuple[Field, ...], name: str) -> str:
    return next((to_text(one.value) for one in fields if one.name == name), "")


def _sane(value: str) -> str:
    found = _MESSAGE_ID.search(value)
    return found[0] if found else ""
