"""`New-List=` for commands: what people ask of a list that has another name now goes to that one.

Owners' commands stay with the list that they name, so that its header and its roster can be put in
order; and so does what somebody does to a subscription that he still has there.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands.command import Privilege, Request
from listserv_py.commands.errors import ListMoved
from listserv_py.commands.rights import for_another, is_visible
from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.newlist import successor

_PEOPLES = (Privilege.ANYBODY, Privilege.SUBSCRIBER)


def followed(request: Request) -> Request:
    """The request, about the new list where the named one has another name now."""
    turn, command, listname = request.turn, request.command, request.arguments.listname
    old = turn.tx.lists.find(listname) if listname and command.privilege in _PEOPLES else None
    if old is None or not old.keywords.new_list or for_another(request):
        return request
    if not is_visible(turn, request.actor, old) or _is_his(request, old):
        return request
    new, said = stands_for(request, old)
    if new is old:
        return request
    return replace(
        request,
        arguments=replace(request.arguments, listname=new.name),
        command=replace(
            command,
            handler=lambda one: f"{said}\n{command.handler(one)}",
            explain=lambda one: f"{said}\n{command.explain(one)}".rstrip(),
        ),
    )


def stands_for(request: Request, old: MailingList) -> tuple[MailingList, str]:
    """The list under its present name, and the sentence that says so ("" for its own)."""
    new = successor(request.turn, old)
    if isinstance(new, Mailbox):
        raise ListMoved(old.name, str(new))
    if new is None:
        return old, ""
    return new, request.say("LIST_RENAMED", LISTNAME=new.name, OLDNAME=old.name)


def _is_his(request: Request, old: MailingList) -> bool:
    """Whether the command is about a subscription, and the sender has one to the old list."""
    own = request.turn.tx.subscribers.find(old.id, request.actor.mailbox)
    return request.command.privilege is Privilege.SUBSCRIBER and own is not None
