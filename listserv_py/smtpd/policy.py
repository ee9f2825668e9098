"""Who may come in: the RCPT decision, and what is refused once the mail is here. Pure.

Nothing here depends on who subscribes to what: a stranger who tries addresses learns no member. It
is never a relay, because what is not an address of this server is nobody's (RFC 5321 7.9).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from listserv_py.lists.access import Access
from listserv_py.lists.addresses import Destination, Door
from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox
from listserv_py.smtpd import replies
from listserv_py.smtpd.replies import SmtpReply

_OWNERS_WORDS = frozenset({Access.OWNER, Access.POSTMASTER})


def judge(
    rcpt: Mailbox,
    domain: str,
    destination: Destination | None,
    mailing_list: MailingList | None,
    size: int | None = None,
) -> SmtpReply | None:
    """The answer to RCPT, None for welcome.

    `destination`: what `lists.addresses.route` says of `rcpt`; `mailing_list`: what the store has
    under its listname; `size`: what the client declared.
    """
    if rcpt.domain != domain.lower():
        return replies.NO_RELAY
    if destination is None:
        return replies.UNKNOWN_ADDRESS
    if destination.listname is None:
        return None
    if mailing_list is None:
        return replies.UNKNOWN_ADDRESS
    if destination.door is not Door.POST:
        return None
    # In a storm mail is taken and waits, so that whoever asks to be removed is told how at once.
    if mailing_list.held and not mailing_list.by_storm:
        return replies.LIST_HELD
    return None if _leads_on(mailing_list) else _too_big(mailing_list, size)


@dataclass(frozen=True, slots=True)
class AliasFacts:
    """What is known of the alias that a mail is for, and how much of it is taken.

    `known`: it leads to somebody; `spent`: mails that went that way within the hour.
    """

    known: bool
    spent: int
    most: int
    size_max: int


def judge_alias(alias: AliasFacts, size: int | None) -> SmtpReply | None:
    """The answer to mail for an author behind his alias, None for welcome.

    Refused here, what is too much stays with its sender: nothing is lost, and nobody gets a bounce
    from us.
    """
    if not alias.known:
        return replies.UNKNOWN_ADDRESS
    if (size or 0) > alias.size_max:
        return replies.TOO_BIG_FOR_ALIAS
    return replies.ALIAS_BUSY if alias.spent >= alias.most else None


def judge_post(
    mailing_list: MailingList,
    size: int,
    writers: Collection[Mailbox],
    postmasters: Collection[Mailbox],
) -> SmtpReply | None:
    """The answer to a whole post, None for welcome; to be asked where nobody else gets the mail.

    `writers` are the reverse-path and the author of the From line: an owner whose mail came by a
    forwarder has another reverse-path. Which of them is really the writer is asked later.
    """
    if _leads_on(mailing_list):
        return None
    too_big = _too_big(mailing_list, size)
    if too_big is not None:
        return too_big
    if not is_for_owners_only(mailing_list):
        return None
    owners = {owner.mailbox for owner in mailing_list.keywords.owners}
    if owners.isdisjoint(writers) and set(postmasters).isdisjoint(writers):
        return replies.OWNERS_ONLY
    return None


def is_picky(mailing_list: MailingList) -> bool:
    """Whether `judge_post` can refuse anything; mostly not, and then a post need not be read."""
    picky = mailing_list.keywords.sizelim is not None or is_for_owners_only(mailing_list)
    return picky and not _leads_on(mailing_list)


def is_for_owners_only(mailing_list: MailingList) -> bool:
    """Whether nobody but the owners and postmasters may post, not even past a moderator."""
    send = mailing_list.keywords.send
    return (
        not send.editor
        and bool(send.access)
        and all(level.access in _OWNERS_WORDS and not level.listname for level in send.access)
    )


def _leads_on(mailing_list: MailingList) -> bool:
    """Whether its posts go to another list, whose rules are asked when they are worked off."""
    return bool(mailing_list.keywords.new_list)


def _too_big(mailing_list: MailingList, size: int | None) -> SmtpReply | None:
    limit = mailing_list.keywords.sizelim
    return replies.TOO_BIG_FOR_LIST if limit is not None and (size or 0) > limit else None
