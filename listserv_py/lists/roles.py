"""Who somebody is on a list, and what that lets him do.

A role is read off an address, so it is a claim until its holder is proven: whoever acts on OWNER,
EDITOR or MODERATOR asks for proof first.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from listserv_py.lists.access import Access, AccessLevel
from listserv_py.lists.areas import is_served
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.mail.mailbox import Mailbox


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Lists, this one among them, on which somebody is subscribed or an owner; in capitals.

    `served` are those in whose service area he is.
    """

    subscribed: frozenset[str] = frozenset()
    owned: frozenset[str] = frozenset()
    served: frozenset[str] = frozenset()


NOWHERE = Elsewhere()


class Role(StrEnum):
    """What somebody is on a list."""

    POSTMASTER = "postmaster"
    OWNER = "owner"
    EDITOR = "editor"
    MODERATOR = "moderator"
    SUBSCRIBER = "subscriber"
    SERVED = "in the service area"
    ANYBODY = "anybody"


STAFF = frozenset({Role.POSTMASTER, Role.OWNER, Role.EDITOR, Role.MODERATOR})
"""The roles that nobody has on the word of a From line."""
_STRANGERS = frozenset({Role.SERVED, Role.ANYBODY})


def roles_of(
    who: Mailbox,
    mailing_list: MailingList,
    subscription: Subscription | None,
    postmasters: Collection[Mailbox] = (),
    elsewhere: Elsewhere | None = None,
) -> frozenset[Role]:
    """All roles of `who` on the list; `subscription` is his own there, None for a stranger.

    `elsewhere` is his part in the lists that `Owner=` names, None where nobody has looked.
    """
    keywords = mailing_list.keywords
    found = {Role.ANYBODY}
    if who in postmasters:
        found.add(Role.POSTMASTER)
    if is_owner_of(who, mailing_list, elsewhere):
        found.add(Role.OWNER)
    if who in keywords.editors or (subscription is not None and subscription.options.editor):
        found.add(Role.EDITOR)
    if who in moderators_of(mailing_list):
        found.add(Role.MODERATOR)
    if subscription is not None:
        found.add(Role.SUBSCRIBER)
    if is_served(who, keywords, mailing_list.domain):
        found.add(Role.SERVED)
    return frozenset(found)


def is_stranger(roles: Collection[Role]) -> bool:
    """Whether somebody with these roles has nothing to do with the list."""
    return _STRANGERS.issuperset(roles)


def is_owner_of(who: Mailbox, mailing_list: MailingList, elsewhere: Elsewhere | None) -> bool:
    """Whether the header names `who`, or a list that makes him an owner here."""
    keywords = mailing_list.keywords
    if any(who == owner.mailbox for owner in keywords.owners):
        return True
    return elsewhere is not None and any(_of_other(one, elsewhere) for one in keywords.owner_access)


def may(
    access: Collection[AccessLevel],
    who: Mailbox,
    roles: Collection[Role],
    elsewhere: Elsewhere = NOWHERE,
) -> bool:
    """Whether one of the access levels lets `who` in; `roles` are his on the list they stand at."""
    return any(_lets_in(level, who, frozenset(roles), elsewhere) for level in access)


def _lets_in(
    level: AccessLevel, who: Mailbox, roles: frozenset[Role], elsewhere: Elsewhere
) -> bool:
    if level.mailbox is not None:
        return level.mailbox == who
    if level.listname and level.access in _OF_LISTS:
        return _of_other(level, elsewhere)
    return bool(roles & _NEEDED[level.access])


def _of_other(level: AccessLevel, elsewhere: Elsewhere) -> bool:
    """Whether the level names a list that he is on, or owns, or that serves where he is."""
    lists = {Access.OWNER: elsewhere.owned, Access.SERVICE: elsewhere.served}
    return level.listname in lists.get(level.access, elsewhere.subscribed)


_OF_LISTS = frozenset({Access.PRIVATE, Access.OWNER, Access.SERVICE})
# Owners see and do what their subscribers may; a postmaster what owners may.
_NEEDED = {
    Access.PUBLIC: frozenset({Role.ANYBODY}),
    Access.SERVICE: STAFF | {Role.SERVED},
    Access.PRIVATE: STAFF | {Role.SUBSCRIBER},
    Access.OWNER: frozenset({Role.OWNER, Role.POSTMASTER}),
    Access.POSTMASTER: frozenset({Role.POSTMASTER}),
}


def moderators_of(mailing_list: MailingList) -> tuple[Mailbox, ...]:
    """Who approves posts: Moderator=, else the first Editor=, else the first owner not quiet."""
    keywords = mailing_list.keywords
    found = keywords.moderators or keywords.editors[:1] or heard_owners(mailing_list)[:1]
    return tuple(dict.fromkeys(found))


def heard_owners(mailing_list: MailingList) -> tuple[Mailbox, ...]:
    """The owners who get notices and mail: all that are not quiet."""
    return tuple(dict.fromkeys(o.mailbox for o in mailing_list.keywords.owners if not o.quiet))


def error_readers(
    mailing_list: MailingList, postmasters: Collection[Mailbox]
) -> tuple[Mailbox, ...]:
    """Who hears of mail that came back (`Errors-To=`); never nobody."""
    wanted = mailing_list.keywords.errors_to
    found = [*wanted.people]
    found += postmasters if wanted.postmaster else ()
    found += heard_owners(mailing_list) if wanted.owners else ()
    return tuple(dict.fromkeys(found)) or owners_of(mailing_list)


def owners_of(mailing_list: MailingList) -> tuple[Mailbox, ...]:
    """All owners, the quiet ones too."""
    return tuple(dict.fromkeys(owner.mailbox for owner in mailing_list.keywords.owners))
