"""Mail to a list's bounce address: reports are counted, people's mail goes to the owners.

Which subscription a report is about is told by the key in the address alone, which only we can
make; a report without a valid key is logged and counts against nobody.
"""

from __future__ import annotations

from listserv_py.bounces.policy import status_of, worst
from listserv_py.bounces.read import read_report
from listserv_py.bounces.report import Returned
from listserv_py.lists.addresses import Destination, Door
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners, owners_of
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.store.leaks import shows_secret
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn

log = get_logger("bounces")


def work(turn: Turn, letter: Letter, destination: Destination) -> None:
    """Take up one mail to `owner-LIST`, `owner-LIST+KEY` or the robot's own bounce address."""
    found = turn.tx.lists.find(destination.listname) if destination.listname else None
    report = read_report(letter.message)
    if report is not None:
        _count(turn, letter, found, destination.key, report)
    elif destination.door is Door.OWN_BOUNCE or found is None:
        log.info("bounce.dropped", spool=letter.spool_id, reason="no list's")
    elif (reason := _no_letter(turn, letter, found)) is not None:
        log.info("bounce.dropped", spool=letter.spool_id, list=found.name, reason=reason)
    elif shows_secret(turn.tx, letter.message, turn.now):
        _return(turn, letter)
    else:
        _forward(turn, letter, found)


def _count(
    turn: Turn,
    letter: Letter,
    mailing_list: MailingList | None,
    key: str | None,
    report: tuple[Returned, ...],
) -> None:
    """Record a report against the subscription that the key names, if it names one."""
    name = mailing_list.name if mailing_list else ""
    opened = turn.tx.verp.open(key, name) if key and mailing_list else None
    subscription = turn.tx.subscribers.by_id(opened.subscription_id) if opened else None
    bad = worst(report)
    if mailing_list is None or subscription is None or subscription.list_id != mailing_list.id:
        log.info("bounce.unattributed", spool=letter.spool_id, list=name)
    elif bad is None:
        log.info("bounce.good_news", spool=letter.spool_id, list=name)
    else:
        status = status_of(bad)
        turn.tx.outbox.note_bounce(subscription, status, bad.text, turn.now)
        log.info("bounce.counted", spool=letter.spool_id, list=name, status=status)


def _no_letter(turn: Turn, letter: Letter, mailing_list: MailingList) -> str | None:
    """Why a mail that is no report is not passed on to the owners, None when it is."""
    message = letter.message
    people: set[Mailbox] = {*turn.postmasters, *owners_of(mailing_list)}
    if message.author is None:
        return "no author"
    if turn.is_own(message.author.mailbox) or message.all("x-lsv-listid"):
        return "this server wrote it"
    if message.is_automatic(letter.reverse_path, people):
        return "automatic"
    return None


def _return(turn: Turn, letter: Letter) -> None:
    """Tell the author of a mail with a password or code in it that the owners were not shown it."""
    log.info("bounce.secret", spool=letter.spool_id)
    author = letter.message.author
    if author is not None:
        slots = {"ADDRESS": str(letter.rcpt), "MYADDRESS": str(turn.command_address)}
        turn.mail(author.mailbox, "REQUEST_PASSWORD", slots, kind=Kind.REPLY, letter=letter)


def _forward(turn: Turn, letter: Letter, mailing_list: MailingList) -> None:
    author = letter.message.author
    slots = {
        "LISTNAME": mailing_list.name,
        "SITE": turn.settings.site.domain,
        "WHOM": str(author.mailbox) if author else "",
    }
    owners = heard_owners(mailing_list)
    for owner in owners:
        turn.mail(
            owner,
            "OWNER_MAIL",
            slots,
            kind=Kind.FORWARD,
            mailing_list=mailing_list,
            attach=letter.message.raw,
        )
    log.info("bounce.forwarded", spool=letter.spool_id, list=mailing_list.name, to=len(owners))
