"""What happens though no mail came: held posts expire, what nobody needs any more is forgotten.

Each run is short and may be repeated: it does what is due at `turn.now`, at most so much at once,
and says whether there is more.
"""

from datetime import datetime

from listserv_py.bounces import counting, jobs, removing, reporting
from listserv_py.commands import renewing
from listserv_py.maillog import get_logger
from listserv_py.posting.expiry import expire
from listserv_py.store import issues, lifetimes
from listserv_py.store.turn import Turn

log = get_logger("timers")

AT_ONCE = 50
ARCHIVED_AT_ONCE = 500
DIGESTED_AT_ONCE = 200


def run(turn: Turn) -> bool:
    """Do what is due now; True when something is left for another turn."""
    overdue = turn.tx.spool.overdue(turn.now, AT_ONCE)
    for spool_id in overdue:
        expire(turn, spool_id)
    more_renewals = renewing.run(turn)
    more_bounces = [step.run(turn) for step in (counting, removing, reporting, jobs)]
    more_issues = issues.run(turn)
    more_posts = _sweep_archives(turn)
    more_copies = turn.tx.outbox.clear_dropped()
    more_rows = sweep(turn)
    more = (*more_bounces, more_issues, more_posts, more_renewals, more_copies, more_rows)
    return any(more) or len(overdue) == AT_ONCE


def sweep(turn: Turn) -> bool:
    """Forget what has had its time (`store/lifetimes.py`); whether there may be more."""
    tx, now, retention = turn.tx, turn.now, turn.settings.retention
    more = [lifetimes.sweep(tx.db, turn.settings, now), _throw_away(turn, now - retention.aside)]
    more.append(tx.digests.sweep(DIGESTED_AT_ONCE))
    more.append(tx.changelog.sweep(now - retention.changes))
    return any(more)


def _throw_away(turn: Turn, before: datetime) -> bool:
    """Give up mail for which the operator has had no use for so long; whether there is more."""
    spool_ids = turn.tx.spool.aside(before, AT_ONCE)
    for spool_id in spool_ids:
        turn.tx.spool.done(spool_id)
    mailing_ids = turn.tx.outbox.held(before, AT_ONCE)
    for mailing_id in mailing_ids:
        turn.tx.outbox.drop(mailing_id)
    if spool_ids or mailing_ids:
        log.warning("retention.aside", incoming=len(spool_ids), outgoing=len(mailing_ids))
    return AT_ONCE in (len(spool_ids), len(mailing_ids))


def _sweep_archives(turn: Turn) -> bool:
    """Forget posts of dropped lists, and those that are too old; whether there is more."""
    age, archive = turn.settings.retention.archive, turn.tx.archive
    more = archive.sweep(ARCHIVED_AT_ONCE)
    if age is None:
        return more
    return archive.forget_older(turn.now - age, ARCHIVED_AT_ONCE) or more
