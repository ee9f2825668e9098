"""OK to the notice of a removal: the subscription is there again, as it was.

The code proves the address, and an owner had let the person in before; so `Subscription=` is not
asked again, only whether the list would have him at all (`Filter=`, `Limits=`).
"""

from __future__ import annotations

import json

from listserv_py.commands.command import Request
from listserv_py.errors import MayNotJoin, UnknownCode
from listserv_py.lists.filters import may_join
from listserv_py.lists.options import Options
from listserv_py.store.changelog import Verb
from listserv_py.store.cookies import Cookie


def come_back(request: Request, cookie: Cookie) -> str:
    """Subscribe the person again; nothing is changed for one who has joined anew meanwhile."""
    turn, mailbox = request.turn, cookie.mailbox
    mailing_list = turn.tx.lists.by_id(cookie.list_id) if cookie.list_id is not None else None
    if mailing_list is None:
        raise UnknownCode(request.arguments.code)
    if not may_join(mailing_list.keywords, mailbox):
        raise MayNotJoin(mailing_list.name, str(mailbox))
    if turn.tx.subscribers.find(mailing_list.id, mailbox) is None:
        was = json.loads(cookie.payload)
        options = Options.decode(was["options"])
        turn.tx.subscribers.add(mailing_list.id, mailbox, was["name"], options, turn.now)
        turn.tx.changelog.note(mailing_list, Verb.RESUBSCRIBE, mailbox, was["name"], turn.now)
    return request.say("CAME_BACK", LISTNAME=mailing_list.name, ADDRESS=str(mailbox))
