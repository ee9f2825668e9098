"""OK to the notice of a removal: the subscription is there again, as it was.

The code proves the address, and an owner had let the person in before; so `Subscription=` is not
asked again, only whether the list would have him at all (`Filter=`, `Limits=`), and that before the
code is spent: it serves again when there is room.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands.command import Request
from listserv_py.commands.rights import check_room, check_welcome
from listserv_py.errors import UnknownCode
from listserv_py.lists.model import MailingList
from listserv_py.store import departed
from listserv_py.store.changelog import Verb
from listserv_py.store.cookies import Cookie


def check(request: Request, cookie: Cookie) -> None:
    """Refuse whom the list would not have now."""
    mailing_list = _list(request, cookie)
    check_welcome(mailing_list, cookie.mailbox)
    if request.turn.tx.subscribers.find(mailing_list.id, cookie.mailbox) is None:
        check_room(request.turn, mailing_list)


def come_back(request: Request, cookie: Cookie) -> str:
    """Subscribe the person again; nothing is changed for one who has joined anew meanwhile."""
    turn, mailbox, mailing_list = request.turn, cookie.mailbox, _list(request, cookie)
    if turn.tx.subscribers.find(mailing_list.id, mailbox) is None:
        topics = mailing_list.keywords.topics
        was = departed.decode(cookie.payload, topics)
        there = turn.tx.subscribers.add(
            mailing_list.id, mailbox, was.name, was.now_with(topics), turn.now, was.consent
        )
        if was.since is not None:
            turn.tx.subscribers.save(replace(there, subscribed_at=was.since))
        turn.tx.changelog.note(mailing_list, Verb.RESUBSCRIBE, mailbox, was.name, turn.now)
    return request.say("CAME_BACK", LISTNAME=mailing_list.name, ADDRESS=str(mailbox))


def _list(request: Request, cookie: Cookie) -> MailingList:
    found = request.turn.tx.lists.by_id(cookie.list_id) if cookie.list_id is not None else None
    if found is None:
        raise UnknownCode(request.arguments.code)
    return found
