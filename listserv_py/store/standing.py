"""What somebody is on the other lists that a list's access levels name."""

from __future__ import annotations

from collections.abc import Iterable

from listserv_py.lists.access import Access, AccessLevel
from listserv_py.lists.areas import is_served
from listserv_py.lists.roles import NOWHERE, Elsewhere, owners_of
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.store import Tx


def standing(tx: Tx, who: Mailbox, levels: Iterable[AccessLevel]) -> Elsewhere:
    """His part in the lists that the levels name; nothing is looked up where they name none."""
    named = [level for level in levels if level.listname]
    if not named:
        return NOWHERE
    subscribed = frozenset(found.name for found, _ in tx.subscribers.of(who))
    return Elsewhere(
        subscribed, frozenset(_owned(tx, named, who)), frozenset(_served(tx, named, who))
    )


def _owned(tx: Tx, levels: Iterable[AccessLevel], who: Mailbox) -> Iterable[str]:
    for level in levels:
        found = tx.lists.find(level.listname) if level.access is Access.OWNER else None
        if found and who in owners_of(found):
            yield found.name


def _served(tx: Tx, levels: Iterable[AccessLevel], who: Mailbox) -> Iterable[str]:
    for level in levels:
        found = tx.lists.find(level.listname) if level.access is Access.SERVICE else None
        if found and is_served(who, found.keywords, found.domain):
            yield found.name
