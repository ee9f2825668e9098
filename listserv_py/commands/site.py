"""What postmasters do to the whole server by mail: OFFLINE, ONLINE, SF, RESUME, DROP.

OFFLINE is a HOLD of every list that is not held already, so that posts wait where they always do
and commands are taken; ONLINE frees those lists again, and no other.
"""

from __future__ import annotations

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.notices import tell
from listserv_py.errors import UnknownList
from listserv_py.lists.holding import BY_OFFLINE, HeldFor
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners
from listserv_py.maillog import get_logger
from listserv_py.texts.dates import day

log = get_logger("commands")

SHOWN = 50


def offline(request: Request) -> str:
    """Hold all lists."""
    lists = request.turn.tx.lists
    found = [one for one in lists.all() if not one.held]
    for one in found:
        lists.hold(one, BY_OFFLINE)
    log.warning("commands.offline", by=str(request.actor.mailbox), lists=len(found))
    return request.say("OFFLINE_DONE", COUNT=str(len(found)))


def online(request: Request) -> str:
    """Free them."""
    tx, waited = request.turn.tx, 0
    found = tx.lists.held_for(BY_OFFLINE)
    for one in found:
        tx.lists.free(one)
        waited += tx.spool.resume(one.id, HeldFor.FREE)
    log.warning("commands.online", by=str(request.actor.mailbox), lists=len(found))
    return request.say("ONLINE_DONE", COUNT=str(len(found)), WAITED=str(waited))


def spool(request: Request) -> str:
    """What waits to be worked off and to go out."""
    tx = request.turn.tx
    waiting = tx.outbox.view(SHOWN + 1)
    rows = [
        f"{one.id:>8}  {one.kind:<12}  {one.listname or '-':<16}  {one.reason}".rstrip()
        for one in waiting[:SHOWN]
    ]
    if len(waiting) > SHOWN:
        rows.append("...")
    return request.say("SPOOL", ASIDE=str(tx.spool.count_aside()), ROWS="\n".join(rows) or "-")


def resume(request: Request) -> str:
    """Try at once what waits for another attempt, and what was set aside."""
    tx = request.turn.tx
    many = tx.outbox.retry() + tx.spool.take_up_again()
    return request.say("RESUME_DONE", COUNT=str(many))


def prepare_drop(request: Request) -> Request:
    """Refuse what is no list."""
    _list(request)
    return request


def explain_drop(request: Request) -> str:
    """How many would be on no list then."""
    found = _list(request)
    count = request.turn.tx.subscribers.count(found.id)
    return request.say("PATTERN_ASKED", COUNT=str(count), LISTNAME=found.name)


def drop(request: Request) -> str:
    """Give a list up, with its subscribers and whatever waits for it."""
    found, turn = _list(request), request.turn
    tx = turn.tx
    for owner in heard_owners(found):
        if owner != request.actor.mailbox:
            tell(turn, owner, found, "LIST_DROPPED", INVOKER=str(request.actor.mailbox))
    for post in tx.spool.held(found.id):
        tx.spool.drop(post.id)
    tx.outbox.drop_posts(found.id)
    tx.lists.remove(found)
    log.warning("commands.drop", by=str(request.actor.mailbox), list=found.name)
    return request.say("DROP_DONE", LISTNAME=found.name, DATE=day(turn.now))


def _list(request: Request) -> MailingList:
    found = request.turn.tx.lists.find(request.arguments.listname)
    if found is None:
        raise UnknownList(request.arguments.listname)
    return found


OFFLINE = Command(
    keyword="OFFLINE",
    syntax="",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=offline,
    compat="Holds the posts of all lists; the other mail of the spool is worked off.",
)

ONLINE = Command(
    keyword="ONLINE",
    syntax="",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=online,
)

SF = Command(
    keyword="SF",
    synonyms=("SPOOL",),
    syntax="",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=spool,
)

RESUME = Command(
    keyword="RESUME",
    syntax="",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=resume,
)

DROP = Command(
    keyword="DROP",
    syntax="listname",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.ALWAYS,
    handler=drop,
    compat="LISTSERV has no command for it.",
    prepare=prepare_drop,
    explain=explain_drop,
)
