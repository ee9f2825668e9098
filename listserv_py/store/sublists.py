"""The lists behind `Sub-lists=`: all that a post to a super-list reaches."""

from __future__ import annotations

from collections import deque

from listserv_py.lists.model import MailingList
from listserv_py.maillog import get_logger
from listserv_py.store.store import Tx

log = get_logger("lists")

LISTS_MAX = 200


def reached(tx: Tx, mailing_list: MailingList) -> tuple[MailingList, ...]:
    """Its sub-lists and theirs, each once however they name each other, the nearest first."""
    named = deque(mailing_list.keywords.sub_lists)
    seen = {mailing_list.name}
    found: list[MailingList] = []
    while named and len(found) < LISTS_MAX:
        name = named.popleft()
        if name in seen:
            continue
        seen.add(name)
        one = tx.lists.find(name)
        if one is None:
            log.warning("lists.no_sub_list", list=mailing_list.name, sub_list=name)
            continue
        found.append(one)
        named += one.keywords.sub_lists
    if not seen.issuperset(named):
        log.error("lists.too_many_sub_lists", list=mailing_list.name, most=LISTS_MAX)
    return tuple(found)
