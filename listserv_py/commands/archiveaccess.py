"""Who may read a list's archive and files, and what a sender has to prove before he is sent them.

A subscriber asks as `Validate=` lets him; anybody else is proven first, even where the archive is
public, for thirty bytes with a forged From must not call down megabytes on somebody. Who is on a
sub-list gets the posts of the list above, and so may read them there.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from listserv_py.commands.archiverefusals import ArchiveDenied, NoArchive
from listserv_py.commands.command import Confirm, Request
from listserv_py.commands.rights import roles, visible_list
from listserv_py.lists.access import AccessLevel
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import STAFF, Role, may
from listserv_py.store.standing import standing
from listserv_py.store.sublists import reached

SMALL = 100_000
"""So many octets a subscriber may be sent on the word of a From line."""


def archived_list(request: Request) -> MailingList:
    """The list that the line names, whose archive the sender claims to be one to read."""
    found = visible_list(request)
    if found.keywords.notebook is None:
        raise NoArchive(found.name)
    if not reads(request, found, found.keywords.notebook.access):
        raise ArchiveDenied(found.name)
    return found


def reads(request: Request, found: MailingList, access: Collection[AccessLevel]) -> bool:
    """Whether the sender claims to be somebody whom these levels let in; owners always are."""
    have = _roles(request, found)
    is_owners = bool(have & {Role.OWNER, Role.POSTMASTER})
    known = standing(request.turn.tx, request.actor.mailbox, access)
    return is_owners or may(access, request.actor.mailbox, have, known)


def weigh(request: Request, access: Collection[AccessLevel], octets: int = 0) -> Confirm:
    """What he has to prove who asks by these levels, for so much."""
    have = _roles(request, visible_list(request))
    known = replace(standing(request.turn.tx, request.actor.mailbox, access), owned=frozenset())
    enough = may(access, request.actor.mailbox, have - STAFF, known)
    is_small = octets <= SMALL and Role.SUBSCRIBER in have
    return Confirm.ORDINARY if enough and is_small else Confirm.UNLESS_PROVEN


def weigh_archive(request: Request, octets: int = 0) -> Confirm:
    """The same for so much of the list's archive."""
    notebook = archived_list(request).keywords.notebook
    return weigh(request, notebook.access if notebook else (), octets)


def _roles(request: Request, found: MailingList) -> frozenset[Role]:
    have = roles(request.turn, request.actor, found)
    if Role.SUBSCRIBER in have:
        return have
    tx = request.turn.tx
    below = any(tx.subscribers.find(one.id, request.actor.mailbox) for one in reached(tx, found))
    return have | {Role.SUBSCRIBER} if below else have
