"""What a mail to a bounce address turns out to be: one frozen value for each person it names.

Everything in it is a stranger's word: it says nothing of who is meant until a key of ours does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listserv_py.bounces.cause import Cause

TEXT_MAX = 300


class Kind(StrEnum):
    """What became of a copy, or who wrote instead of a mailer."""

    FAILED = "failed"
    DELAYED = "delayed"
    DELIVERED = "delivered"
    """Good news: delivered, relayed, expanded, or read."""
    COMPLAINT = "complaint"
    """An abuse report of the recipient's provider (RFC 5965)."""
    VACATION = "vacation"
    """A recipient's automatic answer."""
    CHALLENGE = "challenge"
    """A machine wants the sender to prove that he is a human."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail says of one recipient; a string is "" where it says nothing.

    `message_id` is that of the mail that came back, with its brackets. `cause` counts for FAILED.
    `sender` is the envelope sender that the mail which came back had.
    """

    kind: Kind
    address: str = ""
    status: str = ""
    text: str = ""
    message_id: str = ""
    cause: Cause = Cause.PASSING
    sender: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """A mail to a bounce address; `found` None: a letter, as far as anybody can tell.

    `by_standard`: a machine-readable part says so. Words alone a person may have written as well.
    """

    found: tuple[Returned, ...] | None
    by_standard: bool = False


def quotable(text: str) -> str:
    """A stranger's text on one line, bounded, without controls."""
    cut = text[: 4 * TEXT_MAX]
    return " ".join("".join(c if c.isprintable() else " " for c in cut).split())[:TEXT_MAX]


def said(status: str, text: str) -> str:
    """A status and the words with it on one line, the status once."""
    return text if status and status in text else f"{status} {text}".strip()
