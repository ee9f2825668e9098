"""REVIEW and SCAN: what a list shows of itself and of the people on it.

`Review=` says to whom, and whoever is not on the list confirms first: thirty bytes with a forged
From must not call down megabytes on somebody. People are rows of text here: a list may have a
million of them, and all of this runs in the writing thread.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.rights import (
    is_owner,
    is_proven,
    owned_list,
    roles,
    visible_list,
)
from listserv_py.commands.syntax import fold
from listserv_py.errors import ReviewDenied, UnknownSwitch
from listserv_py.lists.access import AccessLevel
from listserv_py.lists.headertext import shown_lines
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import STAFF, Role, may
from listserv_py.store.roll import Row, Wanted
from listserv_py.store.standing import standing
from listserv_py.store.sublists import reached

OUTPUT_MAX = 500_000
ROW_MIN = 8
"""Fewer letters has no row, so that this many rows are all that can be shown of any list."""
ROWS_MAX = OUTPUT_MAX // ROW_MIN
STARS_MAX = 8
PEOPLE_A_LINE = 20_000
"""So many subscribers of a list make a line about it one that means many people."""
HEFT_MAX = 20
"""As no more of those any line counts, so that others of the mail are read behind it."""
OWNERS_OWN = frozenset({"ALL", "RCPT"})
"""Switches that only owners may use."""


def heft(request: Request) -> int:
    """A roster is read whole for each line, so that a mail may have few about a long one."""
    people = request.turn.tx.subscribers.count(visible_list(request).id)
    return min(people // PEOPLE_A_LINE, HEFT_MAX)


def prepare_review(request: Request) -> Request:
    """Refuse whom `Review=` keeps out, and orders that there are not."""
    found = visible_list(request)
    refuse(request, found, found.keywords.review)
    if OWNERS_OWN & set(request.arguments.switches):
        owned_list(request)
    _order(request)
    return request


def weigh_review(request: Request) -> Confirm:
    """A subscriber who needs no other right asks as `Validate=` lets him; others are proven."""
    if OWNERS_OWN & set(request.arguments.switches):
        return Confirm.UNLESS_PROVEN
    return weigh(request, visible_list(request).keywords.review)


def refuse(request: Request, found: MailingList, access: Collection[AccessLevel]) -> None:
    """Refuse whom an access level of the list keeps out; never its owners."""
    have = roles(request.turn, request.actor, found)
    known = standing(request.turn.tx, request.actor.mailbox, access)
    is_owners = bool(have & {Role.OWNER, Role.POSTMASTER})
    if not is_owners and not may(access, request.actor.mailbox, have, known):
        raise ReviewDenied(found.name)


def weigh(request: Request, access: Collection[AccessLevel]) -> Confirm:
    """What somebody has to prove who asks by that access level."""
    have = roles(request.turn, request.actor, visible_list(request))
    known = replace(standing(request.turn.tx, request.actor.mailbox, access), owned=frozenset())
    enough = may(access, request.actor.mailbox, have - STAFF, known)
    return Confirm.ORDINARY if enough and Role.SUBSCRIBER in have else Confirm.UNLESS_PROVEN


def review(request: Request) -> str:
    """The list's header and subscribers; concealed ones only to a proven owner."""
    found, switches = visible_list(request), request.arguments.switches
    wanted = _wanted(request, found)
    said = ["\n".join(shown_lines(found.header.lines))] if "NOHEADER" not in switches else []
    if "TOPICS" in switches:
        said.append(_topics(request, found, wanted))
    elif "COUNTRIES" in switches or _by(request)[:1] == ("COUNTRY",):
        said.append(_countries(request, wanted))
    elif "SHORT" not in switches:
        rows = _rows(request, found, _sorted(request, wanted))
        said += [rows] if rows else []
    return "\n\n".join([*said, _totals(request, found, wanted)])


def _totals(request: Request, found: MailingList, wanted: Wanted) -> str:
    roll = request.turn.tx.roll
    if wanted.reading:
        own = request.say("REVIEW_RCPT", LISTNAME=found.name, TOTAL=str(roll.count(wanted)))
        return f"{own}\n{_below(request, found)}".rstrip()
    everybody = roll.count(replace(wanted, visible=False))
    shown = roll.count(replace(wanted, visible=True))
    return request.say(
        "REVIEW_TOTALS",
        LISTNAME=found.name,
        CONCEALED=str(everybody - shown),
        TOTAL=str(shown if wanted.visible else everybody),
        WHICH=' (non-"concealed" only)' if wanted.visible else "",
    )


