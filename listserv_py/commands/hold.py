"""HOLD and FREE: an owner stops his list's posts, or lets them pass again.

A list is also held by its own Daily-Threshold=. What came meanwhile waits in the spool; FREE takes
it up in the order in which it came.
"""

from __future__ import annotations

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.rights import owned_list
from listserv_py.lists.holding import HeldFor


def prepare(request: Request) -> Request:
    """Refuse strangers before any code is asked for."""
    owned_list(request)
    return request


def hold(request: Request) -> str:
    """Stop the list's posts."""
    mailing_list = owned_list(request)
    if mailing_list.held:
        return request.say("HOLD_ALREADY", LISTNAME=mailing_list.name)
    reason = request.say("HELD_BY", WHOM=str(request.actor.mailbox))
    request.turn.tx.lists.hold(mailing_list, reason)
    return request.say("HOLD_DONE", LISTNAME=mailing_list.name)


def free(request: Request) -> str:
    """Let the list's posts pass, those first that have waited for it."""
    tx, mailing_list = request.turn.tx, owned_list(request)
    if not mailing_list.held:
        return request.say("FREE_ALREADY", LISTNAME=mailing_list.name)
    tx.lists.free(mailing_list)
    waited = tx.spool.resume(mailing_list.id, HeldFor.FREE)
    return request.say("FREE_DONE", LISTNAME=mailing_list.name, COUNT=str(waited))


HOLD = Command(
    keyword="HOLD",
    syntax="listname",
    details="Mail to it is put off meanwhile by a 450 reply: its sender's mail server tries again,"
    " for some days mostly. What had come before waits, a week at most, until FREE.",
    privilege=Privilege.OWNER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=hold,
    prepare=prepare,
)

FREE = Command(
    keyword="FREE",
    syntax="listname",
    details="A list is held by HOLD, or when its Daily-Threshold= was reached.",
    privilege=Privilege.OWNER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=free,
    prepare=prepare,
)
