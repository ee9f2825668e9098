"""What nobody is answered for: the same noise of one address again, and too much from everywhere.

A From line may name a third party, whom each answer would reach. One address has its own budget
(`Turn.mail`); whoever forges a new one for each mail has that of the whole site.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import timedelta

from listserv_py.commands import nothere
from listserv_py.errors import (
    BadListname,
    ExtraWords,
    MissingWord,
    NotAnAnswer,
    UnknownCode,
    UnknownCommand,
    UnknownTopic,
    UserError,
)
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.store.turn import Turn

log = get_logger("commands")

UNREADABLE = (
    *(UnknownCommand, NotAnAnswer, UnknownTopic, MissingWord, ExtraWords, BadListname),
    *nothere.REFUSALS,
)
TOLD = 2
"""How often a day the same unreadable lines of one address are answered."""
TOLD_OF_ALL_AN_HOUR = 200
"""How many mails of unproven senders that came to nothing are answered, all of them together."""
_OF_ALL = "noise of all"


def is_noise(errors: Sequence[UserError | None]) -> bool:
    """Whether not one line could be read, as with a robot's "I am away" or "Thank you for"."""
    return all(isinstance(error, UNREADABLE) for error in errors)


def is_repeated(turn: Turn, mailbox: Mailbox, said: str) -> bool:
    """Whether the address has said that before: a robot would go on for ever."""
    what = "noise " + hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()
    told = turn.tx.budget.spent(mailbox, what, turn.now, timedelta(days=1))
    turn.tx.budget.spend(mailbox, what, turn.now)
    return told >= TOLD


def is_flood(turn: Turn, errors: Sequence[UserError | None]) -> bool:
    """Whether a mail of noise or wrong codes is one more than the site answers in an hour."""
    if not all(isinstance(error, (*UNREADABLE, UnknownCode)) for error in errors):
        return False
    budget, site = turn.tx.budget, turn.command_address
    if budget.spent(site, _OF_ALL, turn.now, timedelta(hours=1)) >= TOLD_OF_ALL_AN_HOUR:
        log.warning("commands.flood")
        return True
    budget.spend(site, _OF_ALL, turn.now)
    return False
