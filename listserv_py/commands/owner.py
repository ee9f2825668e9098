"""Owners' own commands: ADD and DELETE.

They bypass `Subscription=` and the subscriber's confirmation, so they never run on the word of a
From line; the person concerned is told unless the owner says QUIET.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands import bulk, patterns
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.manners import kept_name
from listserv_py.commands.notices import send_text, tell
from listserv_py.commands.rights import (
    Target,
    check_room,
    check_welcome,
    is_owner,
    owned_list,
    targets,
)
from listserv_py.errors import BadAddress, NotOnYourLists, OwnAddress
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.changelog import Verb


def _person(request: Request) -> Mailbox:
    person = request.arguments.person
    if person is None:
        raise BadAddress("")
    return person


def prepare_add(request: Request) -> Request:
    """Refuse strangers, and addresses that would send the list's mail back to us."""
    if request.arguments.dataset:
        return bulk.check(request)
    owned_list(request)
    if request.turn.is_own(_person(request)):
        raise OwnAddress(str(_person(request)))
    name = kept_name(request.arguments.name)
    return replace(request, arguments=replace(request.arguments, name=name))


def add(request: Request) -> str:
    """Put somebody on the list, or rename him; the options of whoever is there stay."""
    if request.arguments.dataset:
        return bulk.add(request)
    turn, mailing_list, person = request.turn, owned_list(request), _person(request)
    name = request.arguments.name
    found = turn.tx.subscribers.find(mailing_list.id, person)
    slots = {"LISTNAME": mailing_list.name, "WHOM": f"{name} <{person}>" if name else str(person)}
    if found is not None:
        turn.tx.subscribers.save(replace(found, name=name or found.name))
        turn.tx.changelog.note(mailing_list, Verb.READD, person, name, turn.now)
        return request.say("ADD_RENAMED" if name else "ADD_ALREADY", **slots)
    check_room(turn, mailing_list)
    check_welcome(mailing_list, person)
    turn.tx.subscribers.add(mailing_list.id, person, name, mailing_list.default_options(), turn.now)
    turn.tx.changelog.note(mailing_list, Verb.ADD, person, name, turn.now)
    if not request.quiet:
        invoker = str(request.actor.mailbox)
        tell(turn, person, mailing_list, "ADD1", INVOKER=invoker, ADDRESS=str(person))
        send_text(turn, person, mailing_list, "WELCOME")
    return request.say("ADD_DONE", **slots)


def prepare_delete(request: Request) -> Request:
    """Refuse strangers, and what is not there."""
    if request.arguments.dataset:
        return bulk.check(request)
    if request.arguments.pattern:
        return patterns.check(request)
    if request.arguments.listname != "*":
        owned_list(request)
    _meant(request)
    return request


def _meant(request: Request) -> tuple[Target, ...]:
    """The subscriptions that go; with `*` on the sender's lists only, also when they are his."""
    turn, actor = request.turn, request.actor
    found = tuple(one for one in targets(request) if is_owner(turn, actor, one.mailing_list))
    if not found:
        raise NotOnYourLists(str(_person(request)))
    return found


def explain(request: Request) -> str:
    """What a dataset holds, or how many a pattern means."""
    if request.arguments.dataset:
        return bulk.explain(request)
    return patterns.explain(request) if request.arguments.pattern else ""


def weigh_delete(request: Request) -> Confirm:
    """A pattern that means many is confirmed by code."""
    return patterns.weigh(request) if request.arguments.pattern else Confirm.UNLESS_PROVEN


def delete(request: Request) -> str:
    """Take somebody off a list, or off all lists that the sender owns."""
    if request.arguments.dataset:
        return bulk.delete(request)
    if request.arguments.pattern:
        return patterns.test(request) if patterns.is_test(request) else patterns.delete(request)
    if patterns.is_test(request):
        return _test(request)
    turn, said = request.turn, []
    for target in _meant(request):
        person, mailing_list = target.subscription.mailbox, target.mailing_list
        turn.tx.subscribers.remove(target.subscription)
        turn.tx.changelog.note(mailing_list, Verb.DELETE, person, "", turn.now)
        if not request.quiet:
            invoker = str(request.actor.mailbox)
            tell(turn, person, mailing_list, "DELETE1", INVOKER=invoker)
            send_text(request.turn, person, mailing_list, "FAREWELL")
        said.append(request.say("DELETE_DONE", WHOM=str(person), LISTNAME=mailing_list.name))
    return "\n".join(said)


def _test(request: Request) -> str:
    """Which subscription would go."""
    return "\n\n".join(
        request.say(
            "PATTERN_TEST",
            COUNT="1",
            LISTNAME=target.mailing_list.name,
            ROWS=str(target.subscription.mailbox),
        )
        for target in _meant(request)
    )


ADD = Command(
    keyword="ADD",
    synonyms=("ADDHere",),
    syntax="listname person|dataset",
    privilege=Privilege.OWNER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=add,
    prepare=prepare_add,
    explain=explain,
    takes_quiet=True,
    compat=(
        "By code, password or signature, never on a bare From line. A dataset's people are told"
        " of it up to 500; more only with QUIET or IMPORT."
    ),
)

DELETE = Command(
    keyword="DELete",
    syntax="listname|* people|dataset [(switches]",
    switches=("TEST", "LOCal", "GLobal"),
    privilege=Privilege.OWNER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=delete,
    prepare=prepare_delete,
    weigh=weigh_delete,
    explain=explain,
    takes_quiet=True,
    compat=(
        "By code, password or signature, never on a bare From line. A wildcard that means more"
        " than ten people is confirmed by a code that names their number."
    ),
)
