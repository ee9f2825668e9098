"""STATS: how many read a list, and how much it has sent out; `Stats=` says who may ask."""

from __future__ import annotations

from datetime import datetime

from listserv_py.commands import counts
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.review import heft, refuse, weigh
from listserv_py.commands.rights import owned_list, visible_list
from listserv_py.lists.model import MailingList
from listserv_py.texts.dates import day

RESET = "RESET"


def prepare(request: Request) -> Request:
    """Refuse whom `Stats=` keeps out; only owners begin anew or count by kind."""
    found = visible_list(request)
    if _is_owners(request):
        owned_list(request)
    else:
        refuse(request, found, found.keywords.stats)
    return request


def weigh_stats(request: Request) -> Confirm:
    """As REVIEW; who asks for what is the owners' is proven."""
    if _is_owners(request):
        return Confirm.UNLESS_PROVEN
    return weigh(request, visible_list(request).keywords.stats)


def stats(request: Request) -> str:
    """What has been counted; RESET begins anew once it has been told."""
    found, tx = visible_list(request), request.turn.tx
    figures = _figures(request, found)
    if counts.is_csv(request):
        told = [
            (name, f"{value:%Y-%m-%d}" if isinstance(value, datetime) else value)
            for name, value in figures
        ]
        said = counts.as_csv(request, found, told)
    else:
        shown = {
            name.upper(): day(value) if isinstance(value, datetime) else str(value)
            for name, value in figures
        }
        said = "\n\n".join(
            [request.say("STATS", LISTNAME=found.name, **shown), *counts.as_text(request, found)]
        )
    if not _resets(request):
        return said
    tx.stats.reset(found.id, request.turn.now)
    return f"{said}\n\n{request.say('STATS_RESET', LISTNAME=found.name)}"


def _figures(request: Request, found: MailingList) -> list[tuple[str, int | str | datetime]]:
    tx, now = request.turn.tx, request.turn.now
    counted = tx.stats.of(found.id)
    return [
        ("count", tx.subscribers.count(found.id)),
        ("mailed", tx.subscribers.receivers(found.id)),
        ("posts", tx.posts.count_today(found.id, now)),
        ("total", counted.posts),
        ("since", counted.since),
        ("last", counted.last or "-"),
    ]


def _is_owners(request: Request) -> bool:
    return _resets(request) or bool(counts.asked(request))


def _resets(request: Request) -> bool:
    return RESET in request.arguments.switches


STATS = Command(
    keyword="STats",
    syntax="listname [(switches]",
    switches=(RESET, counts.CSV, *counts.TABLES),
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=stats,
    prepare=prepare,
    weigh=weigh_stats,
    weight=heft,
)
