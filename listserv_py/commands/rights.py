"""Which lists and subscriptions a request is about, who may touch them, and what needs a code.

A list that somebody may not know of is refused in the words of one that does not exist, and an
owner's command by anybody else in the same words whoever it names: strangers learn nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from listserv_py.commands.command import Actor, Confirm, Request
from listserv_py.errors import (
    HeaderDenied,
    ListFull,
    MayNotJoin,
    NoSubscriptions,
    NoSuchSubscriber,
    NotOnYourLists,
    NotOwner,
    NotSubscribed,
    UnknownList,
)
from listserv_py.lists.filters import may_join
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.roles import (
    Role,
    is_owner_of,
    is_stranger,
    may,
    roles_of,
)
from listserv_py.lists.trust import counts
from listserv_py.lists.values import Confidential, ValidateLevel
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.proof import Proof
from listserv_py.store.standing import standing
from listserv_py.store.turn import Turn

ALL_LISTS = "*"

_ANYBODY = frozenset(Proof)
_PROVEN = _ANYBODY - {Proof.NONE}
_OPERATOR = frozenset({Proof.CODE, Proof.OPERATOR})

_No, _Yes, _All = ValidateLevel.NO, ValidateLevel.YES, ValidateLevel.ALL
ENOUGH: Mapping[Confirm, Mapping[ValidateLevel, frozenset[Proof]]] = {
    Confirm.NEVER: {_No: _ANYBODY, _Yes: _ANYBODY, _All: _ANYBODY},
    Confirm.ORDINARY: {_No: _ANYBODY, _Yes: _ANYBODY, _All: _PROVEN},
    Confirm.PROTECTED: {_No: _ANYBODY, _Yes: _PROVEN, _All: _PROVEN},
    Confirm.UNLESS_PROVEN: dict.fromkeys(ValidateLevel, _PROVEN),
    Confirm.NOT_BY_SIGNATURE: dict.fromkeys(ValidateLevel, _OPERATOR | {Proof.PASSWORD}),
    Confirm.BY_PASSWORD: dict.fromkeys(ValidateLevel, frozenset({Proof.PASSWORD, Proof.OPERATOR})),
    Confirm.ALWAYS: dict.fromkeys(ValidateLevel, _OPERATOR),
}
"""Which proofs let a command run at once, by what it is and the list's `Validate=`; all others have
to answer a code. A list refuses some of them: `,NoPW` passwords, NO_DKIM_PROOF signatures. Who may
give a command at all is another question, which its `privilege` answers before this one.
"""


@dataclass(frozen=True, slots=True)
class Target:
    """A subscription that a command is about."""

    mailing_list: MailingList
    subscription: Subscription


def roles(turn: Turn, actor: Actor, mailing_list: MailingList) -> frozenset[Role]:
    """What the actor claims to be on the list."""
    own = turn.tx.subscribers.find(mailing_list.id, actor.mailbox)
    others = standing(turn.tx, actor.mailbox, mailing_list.keywords.owner_access)
    return roles_of(actor.mailbox, mailing_list, own, turn.postmasters, others)


def is_owner(turn: Turn, actor: Actor, mailing_list: MailingList) -> bool:
    """Whether the actor claims to be an owner of the list, or a postmaster."""
    who, access = actor.mailbox, mailing_list.keywords.owner_access
    others = standing(turn.tx, who, access) if access else None
    # What he is subscribed with makes nobody an owner: it need not be looked up.
    return who in turn.postmasters or is_owner_of(who, mailing_list, others)


def is_visible(turn: Turn, actor: Actor, mailing_list: MailingList) -> bool:
    """Whether the actor may know that the list exists: confidential ones only their own people."""
    confidential = mailing_list.keywords.confidential
    if confidential is Confidential.NO:
        return True
    have = roles(turn, actor, mailing_list)
    return not is_stranger(have) or (confidential is Confidential.SERVICE and Role.SERVED in have)


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
        may_change = may(access, actor.mailbox, have, standing(turn.tx, actor.mailbox, access))
        if may_change or Role.POSTMASTER in have or (also_owners and Role.OWNER in have):
            return found
    raise HeaderDenied(owned_list(request).name)


def check_welcome(mailing_list: MailingList, mailbox: Mailbox) -> None:
    """Refuse an address that `Filter=` or `Safe=` keeps off the list."""
    if not may_join(mailing_list.keywords, mailbox):
        raise MayNotJoin(mailing_list.name, str(mailbox))


def check_room(turn: Turn, mailing_list: MailingList) -> None:
    """Refuse one more subscriber where `Limits=` has been reached."""
    limit = mailing_list.keywords.limit
    if limit is not None and turn.tx.subscribers.count(mailing_list.id) >= limit:
        raise ListFull(mailing_list.name)


def for_another(request: Request) -> bool:
    """Whether the line is about somebody else than the actor (`FOR user@host`, a pattern)."""
    person = request.arguments.person
    is_other = person is not None and person != request.actor.mailbox
    return is_other or bool(request.arguments.pattern)


def owned_lists(request: Request) -> tuple[MailingList, ...]:
    """The list that the line names, or with `*` all of which the actor is an owner."""
    if request.arguments.listname != ALL_LISTS:
        return (owned_list(request),)
    turn = request.turn
    return tuple(one for one in turn.tx.lists.all() if is_owner(turn, request.actor, one))


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


def needs_code(request: Request) -> bool:
    """Whether the line waits until its sender has answered a code."""
    wanted, lists = request.command.weigh(request), _lists(request)
    return not any(is_enough(wanted, proof, lists) for proof in request.actor.proofs)


def is_proven(request: Request) -> bool:
    """Whether the sender is proven for every list that the line is about."""
    lists = _lists(request)
    return any(is_enough(Confirm.UNLESS_PROVEN, proof, lists) for proof in request.actor.proofs)


def takes_passwords(request: Request) -> bool:
    """Whether a password serves on every list that the line is about."""
    return all(counts(Proof.PASSWORD, one) for one in _lists(request))


def is_enough(wanted: Confirm, proof: Proof, lists: Sequence[MailingList]) -> bool:
    """Whether somebody so known may run such a command on all of the lists, or on none."""
    if not lists:
        return proof in ENOUGH[wanted][ValidateLevel.ALL]
    return all(
        Proof.NONE in enough or (proof in enough and counts(proof, one))
        for one in lists
        for enough in [ENOUGH[wanted][one.keywords.validate.level]]
    )


def _lists(request: Request) -> tuple[MailingList, ...]:
    said = request.arguments
    if said.listname == ALL_LISTS:
        return owned_lists(request) if said.pattern else _of_targets(request)
    found = request.turn.tx.lists.find(said.listname) if said.listname else None
    return (found,) if found else ()


def _of_targets(request: Request) -> tuple[MailingList, ...]:
    return tuple(target.mailing_list for target in targets(request))
