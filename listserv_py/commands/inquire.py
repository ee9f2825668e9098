"""Commands that only tell: HELP, INFO, LISTS, REVIEW, RELEASE, THANKS.

REVIEW is the one that shows people to others: `Review=` says to whom, and whoever is not on the
list confirms first: thirty bytes with a forged From must not call down megabytes on somebody.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from textwrap import fill

from listserv_py import __version__
from listserv_py.commands.card import card
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.rights import (
    elsewhere,
    is_owner,
    is_proven,
    is_visible,
    roles,
    visible_list,
)
from listserv_py.commands.syntax import fold
from listserv_py.errors import ReviewDenied, UnknownTopic
from listserv_py.lists.addresses import is_listname
from listserv_py.lists.headertext import shown_lines
from listserv_py.lists.model import Subscription
from listserv_py.lists.roles import STAFF, Role, may
from listserv_py.lists.values import SubscriptionPolicy

OUTPUT_MAX = 500_000
WIDTH = 72


def help_(request: Request) -> str:
    """All commands, or one of them."""
    word = request.arguments.text
    if not word:
        commands = "\n".join(f"{unit.line}\n    {unit.summary}" for unit in request.table.units)
        return request.say("HELP", COMMANDS=commands, MYADDRESS=str(request.turn.command_address))
    unit = request.table.find(word)
    if unit is None:
        raise UnknownTopic(fold(word)[:40])
    return request.say(
        "HELP_ONE",
        SYNTAX=unit.line,
        SUMMARY=unit.summary,
        DETAILS=fill(unit.details or request.say("HELP_NO_DETAILS"), WIDTH),
        SYNONYMS=", ".join(unit.synonyms) or "-",
        MORE=unit.table_in_help,
    ).rstrip()


def info(request: Request) -> str:
    """What there is to know about a list, or about this server."""
    word = request.arguments.text
    if not word:
        return request.say("INFO_TOPICS", MYADDRESS=str(request.turn.command_address))
    if fold(word) == "REFCARD":
        return card(request.table)
    found = request.turn.tx.lists.find(word) if is_listname(word) else None
    if found is None or not is_visible(request.turn, request.actor, found):
        raise UnknownTopic(fold(word)[:40])
    said = request.say(
        "INFO",
        LISTNAME=found.name,
        TITLE=found.title,
        LISTADDR=str(found.address),
        MYADDRESS=str(request.turn.command_address),
        REQUEST=f"{found.name.lower()}-request@{found.domain}",
        JOINING=request.say(
            f"INFO_{_JOINING[found.keywords.subscription.policy]}", LISTNAME=found.name
        ),
    )
    own = request.turn.tx.templates.find(found.id, "INFO")
    return f"{own}\n\n{said}" if own else said


_JOINING = {
    SubscriptionPolicy.OPEN: "OPEN",
    SubscriptionPolicy.BY_OWNER: "BY_OWNER",
    SubscriptionPolicy.CLOSED: "CLOSED",
}


def lists(request: Request) -> str:
    """The lists of this server that the sender may know of."""
    everywhere = request.turn.tx.lists.all()
    shown = [one for one in everywhere if is_visible(request.turn, request.actor, one)]
    width = max((len(one.name) for one in shown), default=0)
    rows = "\n".join(f"{one.name:<{width}}  {one.title}" for one in shown)
    return request.say("LISTS", LISTS=rows or "-", SITE=request.turn.settings.site.domain)


def prepare_review(request: Request) -> Request:
    """Refuse whom `Review=` keeps out."""
    found = visible_list(request)
    have = roles(request.turn, request.actor, found)
    access, who = found.keywords.review, request.actor.mailbox
    known = elsewhere(request.turn, request.actor)
    if not have & {Role.OWNER, Role.POSTMASTER} and not may(access, who, have, known):
        raise ReviewDenied(found.name)
    return request


def weigh_review(request: Request) -> Confirm:
    """A subscriber who needs no other right asks as `Validate=` lets him; others are proven."""
    found = visible_list(request)
    have = roles(request.turn, request.actor, found)
    known = replace(elsewhere(request.turn, request.actor), owned=frozenset())
    enough = may(found.keywords.review, request.actor.mailbox, have - STAFF, known)
    if enough and Role.SUBSCRIBER in have and "ALL" not in request.arguments.switches:
        return Confirm.ORDINARY
    return Confirm.UNLESS_PROVEN


def review(request: Request) -> str:
    """The list's header and subscribers; concealed ones only to a proven owner."""
    found, switches = visible_list(request), request.arguments.switches
    sees_all = is_proven(request) and is_owner(request.turn, request.actor, found)
    people = request.turn.tx.subscribers.on_list(found.id)
    roster = _count(people, found.keywords.indent, sees_all=sees_all)
    said = ["\n".join(shown_lines(found.header.lines))] if "NOHEADER" not in switches else []
    if "SHORT" not in switches and roster.rows:
        said.append("\n".join(roster.rows))
    said.append(
        request.say(
            "REVIEW_TOTALS",
            LISTNAME=found.name,
            CONCEALED=str(roster.concealed),
            TOTAL=str(roster.total if sees_all else roster.total - roster.concealed),
            WHICH="" if sees_all else ' (non-"concealed" only)',
        )
    )
    return "\n\n".join(said)


@dataclass(frozen=True, slots=True)
class Roster:
    """What REVIEW tells of the subscribers; the rows end where the answer would grow too large."""

    rows: tuple[str, ...]
    total: int
    concealed: int


def _count(people: Iterable[Subscription], column: int, *, sees_all: bool) -> Roster:
    rows: list[str] = []
    size, total, concealed = 0, 0, 0
    for one in people:
        total += 1
        concealed += one.options.conceal
        if size > OUTPUT_MAX or (one.options.conceal and not sees_all):
            continue
        row = f"{one.mailbox!s:<{max(0, column - 3)}}  {one.name}".rstrip()
        size += len(row) + 1
        rows.append(row if size <= OUTPUT_MAX else "(and more: the answer ends here)")
    return Roster(tuple(rows), total, concealed)


def release(request: Request) -> str:
    """Which program this is, and who looks after it."""
    return request.say(
        "RELEASE",
        VERSION=__version__,
        SITE=request.turn.settings.site.domain,
        POSTMASTERS=f"postmaster@{request.turn.settings.site.domain}",
    )


def thanks(request: Request) -> str:
    """The classic sign of life."""
    return request.say("THANKS")


HELP = Command(
    keyword="Help",
    syntax="[topic]",
    summary="Show the commands, or explain one",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=help_,
)

INFO = Command(
    keyword="Info",
    syntax="[topic]",
    summary="Tell about a list, or show the reference card (INFO REFCARD)",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=info,
)

LISTS = Command(
    keyword="Lists",
    syntax="",
    summary="Show the lists of this server",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=lists,
)

REVIEW = Command(
    keyword="REView",
    syntax="listname [(switches]",
    switches=("Short", "NOHeader", "ALL"),
    summary="Show a list's header and its subscribers",
    details=(
        "Options: SHORT shows numbers only, NOHEADER leaves the header out, ALL (owners) shows"
        " concealed subscribers too. The list's Review= says who may ask."
    ),
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=review,
    prepare=prepare_review,
    weigh=weigh_review,
)

RELEASE = Command(
    keyword="RELEASE",
    syntax="",
    summary="Tell which program this is",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=release,
)

THANKS = Command(
    keyword="THANKs",
    syntax="",
    summary="Get a friendly answer: a sign of life",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=thanks,
)
