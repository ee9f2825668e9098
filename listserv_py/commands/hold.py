"""HOLD and FREE: an owner stops his list's posts, or lets them pass again.

A list is also held by its own Daily-Threshold=, and by a storm, which its moderators may end as
well. What came meanwhile waits in the spool; FREE takes it up in the order in which it came.
"""

from __future__ import annotations

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.rights import owned_list, roles, visible_list
from listserv_py.lists.holding import BY_OFFLINE, HeldFor
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import Role


def prepare(request: Request) -> Request:
    """Refuse strangers before any code is asked for."""
    owned_list(request)
    return request


def prepare_free(request: Request) -> Request:
    """Refuse strangers, and moderators where no storm holds the list."""
    _freed(request)
    return request


def hold(request: Request) -> str:
    """Stop the list's posts; where OFFLINE has stopped them already, beyond its end as well."""
    lists, mailing_list = request.turn.tx.lists, owned_list(request)
    if mailing_list.held and mailing_list not in lists.held_for(BY_OFFLINE):
        return request.say("HOLD_ALREADY", LISTNAME=mailing_list.name)
    reason = request.say("HELD_BY", WHOM=str(request.actor.mailbox))
    lists.hold(mailing_list, reason)
    return request.say("HOLD_DONE", LISTNAME=mailing_list.name)


def free(request: Request) -> str:
    """Let the list's posts pass, those first that have waited for it."""
    tx, mailing_list = request.turn.tx, _freed(request)
    if not mailing_list.held:
        return request.say("FREE_ALREADY", LISTNAME=mailing_list.name)
    tx.lists.free(mailing_list)
    if mailing_list.by_storm:
        tx.storms.stop(mailing_list.id, request.turn.now)
    waited = tx.spool.resume(mailing_list.id, HeldFor.FREE)
    return request.say("FREE_DONE", LISTNAME=mailing_list.name, COUNT=str(waited))


def _freed(request: Request) -> MailingList:
    found = visible_list(request)
    if found.by_storm and Role.MODERATOR in roles(request.turn, request.actor, found):
        return found
    return owned_list(request)


HOLD = Command(
    keyword="HOLD",
    syntax="listname",
    privilege=Privilege.OWNER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=hold,
    prepare=prepare,
)

FREE = Command(
    keyword="FREE",
    syntax="listname",
    privilege=Privilege.MODERATOR,
    confirm=Confirm.UNLESS_PROVEN,
    handler=free,
    prepare=prepare_free,
)
