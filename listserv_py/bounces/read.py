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
_VALUE_MAX = 2000
_CHECKS = frozenset({"authentication-results", "received-spf", "arc-authentication-results"})
_CHECKED = re.compile(r"(?:smtp\.mail(?:from)?|envelope-from)[ \t]*=[ \t]*\"?<?([^\s;<>\"]{3,320})")
_COMPLAINED_TO = "x-hmxmroriginalrecipient"
_LOOP_SUBJECT = re.compile(r"\s*complaint about message from \[?[0-9A-Fa-f.:]{3,45}\]?\s*$", re.I)
_MDN = "message/disposition-notification"


def read_report(message: Message) -> Report:
    """What became of which copy; a hostile mail takes a tenth of a second."""
    prose = prose_of(message)
    told = _by_standard(message, prose)
    found = _loops(message) or _in_words(message, prose) if told is None else told
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


def _loops(message: Message) -> tuple[Returned, ...] | None:
    """A complaint that is nothing but the mail itself, as Outlook's feedback loop sends it."""
    part = _enclosed(message)
    if part is None or part.content_type != "message/rfc822":
        return None
    whose = _first(_header_of(part), _COMPLAINED_TO)
    if not whose and not _LOOP_SUBJECT.match(message.subject):
        return None
    return (Returned(Kind.COMPLAINT, address_in(whose), text=quotable(message.subject)),)


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
    part = _enclosed(message)
    if part is not None:
        fields = _header_of(part)
        return _sane(_first(fields, "message-id")), _sender_of(fields)
    found = _QUOTED_ID.search(message.text_to_read(_HEADER_MAX))
    return (found[1] if found else _sane(message.text("in-reply-to") or "")), ""


def _enclosed(message: Message) -> Part | None:
    """The mail that came back, or its header."""
    parts = (one for one in message.root.walk() if one is not message.root)
    return next((one for one in parts if one.content_type in _RETURNED), None)


def _sender_of(fields: tuple[Field, ...]) -> str:
    """The envelope sender, as the last mailer or whoever checked SPF has noted it."""
    noted = address_in(_first(fields, "return-path"))
    checks = (to_text(one.value)[:_VALUE_MAX] for one in fields if one.name in _CHECKS)
    found = (_CHECKED.search(one) for one in checks)
    return noted or next((address_in(one[1]) for one in found if one), "")


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
