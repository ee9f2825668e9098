"""Which lists and subscriptions a request is about, who may touch them, and what needs a code.

A list that somebody may not know of is refused in the words of one that does not exist, and an
owner's command by anybody else in the same words whoever it names: strangers learn nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.commands.command import Actor, Confirm, Request
from listserv_py.errors import (
    HeaderDenied,
    ListFull,
    NoSubscriptions,
    NoSuchSubscriber,
    NotOnYourLists,
    NotOwner,
    NotSubscribed,
    UnknownList,
)
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.roles import Elsewhere, Role, may, owners_of, roles_of
from listserv_py.lists.trust import counts
from listserv_py.lists.values import Confidential, ValidateLevel
from listserv_py.mail.proof import Proof
from listserv_py.store.turn import Turn

ALL_LISTS = "*"


@dataclass(frozen=True, slots=True)
class Target:
    """A subscription that a command is about."""

    mailing_list: MailingList
    subscription: Subscription


def roles(turn: Turn, actor: Actor, mailing_list: MailingList) -> frozenset[Role]:
    """What the actor claims to be on the list."""
    own = turn.tx.subscribers.find(mailing_list.id, actor.mailbox)
    return roles_of(actor.mailbox, mailing_list, own, turn.postmasters)


def is_owner(turn: Turn, actor: Actor, mailing_list: MailingList) -> bool:
    """Whether the actor claims to be an owner of the list, or a postmaster."""
    return bool(roles(turn, actor, mailing_list) & {Role.OWNER, Role.POSTMASTER})


def is_visible(turn: Turn, actor: Actor, mailing_list: MailingList) -> bool:
    """Whether the actor may know that the list exists: confidential ones only their own people."""
    if mailing_list.keywords.confidential is not Confidential.YES:
        return True
    return roles(turn, actor, mailing_list) != {Role.ANYBODY}


def visible_list(request: Request) -> MailingList:
    """The list that the line names, if the actor may know of it."""
    listname = request.arguments.listname
    found = request.turn.tx.lists.find(listname)
    if found is None or not is_visible(request.turn, request.actor, found):
        raise UnknownList(listname)
    return found


def owned_list(request: Request) -> MailingList:
    """The list that the line names, of which the actor must be an owner."""
    found = visible_list(request)
    if not is_owner(request.turn, request.actor, found):
        raise NotOwner(found.name)
    return found


def configured_list(request: Request, *, also_owners: bool = False) -> MailingList:
    """The list that the line names, whose header the actor may change (`Configuration-Owner=`).

    With `also_owners` its owners are let in whom that keyword leaves out: they may read it.
    """
    turn, actor = request.turn, request.actor
    found = turn.tx.lists.find(request.arguments.listname)
    if found is not None:
        have = roles(turn, actor, found)
        access = found.keywords.configuration_owner
        may_change = may(access, actor.mailbox, have, elsewhere(turn, actor))
        if may_change or Role.POSTMASTER in have or (also_owners and Role.OWNER in have):
            return found
    raise HeaderDenied(owned_list(request).name)


def check_room(turn: Turn, mailing_list: MailingList) -> None:
    """Refuse one more subscriber where `Limits=` has been reached."""
    limit = mailing_list.keywords.limit
    if limit is not None and turn.tx.subscribers.count(mailing_list.id) >= limit:
        raise ListFull(mailing_list.name)


def for_another(request: Request) -> bool:
    """Whether the line is about somebody else than the actor (`FOR user@host`)."""
    person = request.arguments.person
    return person is not None and person != request.actor.mailbox


def targets(request: Request) -> tuple[Target, ...]:
    """The subscriptions that the line means, the actor's own or with FOR somebody else's."""
    everywhere = request.arguments.listname == ALL_LISTS
    if not for_another(request):
        return _own_everywhere(request) if everywhere else (_own(request),)
    return _of_all_owned(request) if everywhere else (_of_one_owned(request),)


def _own(request: Request) -> Target:
    mailing_list = visible_list(request)
    found = request.turn.tx.subscribers.find(mailing_list.id, request.actor.mailbox)
    if found is None:
        raise NotSubscribed(mailing_list.name, str(request.actor.mailbox))
    return Target(mailing_list, found)


def _own_everywhere(request: Request) -> tuple[Target, ...]:
    found = request.turn.tx.subscribers.of(request.actor.mailbox)
    if not found:
        raise NoSubscriptions(str(request.actor.mailbox))
    return tuple(Target(mailing_list, own) for mailing_list, own in found)


def _of_one_owned(request: Request) -> Target:
    mailing_list, person = owned_list(request), request.arguments.person
    found = person and request.turn.tx.subscribers.find(mailing_list.id, person)
    if not found:
        raise NoSuchSubscriber(mailing_list.name, str(person))
    return Target(mailing_list, found)


def _of_all_owned(request: Request) -> tuple[Target, ...]:
    person = request.arguments.person
    found = request.turn.tx.subscribers.of(person) if person else []
    owned = tuple(
        Target(mailing_list, subscription)
        for mailing_list, subscription in found
        if is_owner(request.turn, request.actor, mailing_list)
    )
    if not owned:
        raise NotOnYourLists(str(person))
    return owned


def by_validate(lists: tuple[MailingList, ...], *, is_protected: bool) -> Confirm:
    """What `Validate=` of these lists asks for: all of them must free a command to free it.

    `No` frees everything that a subscriber does for himself, `Yes` all but the protected commands
    (leaving), `All` nothing (LISTSERV 16.0, Validate keyword).
    """
    freeing = {ValidateLevel.NO} if is_protected else {ValidateLevel.NO, ValidateLevel.YES}
    if all(one.keywords.validate.level in freeing for one in lists):
        return Confirm.NEVER
    return Confirm.UNLESS_PROVEN


def needs_code(request: Request) -> bool:
    """Whether the line waits until its sender has answered a code."""
    wanted, proof = request.command.weigh(request), request.actor.proof
    if wanted is Confirm.ALWAYS:
        return proof not in {Proof.CODE, Proof.OPERATOR}
    return wanted is not Confirm.NEVER and not is_proven(request)


def is_proven(request: Request) -> bool:
    """Whether the sender is proven for every list that the line is about."""
    proof = request.actor.proof
    if not proof.is_by_domain:
        return proof.is_proven
    return all(counts(proof, one) for one in _lists(request))


def _lists(request: Request) -> tuple[MailingList, ...]:
    listname = request.arguments.listname
    if listname == ALL_LISTS:
        return tuple(target.mailing_list for target in targets(request))
    found = request.turn.tx.lists.find(listname) if listname else None
    return (found,) if found else ()


def elsewhere(turn: Turn, actor: Actor) -> Elsewhere:
    """On which lists the actor is and which he claims to own, for levels that name lists."""
    subscribed = frozenset(found.name for found, _ in turn.tx.subscribers.of(actor.mailbox))
    owned = frozenset(one.name for one in turn.tx.lists.all() if actor.mailbox in owners_of(one))
    return Elsewhere(subscribed, owned)
