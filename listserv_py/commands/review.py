"""REVIEW, SCAN and STATS: what a list shows of itself and of the people on it.

`Review=` and `Stats=` say to whom, and whoever is not on the list confirms first: thirty bytes with
a forged From must not call down megabytes on somebody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.rights import elsewhere, is_owner, is_proven, roles, visible_list
from listserv_py.commands.syntax import fold
from listserv_py.errors import ReviewDenied, UnknownSwitch
from listserv_py.lists.access import AccessLevel
from listserv_py.lists.headertext import shown_lines
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.roles import STAFF, Role, may

OUTPUT_MAX = 500_000
STARS_MAX = 8


def prepare_review(request: Request) -> Request:
    """Refuse whom `Review=` keeps out, and orders that there are not."""
    found = visible_list(request)
    _refuse(request, found, found.keywords.review)
    _order(request)
    return request


def prepare_stats(request: Request) -> Request:
    """Refuse whom `Stats=` keeps out."""
    found = visible_list(request)
    _refuse(request, found, found.keywords.stats)
    return request


def weigh_review(request: Request) -> Confirm:
    """A subscriber who needs no other right asks as `Validate=` lets him; others are proven."""
    if "ALL" in request.arguments.switches:
        return Confirm.UNLESS_PROVEN
    return _weigh(request, visible_list(request).keywords.review)


def weigh_stats(request: Request) -> Confirm:
    """The same for `Stats=`."""
    return _weigh(request, visible_list(request).keywords.stats)


def _refuse(request: Request, found: MailingList, access: Collection[AccessLevel]) -> None:
    have = roles(request.turn, request.actor, found)
    known = elsewhere(request.turn, request.actor)
    is_owners = bool(have & {Role.OWNER, Role.POSTMASTER})
    if not is_owners and not may(access, request.actor.mailbox, have, known):
        raise ReviewDenied(found.name)


def _weigh(request: Request, access: Collection[AccessLevel]) -> Confirm:
    have = roles(request.turn, request.actor, visible_list(request))
    known = replace(elsewhere(request.turn, request.actor), owned=frozenset())
    enough = may(access, request.actor.mailbox, have - STAFF, known)
    return Confirm.ORDINARY if enough and Role.SUBSCRIBER in have else Confirm.UNLESS_PROVEN


def review(request: Request) -> str:
    """The list's header and subscribers; concealed ones only to a proven owner."""
    found, switches = visible_list(request), request.arguments.switches
    people = list(request.turn.tx.subscribers.on_list(found.id))
    shown = _shown(request, found, people)
    said = ["\n".join(shown_lines(found.header.lines))] if "NOHEADER" not in switches else []
    if "COUNTRIES" in switches or _by(request)[:1] == ("COUNTRY",):
        said.append(_countries(shown))
    elif "SHORT" not in switches and shown:
        order = _order(request)
        rows = sorted(shown, key=order) if order else shown
        said.append(_rows(request, found, rows))
    concealed = sum(one.options.conceal for one in people)
    said.append(
        request.say(
            "REVIEW_TOTALS",
            LISTNAME=found.name,
            CONCEALED=str(concealed),
            TOTAL=str(len(shown)),
            WHICH="" if _sees_all(request, found) else ' (non-"concealed" only)',
        )
    )
    return "\n\n".join(said)


def scan(request: Request) -> str:
    """Whoever has the text in his name or address."""
    found, text = visible_list(request), request.arguments.name
    if text.count("*") > STARS_MAX:
        raise UnknownSwitch(text[:40])
    shown = _shown(request, found, request.turn.tx.subscribers.containing(found.id, text))
    if not shown:
        return request.say("SCAN_NONE", LISTNAME=found.name)
    rows = _rows(request, found, shown)
    return request.say("SCAN", COUNT=str(len(shown)), LISTNAME=found.name, ROWS=rows)


