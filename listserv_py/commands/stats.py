"""STATS: how many read a list, and how much it has sent out; `Stats=` says who may ask."""

from __future__ import annotations

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.notices import day
from listserv_py.commands.review import refuse, weigh
from listserv_py.commands.rights import owned_list, visible_list

RESET = "RESET"


def prepare(request: Request) -> Request:
    """Refuse whom `Stats=` keeps out; only owners begin anew."""
    found = visible_list(request)
    if _resets(request):
        owned_list(request)
    else:
        refuse(request, found, found.keywords.stats)
    return request


def weigh_stats(request: Request) -> Confirm:
    """As REVIEW; whoever begins anew is proven."""
    if _resets(request):
        return Confirm.UNLESS_PROVEN
    return weigh(request, visible_list(request).keywords.stats)


def stats(request: Request) -> str:
    """What has been counted; RESET begins anew once it has been told."""
    found, tx = visible_list(request), request.turn.tx
    counted = tx.stats.of(found.id)
    said = request.say(
        "STATS",
        LISTNAME=found.name,
        COUNT=str(tx.subscribers.count(found.id)),
        MAILED=str(tx.subscribers.receivers(found.id)),
        POSTS=str(tx.posts.count_today(found.id, request.turn.now)),
        TOTAL=str(counted.posts),
        SINCE=day(counted.since),
        LAST=day(counted.last) if counted.last else "-",
    )
    if not _resets(request):
        return said
    tx.stats.reset(found.id, request.turn.now)
    return f"{said}\n\n{request.say('STATS_RESET', LISTNAME=found.name)}"


def _resets(request: Request) -> bool:
    return RESET in request.arguments.switches


STATS = Command(
    keyword="STats",
    syntax="listname [(switches]",
    switches=(RESET,),
    summary="Tell how many a list has, and how much it sends",
    details="The list's Stats= says who may ask. (RESET, for owners, begins to count anew.)",
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=stats,
    prepare=prepare,
    weigh=weigh_stats,
)
