"""CHANGE: another address for subscriptions, all else of which stays as it is.

A subscriber's own change takes two codes: his old address confirms the command as any other, then
the new one is asked. An owner's is his word, as ADD is, and those whom it concerns are told.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.errors import ChangeClash, ChangeNotAsked, ChangeTooLate
from listserv_py.commands.manners import shown_host
from listserv_py.commands.notices import tell, tell_owners
from listserv_py.commands.patterns import STARS_MAX
from listserv_py.commands.rights import check_welcome, for_another, owned_lists, targets
from listserv_py.errors import MayNotJoin, NobodyMatches, OwnAddress, TooManyMatch, UserError
from listserv_py.lists.filters import may_join
from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.proof import Proof
from listserv_py.store.changelog import Verb
from listserv_py.store.cookies import Ask, Cookie, CookieKind
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import moment

ASKED_A_DAY = 5
"""How many new addresses one person may have asked in a day."""
TOLD_MAX = 200
CHANGED_MAX = 20_000
SHOWN_MAX = 20


@dataclass(frozen=True, slots=True)
class Move:
    """One subscription on its way from an address to another."""

    mailing_list: MailingList
    subscription_id: int
    old: Mailbox
    new: Mailbox


def prepare(request: Request) -> Request:
    """Refuse what names nobody, and addresses of our own."""
    if request.arguments.pattern:
        return _check_pattern(request)
    for move in _moves(request):
        if request.turn.is_own(move.new):
            raise OwnAddress(str(move.new))
        check_welcome(move.mailing_list, move.new)
    return request


def _check_pattern(request: Request) -> Request:
    """Only counted, and not read, before anybody is proven."""
    said = request.arguments
    if said.pattern.count("*") > STARS_MAX:
        raise TooManyMatch(str(said.pattern.count("*")), str(STARS_MAX))
    count = _count(request)
    if said.new.endswith(f"@{request.turn.settings.site.domain}"):
        raise OwnAddress(said.new)
    if not count:
        raise NobodyMatches(said.pattern)
    limit = CHANGED_MAX if request.quiet else TOLD_MAX
    if count > limit:
        raise TooManyMatch(str(count), str(limit))
    return request


def _count(request: Request) -> int:
    subscribers, pattern = request.turn.tx.subscribers, request.arguments.pattern
    return sum(subscribers.count_matching(one.id, pattern) for one in owned_lists(request))


def explain(request: Request) -> str:
    """How many a pattern means; or that the new address will be asked as well."""
    if request.arguments.pattern:
        return request.say("CHANGE_COUNT", COUNT=str(_count(request)))
    return "" if for_another(request) else request.say("CHANGE_BOTH")


def change(request: Request) -> str:
    """Ask the new address; an owner's change, and the operator's, happens at once."""
    moves = _moves(request)
    if request.arguments.pattern or for_another(request):
        return _change_for(request, moves)
    new = moves[0].new
    if request.actor.proof is Proof.OPERATOR or new == request.actor.mailbox:
        return _done(request, new, moves)
    _ask(request, moves)
    return request.say("CHANGE_ASKED", ADDRESS=str(new))


def complete(request: Request, cookie: Cookie) -> str:
    """The new address has agreed: move what is still there of what was asked for."""
    payload = json.loads(cookie.payload)
    moves = tuple(_still_there(request.turn, payload, cookie.mailbox))
    if not moves:
        raise ChangeTooLate(payload["old"])
    return _done(request, cookie.mailbox, moves)


def _moves(request: Request) -> tuple[Move, ...]:
    if request.arguments.pattern:
        return tuple(_matching(request))
    new = request.arguments.new
    return tuple(
        Move(one.mailing_list, one.subscription.id, old, _renewed(old, new))
        for one in targets(request)
        for old in [one.subscription.mailbox]
    )


def _matching(request: Request) -> Iterator[Move]:
    turn, said = request.turn, request.arguments
    for mailing_list in owned_lists(request):
        for subscription_id, old in turn.tx.subscribers.matching(mailing_list.id, said.pattern):
            yield Move(mailing_list, subscription_id, old, _renewed(old, said.new))


def _renewed(old: Mailbox, new: str) -> Mailbox:
    """The new address; `*@host` keeps the old local part."""
    local_part, _, domain = new.rpartition("@")
    # Read again: an old local part and a new host may be too long together.
    return parse_mailbox(str(replace(old, domain=domain)) if local_part == "*" else new)


def _ask(request: Request, moves: tuple[Move, ...]) -> None:
    """Send the new address a code of its own, within the limits that guard third parties."""
    turn, actor, new = request.turn, request.actor, moves[0].new
    limits, budget = turn.settings.limits, turn.tx.budget
    asked_today = budget.spent(actor.mailbox, "change", turn.now, timedelta(days=1))
    if asked_today >= ASKED_A_DAY:
        raise ChangeNotAsked(str(new))
    budget.spend(actor.mailbox, "change", turn.now)
    if turn.tx.cookies.open_count(new, turn.now) >= limits.confirmations_per_address:
        raise ChangeNotAsked(str(new))
    delays = [move.mailing_list.keywords.confirm_delay for move in moves]
    code, until = turn.new_code(), turn.now + min([limits.confirmation_age, *delays])
    origin = (actor.asked or actor.letter or actor).host
    slots = {
        "CODE": code,
        "LISTS": "\n".join(f"    {move.mailing_list.name}" for move in moves),
        "OLD": str(actor.mailbox),
        "NEW": str(new),
        "DATE": moment(actor.asked.at if actor.asked else turn.now),
        "HOST": shown_host(origin) or "unknown",
        "EXPIRES": moment(until),
        "MYADDRESS": str(turn.command_address),
        "SITE": turn.settings.site.domain,
    }
    if not turn.mail(new, "CHANGE_CONFIRM", slots, kind=Kind.CONFIRMATION):
        raise ChangeNotAsked(str(new))
    payload = {"old": str(actor.mailbox), "ids": [move.subscription_id for move in moves]}
    ask = Ask(CookieKind.CHANGE, new, json.dumps(payload, ensure_ascii=False), until, turn.now)
    turn.tx.cookies.issue(ask, code)


def _still_there(turn: Turn, payload: dict[str, object], new: Mailbox) -> Iterator[Move]:
    old, ids = parse_mailbox(str(payload["old"])), payload["ids"]
    for mailing_list, subscription in turn.tx.subscribers.of(old):
        if isinstance(ids, list) and subscription.id in ids:
            yield Move(mailing_list, subscription.id, old, new)


def _done(request: Request, new: Mailbox, moves: tuple[Move, ...]) -> str:
    """A subscriber's change, agreed to: his old address and the owners hear of it."""
    turn, said = request.turn, list[str]()
    moved, left = _apply(turn, moves)
    for move in moved:
        slots = {"OLD": str(move.old), "NEW": str(move.new)}
        turn.tx.renewals.active(move.mailing_list.id, move.new, turn.now)
        tell_owners(turn, move.mailing_list, "CHANGE2", **slots)
    if moved:
        names = ", ".join(move.mailing_list.name for move in moved)
        slots = {"LISTS": names, "ADDRESS": str(new), "SITE": turn.settings.site.domain}
        turn.mail(moved[0].old, "CHANGED_AWAY", slots, kind=Kind.NOTICE, proven=True)
        said.append(request.say("CHANGE_DONE", ADDRESS=str(new), LISTS=names))
    said += [_clash(request, move) for move in left]
    return "\n\n".join(said)


