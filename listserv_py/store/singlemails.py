"""Mails to one person each, many at once: their bytes, and that they were taken over.

One statement for many mails: each statement, and each row that one returns, gives the interpreter
to other threads, and to get it back costs more than the row.
"""

from collections.abc import Sequence

from sqlite_utils import Database

from listserv_py.store.outcomes import Fate, Settled

AT_ONCE = 64


def contents(db: Database, mailing_ids: Sequence[int]) -> dict[int, bytes]:
    """The mails by their ids, without those that were dropped."""
    found: dict[int, bytes] = {}
    for first in range(0, len(mailing_ids), AT_ONCE):
        some = mailing_ids[first : first + AT_ONCE]
        rows = db.execute(
            f"SELECT mailing_id, raw FROM content WHERE mailing_id IN ({_marks(some)})",  # noqa: S608 - question marks
            some,
        )
        found.update((row[0], bytes(row[1])) for row in rows.fetchall())
    return found


def sent(db: Database, singles: Sequence[Settled], now: int) -> None:
    """Most are taken over at the first try: what is kept of them is what became of them."""
    for first in range(0, len(singles), AT_ONCE):
        _sent(db, singles[first : first + AT_ONCE], now)


def _sent(db: Database, singles: Sequence[Settled], now: int) -> None:
    ids = [copy.mailing_id for copy in singles]
    db.execute(
        f"DELETE FROM copy WHERE mailing_id IN ({_marks(ids)}) AND subscriber_id IS NULL",  # noqa: S608 - question marks
        ids,
    )
    said = [one for copy in singles for one in (copy.mailing_id, copy.reply)]
    db.execute(
        f"WITH said (id, reply) AS (VALUES {','.join(['(?,?)'] * len(ids))})"  # noqa: S608 - question marks
        " UPDATE trail_mail SET at = ?, fate = ?, reply = said.reply FROM said"
        " WHERE mailing_id = said.id",
        (*said, now, Fate.SENT),
    )
    db.execute(
        f"DELETE FROM mailing WHERE id IN ({_marks(ids)}) AND state = 'waiting'"  # noqa: S608 - question marks
        " AND NOT EXISTS (SELECT 1 FROM copy WHERE mailing_id = mailing.id)",
        ids,
    )


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))
