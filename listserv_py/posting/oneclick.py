"""Which lists give each reader a link that ends his subscription (RFC 8058)."""

from __future__ import annotations

from dataclasses import replace

from listserv_py.lists.model import MailingList
from listserv_py.mail.listheaders import ListFacts
from listserv_py.store.turn import Turn

LARGE = 1000
"""With more subscribers than this a list is one whose readers large providers want it for."""


def with_one_click(turn: Turn, mailing_list: MailingList, facts: ListFacts) -> ListFacts:
    """The facts, saying where the links of a list that wants them begin.

    Each such copy is signed by itself, so small discussion lists go without. A provider heeds the
    link only where a signature covers it (RFC 8058 4): a list that is not signed has none.
    """
    base = turn.settings.web.base_url
    if not base or not facts.signed or not _wanted(turn, mailing_list, facts):
        return facts
    return replace(facts, one_click=f"{base.rstrip('/')}/u/")


def _wanted(turn: Turn, mailing_list: MailingList, facts: ListFacts) -> bool:
    misc = mailing_list.keywords.misc
    if misc & {"ONE_CLICK", "NO_ONE_CLICK"}:
        return "ONE_CLICK" in misc
    return facts.send_closed or turn.tx.subscribers.is_over(mailing_list.id, LARGE)