def _change_for(request: Request, moves: tuple[Move, ...]) -> str:
    turn = request.turn
    moved, left = _apply(turn, moves)
    if not request.quiet:
        for move in moved:
            for person in dict.fromkeys((move.old, move.new)):
                slots = {"OLD": str(move.old), "NEW": str(move.new)}
                invoker = str(request.actor.mailbox)
                tell(turn, person, move.mailing_list, "CHANGE1", INVOKER=invoker, **slots)
    said = []
    if request.arguments.pattern:
        said.append(request.say("CHANGE_DONE_MANY", COUNT=str(len(moved))))
    said += [
        request.say(
            "CHANGE_DONE_FOR", LISTNAME=one.mailing_list.name, OLD=str(one.old), NEW=str(one.new)
        )
        for one in moved[:SHOWN_MAX]
    ]
    said += [_clash(request, move) for move in left[:SHOWN_MAX]]
    if len(left) > SHOWN_MAX:
        said.append(request.say("CHANGE_CLASHES", COUNT=str(len(left))))
    return "\n".join(said)


def _clash(request: Request, move: Move) -> str:
    error: UserError = ChangeClash(move.mailing_list.name, str(move.new))
    if not may_join(move.mailing_list.keywords, move.new):
        error = MayNotJoin(move.mailing_list.name, str(move.new))
    return request.say(error.form, **error.slots())


def _apply(turn: Turn, moves: Iterable[Move]) -> tuple[list[Move], list[Move]]:
    """Move what can be; behind it, those whose new address is on the list, or may not be."""
    subscribers = turn.tx.subscribers
    moved, left = list[Move](), list[Move]()
    for move in moves:
        there = subscribers.find(move.mailing_list.id, move.new)
        is_anothers = there is not None and there.id != move.subscription_id
        if is_anothers or not may_join(move.mailing_list.keywords, move.new):
            left.append(move)
            continue
        subscribers.move(move.subscription_id, move.new)
        turn.tx.changelog.note(move.mailing_list, Verb.CHANGE, move.old, str(move.new), turn.now)
        moved.append(move)
    return moved, left


CHANGE = Command(
    keyword="CHANGE",
    syntax="listname|* change",
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ALWAYS,
    handler=change,
    prepare=prepare,
    explain=explain,
    takes_quiet=True,
    compat=(
        "Confirmed by the old address, then by the new one: neither a forged From nor a slip"
        " moves anybody's mail. An address that is on the list already is said to be."
    ),
)
