"""Reads reports by the standard: delivery status (RFC 3464, RFC 6533) and abuse (RFC 5965).

Only the machine-readable part counts here; prose is `prose.py`'s.
"""

from __future__ import annotations

import re

from listserv_py.bounces.cause import best_status, cause_of
from listserv_py.bounces.report import Kind, Returned, quotable
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part

RECIPIENTS_MAX = 50
STATUS_MAX = 64_000
_STATUS_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_FEEDBACK = "message/feedback-report"
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FOLD = re.compile(r"\n[ \t]+")
_FIELD = re.compile(r"^([A-Za-z-]{1,60})[ \t]*:[ \t]*(.*)$")
_ADDRESS = re.compile(r"[^\s<>@;,\"]{1,64}@[^\s<>@;,\"]{1,255}")
_TYPE = re.compile(r"^[A-Za-z0-9-]{1,40}[ \t]*;[ \t]*")
"""What the diagnostic is in the words of (RFC 3464 2.1.2): of no interest to who reads it."""
_KINDS = {
    "failed": Kind.FAILED,
    "failure": Kind.FAILED,
    "delayed": Kind.DELAYED,
    "delivered": Kind.DELIVERED,
    "relayed": Kind.DELIVERED,
    "expanded": Kind.DELIVERED,
}


def read_dsn(message: Message) -> tuple[Returned, ...] | None:
    """What a delivery report says, recipient by recipient; None when the mail is none."""
    part = next((one for one in message.root.walk() if one.content_type in _STATUS_TYPES), None)
    if part is None:
        return None
    groups = [_fields(group) for group in _BLANK_LINE.split(_text(part))[: RECIPIENTS_MAX + 1]]
    found = [_returned(group) for group in groups]
    return tuple(one for one in found if one is not None)


def read_complaint(message: Message) -> Returned | None:
    """What an abuse report says; None when the mail is none, or speaks of something else."""
    part = next((one for one in message.root.walk() if one.content_type == _FEEDBACK), None)
    if part is None:
        return None
    fields = _fields(_text(part))
    if fields.get("feedback-type", "").strip().lower() not in {
        "abuse",
        "fraud",
        "opt-out",
        "miscategorized",
    }:
        return Returned(Kind.DELIVERED)
    address = address_in(fields.get("original-rcpt-to", ""))
    return Returned(
        Kind.COMPLAINT,
        address=address,
        text=quotable(f"{fields.get('feedback-type', '')}: {fields.get('user-agent', '')}"),
        sender=address_in(fields.get("original-mail-from", "")),
    )


def address_in(value: str) -> str:
    """The address in a field's value, "" when there is none."""
    found = _ADDRESS.search(value[:1000])
    return found[0].rstrip(".") if found else ""


def _text(part: Part) -> str:
    text = part.decoded()[:STATUS_MAX].decode("utf-8", "replace")
    if not text.strip() and part.children:
        text = part.raw[part.body_start : part.end][:STATUS_MAX].decode("utf-8", "replace")
    return text.replace("\r\n", "\n").strip("\n")


def _fields(group: str) -> dict[str, str]:
    """The fields of one group by lower-case name, folds undone, the first of each name."""
    fields: dict[str, str] = {}
    for line in _FOLD.sub(" ", group).split("\n"):
        field = _FIELD.match(line)
        if field:
            fields.setdefault(field[1].lower(), field[2].strip())
    return fields


def _returned(fields: dict[str, str]) -> Returned | None:
    """The group of one recipient; the first group of a report, which has no Action, is none."""
    word = re.split(r"[\s(;]", fields.get("action", "").strip(), maxsplit=1)[0].lower()
    kind = _KINDS.get(word)
    if kind is None:
        return None
    found = _STATUS.search(fields.get("status", ""))
    text = _TYPE.sub("", fields.get("diagnostic-code", ""))
    status = best_status(found[0] if found else "", text)
    original = address_in(fields.get("original-recipient", ""))
    return Returned(
        kind,
        address=original or address_in(fields.get("final-recipient", "")),
        status=status,
        text=quotable(text),
        cause=cause_of(status, text),
    )
