"""What happens though no mail came: held posts expire, what nobody needs any more is forgotten.

Each run is short and may be repeated: it does what is due at `turn.now`, at most so much at once,
and says whether there is more.
"""

from datetime import timedelta

from listserv_py.bounces import counting, removing, reporting
from listserv_py.commands import renewing
from listserv_py.posting.expiry import expire
from listserv_py.store import issues
from listserv_py.store.turn import Turn

AT_ONCE = 50
ARCHIVED_AT_ONCE = 500
POSTED_FOR = timedelta(days=7)
COUNTED_FOR = timedelta(days=2)
ANSWERED_FOR = timedelta(days=1)
SERVED_FOR = timedelta(days=7)
CHANGES_FOR = timedelta(days=366)
"""How long a line of the change log is kept, so that a year's file is whole when it ends."""


def run(turn: Turn) -> bool:
    """Do what is due now; True when something is left for another turn."""
    overdue = turn.tx.spool.overdue(turn.now, AT_ONCE)
    for spool_id in overdue:
        expire(turn, spool_id)
    more_renewals = renewing.run(turn)
    more_bounces = [step.run(turn) for step in (counting, removing, reporting)]
    more_issues = issues.run(turn)
    more_posts = _sweep_archives(turn)
    more_copies = turn.tx.outbox.clear_dropped()
    sweep(turn)
    more = (*more_bounces, more_issues, more_posts, more_renewals, more_copies)
    return any(more) or len(overdue) == AT_ONCE


def sweep(turn: Turn) -> None:
    """Forget what has served: expired codes, counted answers, posts of last week."""
    tx, now = turn.tx, turn.now
    tx.cookies.sweep(now)
    tx.proofs.sweep(now)
    # Who was told that too many confirmations wait is not told again while they do.
    tx.budget.sweep(now - max(ANSWERED_FOR, turn.settings.limits.confirmation_age))
    tx.posts.sweep(now - POSTED_FOR, now - COUNTED_FOR)
    tx.spool.sweep(now)
    tx.storms.sweep(now - COUNTED_FOR)
    tx.service.sweep(now - SERVED_FOR)
    tx.aliases.sweep(now - turn.settings.dmarc.alias_age)
    tx.outbox.prune(now - turn.settings.retention.outcomes)
    tx.bounces.sweep(now - turn.settings.retention.failures, now - turn.settings.retention.outcomes)
    tx.trail.sweep(now - turn.settings.retention.outcomes)
    tx.digests.sweep(now - issues.KEPT_FOR)
    tx.changelog.sweep(now - CHANGES_FOR)


def _sweep_archives(turn: Turn) -> bool:
    """Forget posts of dropped lists, and those that are too old; whether there is more."""
    days, archive = turn.settings.retention.archive_days, turn.tx.archive
    more = archive.sweep(ARCHIVED_AT_ONCE)
    if not days:
        return more
    return archive.forget_older(turn.now - timedelta(days=days), ARCHIVED_AT_ONCE) or more