def stats(request: Request) -> str:
    """How many read the list, and how much it sent out today."""
    found, tx = visible_list(request), request.turn.tx
    return request.say(
        "STATS",
        LISTNAME=found.name,
        COUNT=str(tx.subscribers.count(found.id)),
        MAILED=str(tx.subscribers.receivers(found.id)),
        POSTS=str(tx.posts.count_today(found.id, request.turn.now)),
    )


def _shown(
    request: Request, found: MailingList, people: Iterable[Subscription]
) -> list[Subscription]:
    sees_all = _sees_all(request, found)
    return [one for one in people if sees_all or not one.options.conceal]


def _sees_all(request: Request, found: MailingList) -> bool:
    return is_proven(request) and is_owner(request.turn, request.actor, found)


def _rows(request: Request, found: MailingList, people: Iterable[Subscription]) -> str:
    """A row each; they end where the answer would grow too large."""
    width, size, rows = max(0, found.keywords.indent - 3), 0, list[str]()
    for one in people:
        row = f"{one.mailbox!s:<{width}}  {one.name}".rstrip()
        size += len(row) + 1
        if size > OUTPUT_MAX:
            rows.append(request.say("JOB_CUT"))
            break
        rows.append(row)
    return "\n".join(rows)


def _countries(people: Iterable[Subscription]) -> str:
    """How many of each top-level domain, most first."""
    found = Counter(_country(one) for one in people)
    rows = sorted(found.items(), key=lambda item: (-item[1], item[0]))
    return "\n".join(f"{name:<16} {count:>7}" for name, count in rows) or "-"


def _country(one: Subscription) -> str:
    return one.mailbox.domain.rpartition(".")[2].upper()


_KEYS: Mapping[str, Callable[[Subscription], str]] = {
    "Name": lambda one: one.name.rpartition(" ")[2].upper(),
    "Userid": lambda one: one.mailbox.key,
    "NODEid": lambda one: one.mailbox.domain,
    "Date": lambda one: one.subscribed_at.isoformat(),
    "Country": _country,
}


def _by(request: Request) -> tuple[str, ...]:
    """The words behind BY, whole and in capitals."""
    words = request.arguments.switches
    return words[words.index("BY") + 1 :] if "BY" in words else ()


def _order(request: Request) -> Callable[[Subscription], tuple[str, ...]] | None:
    """What BY sorts by; None without it."""
    named = {fold(name): key for name, key in _KEYS.items()}
    keys = [named[word] for word in _by(request) if word in named]
    if "BY" in request.arguments.switches and not keys:
        raise UnknownSwitch("BY")
    return (lambda one: tuple(key(one) for key in keys)) if keys else None


REVIEW = Command(
    keyword="REView",
    syntax="listname [(switches]",
    switches=("Short", "NOHeader", "ALL", "BY", "Countries", *_KEYS, "LOCal", "Msg"),
    summary="Show a list's header and its subscribers",
    details=(
        "Options: SHORT shows numbers only, NOHEADER leaves the header out, COUNTRIES counts"
        " top-level domains, BY NAME, USERID, NODEID, DATE or COUNTRY sorts, ALL (owners) shows"
        " concealed subscribers too. The list's Review= says who may ask."
    ),
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=review,
    prepare=prepare_review,
    weigh=weigh_review,
)

SCAN = Command(
    keyword="SCAN",
    syntax="listname text",
    summary="Look for subscribers by a part of their name or address",
    details="The list's Review= says who may ask; owners find concealed subscribers too.",
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=scan,
    prepare=prepare_review,
    weigh=weigh_review,
)

STATS = Command(
    keyword="STats",
    syntax="listname [(switches]",
    switches=("RESET",),
    summary="Tell how many a list has, and how much it sends",
    details="The list's Stats= says who may ask. RESET has nothing to reset here.",
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=stats,
    prepare=prepare_stats,
    weigh=weigh_stats,
)
