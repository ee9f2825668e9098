"""What the engine asks of the outbox each time it is woken, in one read transaction.

After each commit a reading connection begins anew: it takes its lock and reads its pages again. So
all is asked at once, and nothing twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from listserv_py.store.outcomes import RestingHost
from listserv_py.store.sending import BULK, URGENT, Due, Mailing
from listserv_py.store.store import Tx


@dataclass(frozen=True, slots=True)
class Look:
    """The outbox at one moment.

    `urgent`: the small mails that are due. `has_bulk`: whether other copies with rows are, whatever
    their hosts. `next_at`: when the next copy comes due, None where none waits for a time.
    """

    hosts: list[RestingHost]
    running: list[Mailing]
    urgent: list[Due]
    has_bulk: bool
    next_at: int | None


def look(tx: Tx, now: int, limit: int, resting: Iterable[str]) -> Look:
    """Look; at most `limit` small mails, and none to the domains `resting`."""
    sending = tx.sending
    tx.db.execute("BEGIN")
    try:
        return Look(
            hosts=sending.hosts(),
            running=sending.running(),
            urgent=sending.due(URGENT, now, limit, resting),
            has_bulk=_is_due(tx, BULK, now),
            next_at=_next_due(tx, now),
        )
    finally:
        tx.db.execute("COMMIT")


def _is_due(tx: Tx, urgent: int, now: int) -> bool:
    row = tx.db.execute(
        "SELECT 1 FROM copy WHERE state = 'waiting' AND urgent = ? AND next_at <= ? LIMIT 1",
        (urgent, now),
    ).fetchone()
    return row is not None


def _next_due(tx: Tx, after: int) -> int | None:
    """When the next copy comes due, later than `after`; None: no copy waits for a time."""
    rows = [
        tx.db.execute(
            "SELECT min(next_at) FROM copy WHERE state = 'waiting' AND urgent = ? AND next_at > ?",
            (urgent, after),
        ).fetchone()
        for urgent in (URGENT, BULK)
    ]
    return min((row[0] for row in rows if row[0] is not None), default=None)
