"""What came back of DISTRIBUTE jobs: noted once a recipient, told to whoever had the job sent.

A recipient's row stays for a while behind his job, without what was said of him, only so that the
key of his copy can be opened. It goes when that copy comes back, so none counts twice.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from listserv_py.store.bounces import BY_MAIL, REPORT_EVERY
from listserv_py.store.recipients import FIRST
from listserv_py.store.times import moment, stamp

KEPT = timedelta(days=7)
"""Longer than mailers try to deliver (RFC 5321 4.5.4.1: four to five days)."""
KEYS_OF = ""
"""The name under a job's keys: no list has it."""

_TABLES = (
    """
CREATE TABLE job_report (
    mailing_id INTEGER PRIMARY KEY REFERENCES mailing(id) ON DELETE CASCADE,
    since INTEGER NOT NULL,
    due_at INTEGER NOT NULL
) STRICT""",
    "CREATE INDEX job_report_due ON job_report (due_at)",
    "DROP TRIGGER recipients_done",
    "CREATE TRIGGER recipients_done AFTER UPDATE OF state ON mailing WHEN new.kind = 'job'"
    " AND new.state NOT IN ('running', 'waiting') BEGIN"
    " DELETE FROM recipient WHERE mailing_id = new.id"
    " AND (new.state = 'dropped' OR NOT coalesce(iif(json_valid(new.facts),"
    " json_extract(new.facts, '$.verp'), 0), 0));"
    " UPDATE recipient SET said = '' WHERE mailing_id = new.id; END",
)

DONE_WITH = (
    "mailing_id IN (SELECT m.id FROM mailing m LEFT JOIN progress p ON p.mailing_id = m.id"
    " WHERE m.kind = 'job' AND m.state NOT IN ('running', 'waiting')"
    " AND coalesce(p.last_at, m.created_at) < :before)"
)
"""Recipients of jobs whose last copy was sent before then."""


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whose copy a key is of."""

    id: int
    mailing_id: int
    address: str


@dataclass(frozen=True, slots=True)
class Loss:
    """A copy that did not arrive."""

    address: str
    status: str
    text: str
    cause: str


@dataclass(frozen=True, slots=True)
class Job:
    """A job of which there is something to tell; `told_to`: where its sender wants it to go.

    `failed` counts all that did not arrive, `losses` those that came to light since the last time.
    """

    id: int
    told_to: str
    sent_at: datetime
    readers: int
    failed: int
    losses: tuple[Loss, ...]


def create(db: Database) -> None:
    """Make the table; those of the recipients stand already."""
    for statement in _TABLES:
        db.execute(statement)


class JobReturns:
    """The table `job_report`, and the rows of `recipient` and `bounce` that are a job's."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def recipient(self, number: int) -> Recipient | None:
        """Whom a key's number names, None when that is over."""
        row = self._db.execute(
            "SELECT id, mailing_id, address FROM recipient WHERE id = ?", (FIRST + number,)
        ).fetchone()
        return Recipient(*row) if row else None

    def told_to(self, mailing_id: int) -> str:
        """Who hears of a job's copies, "" when the mailing is no job."""
        row = self._db.execute(
            "SELECT reverse_path FROM mailing WHERE id = ? AND kind = 'job'", (mailing_id,)
        ).fetchone()
        return str(row[0]) if row else ""

    def note(self, recipient: Recipient, said: tuple[str, str, str], now: datetime) -> None:
        """His copy came back, or he complained of it: status, text and cause."""
        status, text, cause = said
        self._db.execute(
            "INSERT INTO bounce (mailing_id, address, at, code, status, text, cause)"
            " VALUES (?, ?, ?, ?, ?, ?, ?)",
            (recipient.mailing_id, recipient.address, stamp(now), BY_MAIL, status, text, cause),
        )
        self._db.execute("DELETE FROM recipient WHERE id = ?", (recipient.id,))

    def report(self, mailing_id: int, at: datetime) -> None:
        """Something is to be told of a mailing, if it is a job: a day later at the latest."""
        self._db.execute(
            "INSERT INTO job_report SELECT id, ?, ? FROM mailing WHERE id = ? AND kind = 'job'"
            " ON CONFLICT (mailing_id) DO UPDATE SET since = min(since, excluded.since)",
            (stamp(at), stamp(at + REPORT_EVERY), mailing_id),
        )

    def due(self, now: datetime, at_most: int, losses_max: int) -> list[Job]:
        """The jobs that are to be told of, with so many losses each; they are not due again."""
        rows = self._db.execute(
            "SELECT r.mailing_id, r.since, m.reverse_path, m.created_at, coalesce(p.readers, 0)"
            " FROM job_report r JOIN mailing m ON m.id = r.mailing_id"
            " LEFT JOIN progress p ON p.mailing_id = m.id"
            " WHERE r.due_at <= ? ORDER BY r.due_at LIMIT ?",
            (stamp(now), at_most),
        ).fetchall()
        self._db.conn.executemany(
            "DELETE FROM job_report WHERE mailing_id = ?", [row[:1] for row in rows]
        )
        return [self._job(row, losses_max) for row in rows]

    def _job(self, row: tuple[int, int, str, int, int], losses_max: int) -> Job:
        mailing_id, since, told_to, created_at, readers = row
        failed = self._db.execute(
            "SELECT count(*) FROM bounce WHERE mailing_id = ?", (mailing_id,)
        ).fetchone()
        losses = self._db.execute(
            "SELECT address, status, text, cause FROM bounce"
            " WHERE mailing_id = ? AND at >= ? AND charge <> 'new' ORDER BY at, id LIMIT ?",
            (mailing_id, since, losses_max),
        ).fetchall()
        told = tuple(Loss(*one) for one in losses)
        return Job(mailing_id, told_to, moment(created_at), readers, int(failed[0]), told)
