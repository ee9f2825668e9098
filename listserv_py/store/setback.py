"""The clock has gone back: what the store has noted of a later time must not wait until then.

A copy put off would rest for years, a code serve as long, and whoever was answered in that time
would be answered no more. When a mail came, and when a mailing was made, stays as it is noted: the
copies of a mailing carry its date, and are the same to the byte.
"""

from listserv_py.maillog import get_logger
from listserv_py.store.store import Tx

log = get_logger("store")

SLACK = 3600
"""Seconds that a clock may have been put right by."""


def mend(tx: Tx, now: int, longest: int) -> bool:
    """Set right what lies in the future, if anything was noted there; whether there was.

    `longest` is the longest pause between two attempts, in seconds.
    """
    newest = max(
        tx.db.execute(f"SELECT coalesce(max(at), 0) FROM ({source})").fetchone()[0]  # noqa: S608 - words of ours
        for source in _NEWEST
    )
    if newest <= now + SLACK:
        return False
    log.warning("store.clock_went_back", seconds=newest - now)
    values = {"now": now, "late": now + SLACK, "pause": now + longest + SLACK}
    for statement in _RIGHT:
        tx.db.execute(statement, values)
    return True


_NEWEST = (
    "SELECT created_at AS at FROM mailing WHERE id = (SELECT max(id) FROM mailing)",
    "SELECT created_at AS at FROM cookie WHERE id = (SELECT max(id) FROM cookie)",
    "SELECT received_at AS at FROM trail WHERE spool_id = (SELECT max(spool_id) FROM trail)",
    "SELECT received_at AS at FROM spool WHERE id = (SELECT max(id) FROM spool)",
)

_RIGHT = (
    "UPDATE copy SET next_at = :now WHERE state = 'waiting' AND next_at > :pause",
    "UPDATE host SET next_at = :now WHERE next_at > :pause",
    "UPDATE cookie SET expires_at = expires_at - created_at + :now, created_at = :now"
    " WHERE created_at > :late",
    "UPDATE spool SET until = until - received_at + :now"
    " WHERE received_at > :late AND until > received_at",
    "DELETE FROM answer WHERE at > :late",
)
