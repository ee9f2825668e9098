"""Why a post waits: the word that the spool keeps beside it.

Here, because several rooms act on it: posting holds, an owner's FREE takes up what waited for it,
the timers give up what nobody answered. The words are in the database and never change.
"""

from enum import StrEnum

STORM = "many people asked to be removed within an hour"
"""Why a list is held that a storm has stopped, as people are told."""


BY_OFFLINE = "OFFLINE"
"""Why a postmaster's OFFLINE holds a list; an owner's FREE frees his own all the same."""


class HeldFor(StrEnum):
    """Whom a held post waits for."""

    AUTHOR = "author"
    """He confirms by code that it is his."""
    MODERATOR = "moderator"
    """Somebody approves or returns it."""
    FREE = "free"
    """The list itself is held; FREE takes up all that waited for it."""
