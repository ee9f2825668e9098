"""Mail to a list's bounce address: reports are noted, people's mail goes to the owners.

Which subscription a report is about is told by a key alone, which only we can make: of a copy
(VERP) or of a probe. A report without one is shown to the owners and held against nobody. Nothing
that comes here is ever answered.
"""

from __future__ import annotations

from datetime import timedelta

from listserv_py.bounces import jobs
from listserv_py.bounces.policy import PASSED_ON_A_DAY, status_of, worst
from listserv_py.bounces.read import read_report
from listserv_py.bounces.removing import complained
from listserv_py.bounces.report import Kind, Report, Returned, quotable
from listserv_py.errors import BadAddress
from listserv_py.lists.addresses import Destination, Door, route
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.roles import error_readers, heard_owners, owners_of
from listserv_py.lists.values import AutoDeleteMode
from listserv_py.mail.automatic import is_role
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.verp import is_of_late
from listserv_py.maillog import get_logger
from listserv_py.store.leaks import shows_secret
from listserv_py.store.outbox import Kind as MailKind
from listserv_py.store.probes import Probe
from listserv_py.store.turn import Turn

log = get_logger("bounces")

AUTOMATIC = "automatic"
_LEFT_TO_PEOPLE = (AutoDeleteMode.SEMI, AutoDeleteMode.NO)
"""Where what no machine can read is shown to those who get a list's errors."""


def work(turn: Turn, letter: Letter, destination: Destination, ahead: Report | None = None) -> None:
    """Take up one mail to `owner-LIST`, `owner-LIST+KEY` or the robot's own bounce address.

    `ahead` is what `read_report` said of it, where that was asked before the turn.
    """
    found = turn.tx.lists.find(destination.listname) if destination.listname else None
    report = ahead or read_report(letter.message)
    told = None if _may_be_a_persons(letter, destination, report) else report.found
    looped = _looped(turn, destination, report)
    if looped is not None:
        found, destination = looped
        told = report.found
    if destination.door is Door.OWN_BOUNCE and destination.key:
        jobs.take(turn, letter, destination.key, told)
    elif destination.door is Door.OWN_BOUNCE or found is None:
        log.info("bounce.dropped", spool=letter.spool_id, reason="no list's")
    elif told is not None:
        _take(turn, letter, found, destination.key, told)
    elif (reason := _no_letter(turn, letter, found)) is not None:
        log.info("bounce.dropped", spool=letter.spool_id, list=found.name, reason=reason)
        to_people = found.keywords.auto_delete.mode in _LEFT_TO_PEOPLE
        unread = to_people if letter.reverse_path is None else not _says_automatic(letter)
        if reason == AUTOMATIC and unread:
            _pass_on(turn, letter, found)
        elif reason == AUTOMATIC and letter.reverse_path is None:
            _note_unread(turn, letter, found, destination.key)
    elif shows_secret(turn.tx, letter.message, turn.now):
        _return(turn, letter)
    else:
        _forward(turn, letter, found)


def _looped(
    turn: Turn, destination: Destination, report: Report
) -> tuple[MailingList | None, Destination] | None:
    """Of which copy a provider's complaint is, by the key in the mail that it encloses.

    A feedback loop has one address for a whole site, and some enclose nothing but the mail.
    """
    said = next((one for one in report.found or () if one.kind is Kind.COMPLAINT), None)
    if said is None or destination.key:
        return None
    site = turn.settings.site
    try:
        found = route(parse_mailbox(said.sender), domain=site.domain, name=site.name)
    except BadAddress:
        return None
    if found is None or not found.key or found.door not in (Door.OWNER, Door.OWN_BOUNCE):
        return None
    mailing_list = turn.tx.lists.find(found.listname) if found.listname else None
    if destination.listname not in (None, found.listname):
        return None
    if mailing_list is not None and _subscription(turn, mailing_list, found.key) is None:
        return None
    return mailing_list, found


