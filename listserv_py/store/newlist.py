"""`New-List=`: which list took a list's place, followed from one to the next."""

from __future__ import annotations

from listserv_py.errors import BadAddress
from listserv_py.lists.addresses import Door, route
from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.maillog import get_logger
from listserv_py.store.turn import Turn

log = get_logger("lists")


def successor(turn: Turn, mailing_list: MailingList) -> MailingList | Mailbox | None:
    """The list that stands for it now, or the address of one elsewhere.

    None: it stands for itself, as it does where its header leads to no list, or back to itself.
    """
    seen, at = {mailing_list.name}, mailing_list
    while at.keywords.new_list:
        found = named(turn, at.keywords.new_list)
        if found is None or (isinstance(found, MailingList) and found.name in seen):
            log.warning("lists.no_new_list", list=mailing_list.name, new=at.keywords.new_list)
            return None
        if isinstance(found, Mailbox):
            return found
        seen.add(found.name)
        at = found
    return None if at is mailing_list else at


def leads_back(turn: Turn, listname: str, new: MailingList | Mailbox) -> bool:
    """Whether the list of that name would be its own successor, were `new` its next."""
    seen = set[str]()
    while isinstance(new, MailingList) and new.name not in seen | {listname}:
        seen.add(new.name)
        after = named(turn, new.keywords.new_list) if new.keywords.new_list else None
        if after is None:
            return False
        new = after
    return isinstance(new, MailingList)


def named(turn: Turn, text: str) -> MailingList | Mailbox | None:
    """What a name or an address in `New-List=` means: a list here, or an address elsewhere."""
    if "@" not in text:
        return turn.tx.lists.find(text)
    try:
        mailbox = parse_mailbox(text)
    except BadAddress:
        return None
    site = turn.settings.site
    found = route(mailbox, domain=site.domain, name=site.name)
    if found is not None and found.door is Door.POST:
        return turn.tx.lists.find(found.listname or "")
    return None if turn.is_own(mailbox) else mailbox
