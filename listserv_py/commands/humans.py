"""Whether a mail may be answered at all, and to whom (RFC 3834 2).

Answered is the one author of a mail that no machine sent. Configured owners and postmasters are
people, whatever their local part; our own addresses never are.
"""

from __future__ import annotations

from listserv_py.lists.roles import owners_of
from listserv_py.mail.automatic import is_role
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Author, Mailbox
from listserv_py.store.turn import Turn


def answerable(turn: Turn, letter: Letter) -> Author | None:
    """Who is to be answered, or None: a machine, nobody, or ourselves."""
    author = letter.message.author
    if author is None or turn.is_own(author.mailbox) or is_automatic(turn, letter):
        return None
    return author


def is_automatic(turn: Turn, letter: Letter) -> bool:
    """Whether a machine sent the mail; the lists' owners are looked up only for odd local parts."""
    author = letter.message.author
    senders = (letter.reverse_path, author.mailbox if author else None)
    candidates = [one for one in senders if one is not None]
    if letter.message.is_automatic(letter.reverse_path, candidates):
        return True
    if not any(is_role(one.local_part) for one in candidates):
        return False
    return letter.message.is_automatic(letter.reverse_path, _people(turn))


def _people(turn: Turn) -> frozenset[Mailbox]:
    """Everybody whom the configuration or a list header names as somebody in charge."""
    found = set(turn.postmasters)
    for one in turn.tx.lists.all():
        found.update(owners_of(one), one.keywords.editors, one.keywords.moderators)
    return frozenset(found)
