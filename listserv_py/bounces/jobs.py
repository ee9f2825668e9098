"""Mail that comes back of DISTRIBUTE jobs: noted by the key of its copy, told to the job's sender.

Nobody is taken off anything here: a job's people are on no list. What cannot be read is shown to
the sender as it is, for he alone can do something about it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from listserv_py.bounces.cause import Cause
from listserv_py.bounces.policy import PASSED_ON_A_DAY, status_of, worst
from listserv_py.bounces.report import Kind, Returned, said
from listserv_py.errors import BadAddress
from listserv_py.lists.addresses import Door, route
from listserv_py.lists.roles import error_readers
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.verp import is_of_late
from listserv_py.maillog import get_logger
from listserv_py.store.jobreturns import KEYS_OF, Job, Loss, Recipient
from listserv_py.store.leaks import shows_secret
from listserv_py.store.outbox import Kind as MailKind
from listserv_py.store.turn import Turn

log = get_logger("bounces")

AT_ONCE = 20
LOSSES_MAX = 2000
COMPLAINT = "complaint"


def take(turn: Turn, letter: Letter, key: str, told: tuple[Returned, ...] | None) -> None:
    """One mail to the address of a job's copy; `told`: what it says, None: a letter to people."""
    recipient = _recipient(turn, key)
    if recipient is None:
        log.info("bounce.dropped", spool=letter.spool_id, reason="no job's")
    elif told is None:
        _pass_on(turn, letter, recipient)
    elif (loss := _loss(told)) is None:
        log.info("bounce.no_loss", spool=letter.spool_id, mailing=recipient.mailing_id)
    else:
        turn.tx.job_returns.note(recipient, loss, turn.now)
        log.info(
            "bounce.of_job", spool=letter.spool_id, mailing=recipient.mailing_id, cause=loss[2]
        )


def _recipient(turn: Turn, key: str) -> Recipient | None:
    opened = turn.tx.verp.open(key, KEYS_OF)
    if opened is None or not is_of_late(opened, turn.now):
        return None
    return turn.tx.job_returns.recipient(opened.subscription_id)


def _loss(told: tuple[Returned, ...]) -> tuple[str, str, str] | None:
    """Status, text and cause of what counts; None when the copy arrived, or may yet."""
    complaint = next((one for one in told if one.kind is Kind.COMPLAINT), None)
    if complaint is not None:
        return "", f"{COMPLAINT}: {complaint.text}", Cause.POST
    bad = worst(told)
    return (status_of(bad), bad.text, bad.cause) if bad else None


def _pass_on(turn: Turn, letter: Letter, recipient: Recipient) -> None:
    """Show the sender what the server cannot read: a letter, or a strange mailer's words."""
    readers = _readers(turn, turn.tx.job_returns.told_to(recipient.mailing_id))
    about, budget = f"job {recipient.mailing_id}", turn.tx.budget
    if letter.reverse_path is not None and letter.message.is_automatic(letter.reverse_path, ()):
        log.info("bounce.dropped", spool=letter.spool_id, reason="automatic")
        return
    if not readers or shows_secret(turn.tx, letter.message, turn.now):
        log.info("bounce.dropped", spool=letter.spool_id, reason="nobody may read it")
        return
    if budget.spent(readers[0], about, turn.now, timedelta(days=1)) >= PASSED_ON_A_DAY:
        log.info("bounce.not_passed_on", spool=letter.spool_id, mailing=recipient.mailing_id)
        return
    budget.spend(readers[0], about, turn.now)
    slots = {"NUMBER": str(recipient.mailing_id), "ADDRESS": recipient.address}
    for reader in readers:
        raw = letter.message.raw
        turn.mail(reader, "JOB_PASSED_ON", slots, kind=MailKind.FORWARD, attach=raw)
    log.info("bounce.passed_on", spool=letter.spool_id, mailing=recipient.mailing_id)


def run(turn: Turn) -> bool:
    """Send the reports that are due; True when more are."""
    due = turn.tx.job_returns.due(turn.now, AT_ONCE, LOSSES_MAX + 1)
    for job in due:
        if job.losses:
            _tell(turn, job)
    return len(due) == AT_ONCE


def _tell(turn: Turn, job: Job) -> None:
    shown = job.losses[:LOSSES_MAX]
    slots = {
        "NUMBER": str(job.id),
        "DATE": f"{job.sent_at:%d %b %Y, %H:%M} UTC",
        "COUNT": str(job.failed),
        "READERS": str(job.readers),
        "GONE": _lines(one for one in shown if one.cause == Cause.GONE),
        "PASSING": _lines(one for one in shown if one.cause == Cause.PASSING),
        "POSTS": _lines(one for one in shown if one.cause == Cause.POST),
        "MORE": "1" if len(job.losses) > LOSSES_MAX else "",
    }
    for reader in _readers(turn, job.told_to):
        turn.mail(reader, "JOB_REPORT", slots, kind=MailKind.NOTICE)


def _lines(losses: Iterable[Loss]) -> str:
    return "\n".join(f"{one.address}\n     {said(one.status, one.text) or '-'}" for one in losses)


def _readers(turn: Turn, told_to: str) -> tuple[Mailbox, ...]:
    """The job's sender; those who hear of a list's errors where he had them sent there."""
    try:
        mailbox = parse_mailbox(told_to)
    except BadAddress:
        return ()
    site = turn.settings.site
    found = route(mailbox, domain=site.domain, name=site.name)
    if found is None:
        return (mailbox,)
    mailing_list = turn.tx.lists.find(found.listname) if found.listname else None
    if found.door is not Door.OWNER or mailing_list is None:
        return ()
    return tuple(error_readers(mailing_list, turn.postmasters))
