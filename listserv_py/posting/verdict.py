"""What a check can say of a post. The first verdict wins; no verdict at all is `Distribute`.

A verdict only names what is to happen and why; `arrival` makes it happen.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Asked(StrEnum):
    """Whose word a held post waits for."""

    AUTHOR = "author"
    """He confirms that it is his."""
    MODERATOR = "moderator"
    """A moderator approves it: one in turn, or all."""
    AUTHOR_AS_MODERATOR = "author as moderator"
    """Its author would be asked to approve it, so his one OK does both."""
    OWNERS = "owners"
    """The list's owners approve it, because nobody wrote it."""
    NOBODY = "nobody"
    """The list is held: FREE takes it up again."""


class Reason(StrEnum):
    """Why a post is held or passed to somebody: the names of the forms that say so."""

    MODERATED = "WHY_MODERATED"
    REVIEWED = "WHY_REVIEWED"
    OWN_POST = "WHY_OWN_POST"
    NO_AUTHOR = "WHY_NO_AUTHOR"
    QUOTES_HEADER = "WHY_QUOTES_HEADER"
    NO_SENDER = "WHY_NO_SENDER"
    MACHINE = "WHY_MACHINE"
    UNPROVEN = "WHY_UNPROVEN"
    LIST_CONFIRMS = "WHY_LIST_CONFIRMS"
    FORGEABLE = "WHY_FORGEABLE"
    FILTERED = "WHY_FILTERED"
    MERGED = "WHY_MERGED"
    LIST_HELD = "WHY_LIST_HELD"
    STORM = "WHY_STORM"


@dataclass(frozen=True, slots=True)
class Distribute:
    """It goes to the subscribers."""


@dataclass(frozen=True, slots=True)
class Hold:
    """It waits in the spool for somebody's word."""

    reason: Reason
    asked: Asked


@dataclass(frozen=True, slots=True)
class Forward:
    """It goes to somebody who may post it himself; nothing is kept."""

    reason: Reason
    asked: Asked


@dataclass(frozen=True, slots=True)
class Reject:
    """Its author is told why it does not go out, with the form of this name."""

    form: str
    slots: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Discard:
    """Nobody is told; the log is."""

    reason: str


Verdict = Distribute | Hold | Forward | Reject | Discard
