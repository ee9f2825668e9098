"""CONFIRM: a subscriber, or an owner for him, says that he wants to stay (`Renewal=`).

It needs no code: whoever forges it keeps somebody on a list that he is on.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.renewing import asks
from listserv_py.commands.rights import Target, for_another, targets
from listserv_py.errors import ExtraWords
from listserv_py.texts.dates import day


def prepare(request: Request) -> Request:
    """Refuse the whole line when one of its lists is wrong; FOR is about one list."""
    if request.arguments.person and request.arguments.others:
        raise ExtraWords(request.arguments.others[0])
    list(_targets(request))
    return request


def weigh(request: Request) -> Confirm:
    """One's own at once, an owner's as all that he does for others."""
    return Confirm.UNLESS_PROVEN if for_another(request) else Confirm.NEVER


def confirm(request: Request) -> str:
    """Start the clocks of these subscriptions anew."""
    turn, said = request.turn, []
    form = "RENEWED_FOR" if for_another(request) else "RENEWED"
    for target in _targets(request):
        whom = target.subscription.mailbox
        turn.tx.renewals.active(target.mailing_list.id, whom, turn.now)
        said.append(request.say(form, LISTNAME=target.mailing_list.name, WHOM=str(whom)))
    return "\n".join(said)


def pending(request: Request, target: Target) -> str:
    """For QUERY: that the subscriber has been asked, and until when he can answer; or nothing."""
    asked_at = request.turn.tx.renewals.asked_at(target.subscription.id)
    if asked_at is None or not asks(target.mailing_list) or not target.subscription.options.renew:
        return ""
    until = asked_at + timedelta(days=max(1, target.mailing_list.keywords.renewal.delay))
    return request.say(
        "QUERY_RENEWAL",
        LISTNAME=target.mailing_list.name,
        DATE=day(asked_at),
        UNTIL=day(until),
        MYADDRESS=str(request.turn.command_address),
    )


def _targets(request: Request) -> Iterator[Target]:
    said = request.arguments
    for listname in dict.fromkeys((said.listname, *said.others)):
        yield from targets(replace(request, arguments=replace(said, listname=listname, others=())))


CONFIRM = Command(
    keyword="CONFIRM",
    syntax="listname [listnames] [FOR address]",
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.NEVER,
    handler=confirm,
    prepare=prepare,
    weigh=weigh,
)