def _below(request: Request, found: MailingList) -> str:
    """How many more a post reaches by each of the sub-lists; their names are for those owners."""
    below = reached(request.turn.tx, found)
    if not below:
        return ""
    counts = request.turn.tx.reach.expected([one.id for one in (found, *below)])
    width = max(len(one.name) for one in below)
    pairs = zip(below, counts[1:], strict=True)
    rows = "\n".join(f"    {one.name:<{width}} {count:>7}" for one, count in pairs)
    return request.say("REVIEW_RCPT_BELOW", ROWS=rows, TOTAL=str(sum(counts)))


def scan(request: Request) -> str:
    """Whoever has the text in his name or address."""
    found, text = visible_list(request), request.arguments.name
    if text.count("*") > STARS_MAX:
        raise UnknownSwitch(text[:40])
    roll, wanted = request.turn.tx.roll, replace(_wanted(request, found), text=text)
    rows = _rows(request, found, roll.rows(wanted))
    if not rows:
        return request.say("SCAN_NONE", LISTNAME=found.name)
    return request.say("SCAN", COUNT=str(roll.count(wanted)), LISTNAME=found.name, ROWS=rows)


def _wanted(request: Request, found: MailingList) -> Wanted:
    reading = "RCPT" in request.arguments.switches
    return Wanted(found.id, visible=not _sees_all(request, found), reading=reading)


def _sees_all(request: Request, found: MailingList) -> bool:
    return is_proven(request) and is_owner(request.turn, request.actor, found)


def _rows(request: Request, found: MailingList, people: Iterable[Row]) -> str:
    """A row each; they end where the answer would grow too large."""
    width, size, rows = max(0, found.keywords.indent - 3), 0, list[str]()
    for address, name, _ in people:
        row = f"{address:<{width}}  {name}".rstrip()
        size += len(row) + 1
        if size > OUTPUT_MAX:
            rows.append(request.say("JOB_CUT"))
            break
        rows.append(row)
    return "\n".join(rows)


def _topics(request: Request, found: MailingList, wanted: Wanted) -> str:
    """How many want each of the list's topics."""
    names = ("Other", *found.keywords.topics)
    counts = request.turn.tx.roll.by_topic(wanted, len(found.keywords.topics))
    rows = list(zip(names, counts, strict=True))
    width = max(map(len, names))
    return "\n".join(f"{name:<{width}} {count:>7}" for name, count in [*rows[1:], rows[0]])


def _countries(request: Request, wanted: Wanted) -> str:
    """How many of each top-level domain, most first."""
    rows = request.turn.tx.roll.by_country(wanted)
    return "\n".join(f"{name:<16} {count:>7}" for name, count in rows) or "-"


def _country(row: Row) -> str:
    return row[0].rpartition(".")[2].upper()


Key = Callable[[Row], str | int]
_KEYS: Mapping[str, Key] = {
    "Name": lambda row: row[1].rpartition(" ")[2].upper(),
    "Userid": lambda row: row[0].lower(),
    "NODEid": lambda row: row[0].rpartition("@")[2],
    "Date": lambda row: row[2],
    "Country": _country,
}


def _by(request: Request) -> tuple[str, ...]:
    """The words behind BY, whole and in capitals."""
    words = request.arguments.switches
    return words[words.index("BY") + 1 :] if "BY" in words else ()


def _order(request: Request) -> tuple[Key, ...]:
    """What BY sorts by; nothing without it."""
    named = {fold(name): key for name, key in _KEYS.items()}
    keys = tuple(named[word] for word in _by(request) if word in named)
    if "BY" in request.arguments.switches and not keys:
        raise UnknownSwitch("BY")
    return keys


def _sorted(request: Request, wanted: Wanted) -> Iterator[Row]:
    """The people in the order that BY names, or in that of joining."""
    rows, keys = request.turn.tx.roll.rows(wanted), _order(request)
    return _first(rows, lambda row: tuple(key(row) for key in keys)) if keys else rows


def _first(rows: Iterator[Row], order: Callable[[Row], tuple[str | int, ...]]) -> Iterator[Row]:
    """As many as can be shown, in that order; few more are held at a time."""
    kept: list[Row] = []
    while more := list(islice(rows, ROWS_MAX)):
        kept = sorted([*kept, *more], key=order)[:ROWS_MAX]
    return iter(kept)


REVIEW = Command(
    keyword="REView",
    syntax="listname [(switches]",
    switches=(
        *("Short", "NOHeader", "ALL", "BY", "Countries", *_KEYS),
        *("TOPICS", "RCPT", "LOCal", "Msg"),
    ),
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=review,
    prepare=prepare_review,
    is_about_files=True,
    weigh=weigh_review,
    weight=heft,
)

SCAN = Command(
    keyword="SCAN",
    syntax="listname text",
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=scan,
    prepare=prepare_review,
    weigh=weigh_review,
    weight=heft,
)
