"""Joining and leaving: SUBSCRIBE and SIGNOFF.

Joining always waits for the code that was mailed to the address that joins, whatever the list's
keywords say: with what was asked and answered it is the record of consent.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from listserv_py.commands.collecting import refuse_vain
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.manners import kept_name, shown_name
from listserv_py.commands.notices import send_text, tell_owners
from listserv_py.commands.rights import (
    check_room,
    check_welcome,
    is_owner,
    is_visible,
    roles,
    targets,
)
from listserv_py.commands.syntax import fold, write
from listserv_py.errors import MayNotJoin, OwnAddress, SubClosed, UnknownList
from listserv_py.lists.addresses import Door
from listserv_py.lists.areas import is_served
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import Options, apply_words
from listserv_py.lists.roles import heard_owners, is_stranger
from listserv_py.lists.values import SubscriptionPolicy
from listserv_py.store.changelog import Verb
from listserv_py.store.erasures import Erasures
from listserv_py.store.outbox import Kind
from listserv_py.store.subscribers import Consent
from listserv_py.store.turn import Turn

ANONYMOUS = "ANONYMOUS"
FORWARDS_A_DAY = 3


def prepare_subscribe(request: Request) -> Request:
    """Refuse what will be refused anyway, and complete the name."""
    mailing_list = _joinable(request)
    if request.turn.is_own(request.actor.mailbox):
        raise OwnAddress(str(request.actor.mailbox))
    check_welcome(mailing_list, request.actor.mailbox)
    topics = mailing_list.keywords.topics
    wanted = apply_words(Options(), request.arguments.options, by_owner=False, topics=topics)
    refuse_vain(request.turn, mailing_list, Options(), wanted)
    name = _plain(request.arguments.name) or _known_name(request, mailing_list)
    if name == request.arguments.name:
        return request
    return replace(request, arguments=replace(request.arguments, name=name))


def weigh_subscribe(request: Request) -> Confirm:
    """A request that only goes to the owners is confirmed first where the list wants it."""
    mailing_list = _joinable(request)
    rule = mailing_list.keywords.subscription
    if rule.policy is SubscriptionPolicy.BY_OWNER and not rule.confirm:
        actor = roles(request.turn, request.actor, mailing_list)
        return Confirm.NEVER if is_stranger(actor) else Confirm.ALWAYS
    return Confirm.ALWAYS


def subscribe(request: Request) -> str:
    """Put the sender on the list, or rename him when he is there already."""
    mailing_list = _joinable(request)
    found = request.turn.tx.subscribers.find(mailing_list.id, request.actor.mailbox)
    if found is not None:
        return _change(request, mailing_list, found)
    by_owner = mailing_list.keywords.subscription.policy is SubscriptionPolicy.BY_OWNER
    if by_owner and not is_owner(request.turn, request.actor, mailing_list):
        return _forward(request, mailing_list)
    return _join(request, mailing_list)


def _join(request: Request, mailing_list: MailingList) -> str:
    turn, actor, name = request.turn, request.actor, _name(request)
    check_room(turn, mailing_list)
    options = _wanted(request, mailing_list, mailing_list.default_options())
    turn.tx.subscribers.add(
        mailing_list.id, actor.mailbox, name, options, turn.now, _consent(request)
    )
    turn.tx.changelog.note(mailing_list, Verb.SUBSCRIBE, actor.mailbox, name, turn.now)
    whom = f"{name} <{actor.mailbox}>" if name else str(actor.mailbox)
    tell_owners(turn, mailing_list, "SUBSCRIBE2", WHOM=whom)
    if not request.quiet:
        slots = {
            "LISTNAME": mailing_list.name,
            "TITLE": mailing_list.title,
            "LISTADDR": str(mailing_list.address),
            "MYADDRESS": str(turn.command_address),
            "ADDRESS": str(actor.mailbox),
        }
        turn.mail(
            actor.mailbox,
            "SIGNUP1",
            slots,
            kind=Kind.NOTICE,
            mailing_list=mailing_list,
            proven=True,
        )
        send_text(turn, actor.mailbox, mailing_list, "WELCOME")
    return request.say("SUBSCRIBED", LISTNAME=mailing_list.name)


def _change(request: Request, mailing_list: MailingList, found: Subscription) -> str:
    turn = request.turn
    turn.tx.renewals.active(mailing_list.id, found.mailbox, turn.now)
    changed = replace(
        found,
        name=_name(request) or found.name,
        options=_wanted(request, mailing_list, found.options),
    )
    if changed == found:
        return request.say("SUBSCRIBED_ALREADY", LISTNAME=mailing_list.name)
    turn.tx.subscribers.save(changed)
    turn.tx.changelog.note(mailing_list, Verb.RESUBSCRIBE, found.mailbox, changed.name, turn.now)
    form = "SUBSCRIBED_CHANGED"
    return request.say(form, LISTNAME=mailing_list.name, NAME=changed.name or "(none)")


def _forward(request: Request, mailing_list: MailingList) -> str:
    """Ask the owners; an unproven address can make us do so a few times a day only."""
    turn, mailbox = request.turn, request.actor.mailbox
    budget, day = turn.tx.budget, timedelta(days=1)
    if budget.spent(mailbox, "by-owner", turn.now, day) < FORWARDS_A_DAY:
        budget.spend(mailbox, "by-owner", turn.now)
        name = shown_name(_name(request))
        slots = {
            "LISTNAME": mailing_list.name,
            "ADDRESS": str(mailbox),
            "NAME": name or "(none)",
            "ADDLINE": f"ADD {mailing_list.name} {mailbox} {name}".rstrip(),
            "MYADDRESS": str(turn.command_address),
        }
        for owner in heard_owners(mailing_list):
            turn.mail(owner, "SUB_OWNER", slots, kind=Kind.NOTICE, mailing_list=mailing_list)
    return request.say("SUB_FORWARDED", LISTNAME=mailing_list.name)


def _joinable(request: Request) -> MailingList:
    """The list, unless it is closed; a confidential one may be joined by whoever knows its name."""
    listname = request.arguments.listname
    found = request.turn.tx.lists.find(listname)
    if found is None:
        raise UnknownList(listname)
    is_closed = found.keywords.subscription.policy is SubscriptionPolicy.CLOSED
    if not is_closed and is_served(request.actor.mailbox, found.keywords, found.domain):
        return found
    have = roles(request.turn, request.actor, found)
    if is_stranger(have):
        if not is_visible(request.turn, request.actor, found):
            raise UnknownList(listname)
        if is_closed:
            raise SubClosed(found.name)
        raise MayNotJoin(found.name, str(request.actor.mailbox))
    return found


def _known_name(request: Request, mailing_list: MailingList) -> str:
    """The name when the line has none: of this subscription, registered, of another, of From."""
    subscribers, mailbox = request.turn.tx.subscribers, request.actor.mailbox
    registered = request.turn.tx.signup.name_of(mailbox)
    if subscribers.find(mailing_list.id, mailbox) is not None:
        return ""
    return _plain(registered or subscribers.name_of(mailbox) or "") or _plain(request.actor.name)


def _plain(name: str) -> str:
    """A name that can stand on a command line: WITH would begin the options."""
    return " ".join(word for word in kept_name(name).split() if fold(word) != "WITH")


def door_line(door: Door, listname: str, name: str) -> str:
    """The line that a mail to LIST-subscribe-request or LIST-signoff-request stands for."""
    if door is Door.SIGNOFF:
        return f"SIGNOFF {listname}"
    return f"SUBSCRIBE {listname} {_plain(name) or ANONYMOUS}"


def _is_anonymous(request: Request) -> bool:
    return fold(request.arguments.name) == ANONYMOUS


def _name(request: Request) -> str:
    return "" if _is_anonymous(request) else request.arguments.name


def _wanted(request: Request, mailing_list: MailingList, options: Options) -> Options:
    topics = mailing_list.keywords.topics
    if _is_anonymous(request):
        options = replace(options, conceal=True)
    return apply_words(options, request.arguments.options, by_owner=False, topics=topics)


def _consent(request: Request) -> Consent | None:
    """What was asked and what was answered; None when the operator subscribed him."""
    asked, letter = request.actor.asked, request.actor.letter
    if asked is None:
        return None
    return Consent(
        asked_at=asked.at,
        asked_message_id=asked.message_id,
        asked_host=asked.host,
        request=f"{request.command.word} {write(request.command.syntax, request.arguments)}",
        confirmed_at=request.turn.now,
        confirmed_message_id=(letter and letter.message.message_id) or "",
    )


def prepare_signoff(request: Request) -> Request:
    """Refuse when there is nothing to leave."""
    targets(request)
    return request


def weigh_signoff(request: Request) -> Confirm:
    """Leaving is a protected command; NETWIDE always asks (LISTSERV 16.0 user 2.1)."""
    if "NETWIDE" in request.arguments.switches:
        return Confirm.UNLESS_PROVEN
    return Confirm.PROTECTED


def signoff(request: Request) -> str:
    """Take the sender off the list, or off all lists of this server."""
    turn, said = request.turn, list[str]()
    for target in targets(request):
        leave_list(turn, target.mailing_list, target.subscription)
        said.append(request.say("SIGNOFF_DONE", LISTNAME=target.mailing_list.name))
    if "NETWIDE" in request.arguments.switches:
        said.append(request.say("SIGNOFF_NETWIDE"))
    return "\n".join(said)


def leave_list(turn: Turn, mailing_list: MailingList, subscription: Subscription) -> None:
    """End a subscription on its person's own word, however that came."""
    Erasures(turn.settings.site.data_dir).note_left(
        mailing_list.name, subscription.mailbox, turn.now
    )
    mailbox = subscription.mailbox
    turn.tx.subscribers.remove(subscription)
    turn.tx.changelog.note(mailing_list, Verb.SIGNOFF, mailbox, "", turn.now)
    tell_owners(turn, mailing_list, "SIGNOFF1", WHOM=str(mailbox))
    send_text(turn, mailbox, mailing_list, "FAREWELL")


SUBSCRIBE = Command(
    keyword="SUBscribe",
    synonyms=("JOIN", "SIGNUP"),
    syntax="listname [name] [WITH options]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.ALWAYS,
    handler=subscribe,
    prepare=prepare_subscribe,
    weigh=weigh_subscribe,
    takes_quiet=True,
    unmistakable=True,
    compat=(
        "Always confirmed by a code, whatever the list says and whatever proves the sender:"
        " nobody is subscribed by a stranger."
    ),
)

SIGNOFF = Command(
    keyword="SIGNOFF",
    synonyms=("UNSUBscribe",),
    syntax="listname|* [(switches]",
    switches=("NETWIDE",),
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.PROTECTED,
    handler=signoff,
    prepare=prepare_signoff,
    weigh=weigh_signoff,
    unmistakable=True,
    compat="`(NETWIDE` leaves all lists of this server and says so: it stands alone.",
)
