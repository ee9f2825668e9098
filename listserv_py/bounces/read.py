"""Reads a returned mail: the delivery report of RFC 3464 and, for other alphabets, RFC 6533.

Only what a report says in its machine-readable part counts; prose is not guessed at. Everything in
it is a stranger's word: a report says nothing of who is meant until a key of ours does.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from listserv_py.mail.message import Message

RECIPIENTS_MAX = 50
TEXT_MAX = 300
_TYPES = frozenset({"message/delivery-status", "message/global-delivery-status"})
_STATUS = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", re.ASCII)
_BLANK_LINE = re.compile(r"\n[ \t]*\n")
_FIELD = re.compile(r"^([A-Za-z-]{1,60})[ \t]*:[ \t]*(.*)$")


class Action(StrEnum):
    """What a report says became of a copy (RFC 3464 2.3.3)."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    RELAYED = "relayed"
    EXPANDED = "expanded"


@dataclass(frozen=True, slots=True)
class Returned:
    """What a report says of one recipient; `status` is "" when it names none."""

    action: Action
    status: str
    text: str


def read_report(message: Message) -> tuple[Returned, ...] | None:
    """What a delivery report says, recipient by recipient; None when the mail is no report."""
    part = next((one for one in message.root.walk() if one.content_type in _TYPES), None)
    if part is None:
        return None
    text = part.decoded().decode("utf-8", "replace").replace("\r\n", "\n")
    groups = [_fields(group) for group in _BLANK_LINE.split(text.strip("\n"))]
    found = [_returned(group) for group in groups[: RECIPIENTS_MAX + 1]]
    return tuple(one for one in found if one is not None)


def _fields(group: str) -> dict[str, str]:
    """The fields of one group by lower-case name, folds undone, the first of each name."""
    fields: dict[str, str] = {}
    for line in re.sub(r"\n[ \t]+", " ", group).split("\n"):
        field = _FIELD.match(line)
        if field:
            fields.setdefault(field[1].lower(), field[2].strip())
    return fields


def _returned(fields: dict[str, str]) -> Returned | None:
    """The group of one recipient; the first group of a report, which has no Action, is none."""
    word = fields.get("action", "").partition(" ")[0].lower()
    if word not in set(Action):
        return None
    status = _STATUS.search(fields.get("status", ""))
    text = fields.get("diagnostic-code", "")
    printable = "".join(char if char.isprintable() else " " for char in text)
    return Returned(Action(word), status[0] if status else "", printable[:TEXT_MAX])
