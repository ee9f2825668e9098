"""REGISTER: one name for all lists of this server.

What is registered serves as the name of a later SUBSCRIBE without one. It changes what others see
of somebody, so that it never happens on the word of a From line.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.manners import kept_name
from listserv_py.commands.syntax import fold
from listserv_py.errors import MissingWord

OFF = "OFF"


def prepare(request: Request) -> Request:
    """Refuse a name of which nothing can be kept."""
    name = kept_name(request.arguments.name)
    if not name:
        raise MissingWord("full name")
    return replace(request, arguments=replace(request.arguments, name=name))


def register(request: Request) -> str:
    """Keep the sender's name and give it to his subscriptions, or forget what he registered."""
    tx, mailbox, name = request.turn.tx, request.actor.mailbox, request.arguments.name
    if fold(name) == OFF:
        return request.say("REGISTER_OFF" if tx.signup.forget(mailbox) else "REGISTER_NONE")
    tx.signup.register(mailbox, name)
    many = tx.subscribers.rename(mailbox, name)
    return request.say("REGISTER_DONE", NAME=name, COUNT=str(many))


REGISTER = Command(
    keyword="REGister",
    syntax="name",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.UNLESS_PROVEN,
    handler=register,
    prepare=prepare,
    compat="Confirmed like an owner's command: it changes what others see of somebody.",
)