def _may_be_a_persons(letter: Letter, destination: Destination, report: Report) -> bool:
    """Whether a mail that reads like a machine's is a letter all the same.

    People write "Why was my post rejected?" and "I am on leave" to owners: of what came neither to
    a copy's address nor from the null sender, only a mailer that names an address is believed.
    """
    if report.by_standard or destination.key or _says_automatic(letter):
        return False
    names_one = any(one.address for one in report.found or ())
    return not (names_one and any(is_role(one.local_part) for one in _senders(letter)))


def _says_automatic(letter: Letter) -> bool:
    """Whether the envelope or the header says that no human sent it, whatever its senders are."""
    return letter.message.is_automatic(letter.reverse_path, _senders(letter))


def _senders(letter: Letter) -> set[Mailbox]:
    author = letter.message.author
    found = {letter.reverse_path, author.mailbox if author else None}
    return {one for one in found if one is not None}


def _take(
    turn: Turn,
    letter: Letter,
    mailing_list: MailingList,
    key: str | None,
    report: tuple[Returned, ...],
) -> None:
    """Do what a report says, as far as a key of ours bears it out."""
    complaint = next((one for one in report if one.kind is Kind.COMPLAINT), None)
    bad = worst(report)
    if complaint is not None:
        _complaint(turn, letter, mailing_list, key, complaint)
    elif bad is None:
        kinds = ", ".join(sorted({one.kind for one in report}))
        log.info("bounce.no_loss", spool=letter.spool_id, list=mailing_list.name, kinds=kinds)
    elif (probe := _probe(turn, mailing_list, key)) is not None:
        if probe.is_open:
            turn.tx.probes.came_back(probe, _said(bad), turn.now)
        log.info(
            "bounce.probe_back",
            spool=letter.spool_id,
            list=mailing_list.name,
            new=probe.is_open,
            **_named(bad),
        )
    else:
        _lost(turn, letter, mailing_list, key, bad)


def _lost(
    turn: Turn, letter: Letter, mailing_list: MailingList, key: str | None, bad: Returned
) -> None:
    """A copy was lost: note whose, or that nobody knows whose."""
    name = mailing_list.name
    if mailing_list.keywords.auto_delete.mode is AutoDeleteMode.NO:
        _pass_on(turn, letter, mailing_list)
        return
    subscription = _subscription(turn, mailing_list, key)
    if subscription is None:
        kept = turn.tx.bounces.note_stranger(
            mailing_list.id, _sane(bad.address), _said(bad), turn.now
        )
        log.info("bounce.unattributed", spool=letter.spool_id, list=name, kept=kept)
        return
    mailing_id = _mailing(turn, bad.message_id)
    new = turn.tx.bounces.note(subscription, mailing_id, _said(bad), turn.now)
    log.info("bounce.noted", spool=letter.spool_id, list=name, new=new, **_named(bad))


def _complaint(
    turn: Turn, letter: Letter, mailing_list: MailingList, key: str | None, said: Returned
) -> None:
    """Whoever complains is taken off where the list wants it; a key of ours must name him."""
    subscription = _subscription(turn, mailing_list, key)
    wanted = "PROCESS_SPAM_FEEDBACK" in mailing_list.keywords.misc
    known = bool(_mailing(turn, said.message_id))
    log.info(
        "bounce.complaint",
        spool=letter.spool_id,
        list=mailing_list.name,
        attributed=subscription is not None,
        post_known=known,
    )
    if subscription is not None and wanted and known:
        complained(turn, mailing_list, subscription, said.text)
    else:
        address = str(subscription.mailbox) if subscription else _sane(said.address)
        complaint = ("", f"complaint: {said.text}", "")
        turn.tx.bounces.note_stranger(mailing_list.id, address, complaint, turn.now)


def _probe(turn: Turn, mailing_list: MailingList, key: str | None) -> Probe | None:
    return turn.tx.probes.by_key(key, mailing_list.id) if key else None


def _subscription(turn: Turn, mailing_list: MailingList, key: str | None) -> Subscription | None:
    """Whom a copy's key names, if it is of these months and he is on the list still."""
    opened = turn.tx.verp.open(key, mailing_list.name) if key else None
    if opened is None or not is_of_late(opened, turn.now):
        return None
    found = turn.tx.subscribers.by_id(opened.subscription_id)
    return found if found is not None and found.list_id == mailing_list.id else None


def _mailing(turn: Turn, message_id: str) -> int:
    """The post or issue that came back, 0 when it names none of ours."""
    found = turn.tx.trail.of_message(message_id)
    known = next((one.mailing_id for one in found if one.mailing_id), 0)
    return known or turn.tx.outbox.called(message_id)


def _said(returned: Returned) -> tuple[str, str, str]:
    return status_of(returned), returned.text, returned.cause


def _named(returned: Returned) -> dict[str, str]:
    return {"status": status_of(returned), "cause": returned.cause}


def _sane(address: str) -> str:
    """An address that a stranger's report names, "" where it is none."""
    try:
        return str(parse_mailbox(address))
    except BadAddress:
        return ""


def _no_letter(turn: Turn, letter: Letter, mailing_list: MailingList) -> str | None:
    """Why a mail that is no report is not passed on to the owners, None when it is."""
    message = letter.message
    people: set[Mailbox] = {*turn.postmasters, *owners_of(mailing_list)}
    if message.author is None:
        return "no author"
    if turn.is_own(message.author.mailbox) or message.all("x-lsv-listid"):
        return "this server wrote it"
    if message.is_automatic(letter.reverse_path, people):
        return AUTOMATIC
    return None


def _return(turn: Turn, letter: Letter) -> None:
    """Tell the author of a mail with a password or code in it that the owners were not shown it."""
    log.info("bounce.secret", spool=letter.spool_id)
    author = letter.message.author
    if author is not None:
        slots = {"ADDRESS": str(letter.rcpt), "MYADDRESS": str(turn.command_address)}
        turn.mail(author.mailbox, "REQUEST_PASSWORD", slots, kind=MailKind.REPLY, letter=letter)


def _note_unread(turn: Turn, letter: Letter, mailing_list: MailingList, key: str | None) -> None:
    """Name what nobody can read in the daily report: whose copy it was, or who wrote it."""
    if shows_secret(turn.tx, letter.message, turn.now):
        log.info("bounce.secret", spool=letter.spool_id)
        return
    subscription, author = _subscription(turn, mailing_list, key), letter.message.author
    whose = subscription.mailbox if subscription else author.mailbox if author else ""
    said = ("", quotable(letter.message.subject), "")
    turn.tx.bounces.note_stranger(mailing_list.id, str(whose), said, turn.now)


def _pass_on(turn: Turn, letter: Letter, mailing_list: MailingList) -> None:
    """Show people what the server cannot judge, or is told not to."""
    if shows_secret(turn.tx, letter.message, turn.now):
        log.info("bounce.secret", spool=letter.spool_id)
        return
    budget, about = turn.tx.budget, mailing_list.address
    if budget.spent(about, "passed-on", turn.now, timedelta(days=1)) >= PASSED_ON_A_DAY:
        log.info("bounce.not_passed_on", spool=letter.spool_id, list=mailing_list.name)
        return
    budget.spend(about, "passed-on", turn.now)
    readers = error_readers(mailing_list, turn.postmasters)
    for reader in readers:
        turn.mail(
            reader,
            "BOUNCE_PASSED_ON",
            {"LISTNAME": mailing_list.name},
            kind=MailKind.FORWARD,
            mailing_list=mailing_list,
            attach=letter.message.raw,
        )
    log.info("bounce.passed_on", spool=letter.spool_id, list=mailing_list.name, to=len(readers))


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
            kind=MailKind.FORWARD,
            mailing_list=mailing_list,
            attach=letter.message.raw,
        )
    log.info("bounce.forwarded", spool=letter.spool_id, list=mailing_list.name, to=len(owners))
