"""What came back of posts: noted once a subscriber and post, judged later, forgotten in time.

Our own dialogue's refusals stand in the same table (`sending.py` writes them): both are judged
alike. A row goes with its subscription, so nobody is remembered who has left.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.lists.model import Subscription
from listserv_py.store.times import moment, stamp

UNNAMED_FOR = timedelta(days=1)
"""Bounces that do not say which post they are about count once in this time."""
STRANGERS_A_DAY = 200
"""So many reports without a key are kept a list and day; the rest are noted in the log only."""
REPORT_EVERY = timedelta(days=1)
BY_MAIL = -1
"""In place of a reply's code: a report said it. 0 is what our own dialogue found by itself."""


class Charge(StrEnum):
    """Whom a bounce is held against."""

    NEW = "new"
    PERSON = "person"
    POST = "post"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Bounce:
    """One lost copy; `mailing_id` 0: of a post that nobody can name. `cause` "": not judged."""

    id: int
    subscriber_id: int | None
    list_id: int | None
    mailing_id: int
    address: str
    at: datetime
    status: str
    text: str
    charge: Charge
    cause: str


@dataclass(frozen=True, slots=True)
class Due:
    """A report to owners that is due; it tells of what came back since then."""

    list_id: int
    since: datetime


_COLUMNS = (
    "SELECT id, subscriber_id, list_id, mailing_id, address, at, status, text, charge, cause"
    " FROM bounce"
)
Row = tuple[int, int | None, int | None, int, str, int, str, str, str, str]


class Bounces:
    """The tables `bounce`, `bounce_told` and `bounce_report`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def note(
        self, subscription: Subscription, mailing_id: int, said: tuple[str, str, str], now: datetime
    ) -> bool:
        """A copy came back after it had been taken over; False when this is known already.

        `said`: status, text and cause. `mailing_id` 0: what came back does not say of which post.
        """
        since = 0 if mailing_id else stamp(now - UNNAMED_FOR)
        known = self._db.execute(
            "SELECT 1 FROM bounce WHERE subscriber_id = ? AND mailing_id = ? AND at >= ?",
            (subscription.id, mailing_id, since),
        ).fetchone()
        if known:
            return False
        status, text, cause = said
        self._db.execute(
            "INSERT INTO bounce (subscriber_id, list_id, mailing_id, address, at, code, status,"
            " text, cause) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                subscription.id,
                subscription.list_id,
                mailing_id,
                str(subscription.mailbox),
                stamp(now),
                BY_MAIL,
                status,
                text,
                cause,
            ),
        )
        return True

    def note_stranger(
        self, list_id: int, address: str, said: tuple[str, str, str], now: datetime
    ) -> bool:
        """A report that carries no key of ours: kept to be shown, held against nobody."""
        status, text, cause = said
        row = self._db.execute(
            "SELECT count(*) FROM (SELECT 1 FROM bounce WHERE list_id = ? AND at >= ?"
            " AND subscriber_id IS NULL AND mailing_id = 0 LIMIT ?)",
            (list_id, stamp(now - REPORT_EVERY), STRANGERS_A_DAY),
        ).fetchone()
        if row[0] >= STRANGERS_A_DAY:
            return False
        self._db.execute(
            "INSERT INTO bounce (list_id, mailing_id, address, at, code, status, text, cause,"
            " charge) VALUES (?, 0, ?, ?, 0, ?, ?, ?, 'none')",
            (list_id, address, stamp(now), status, text, cause),
        )
        self.report(list_id, now)
        return True

    def fresh(self, before: datetime, at_most: int) -> list[Bounce]:
        """Those not judged yet, the oldest first."""
        # The index on what is new serves only where its condition stands in these words.
        rows = self._db.execute(
            f"{_COLUMNS} WHERE charge = 'new' AND at <= ? ORDER BY at, id LIMIT ?",
            (stamp(before), at_most),
        )
        return [_read(row) for row in rows.fetchall()]

    def judge(self, bounce: Bounce, charge: Charge, cause: str) -> None:
        """Say whom a bounce is held against."""
        self._db.execute(
            "UPDATE bounce SET charge = ?, cause = ? WHERE id = ?", (charge, cause, bounce.id)
        )

    def acquit(self, mailing_id: int, domains: Collection[str]) -> None:
        """What was held against people for a post is held against the post; "": of everybody."""
        self._db.execute(
            "UPDATE bounce SET charge = 'post' WHERE mailing_id = ?1 AND charge = 'person'"
            " AND (?2 OR lower(substr(address, instr(address, '@') + 1)) IN"
            " (SELECT value FROM json_each(?3)))",
            (mailing_id, "" in domains, json.dumps(list(domains))),
        )

    def readers_at(self, list_id: int, domains: Iterable[str]) -> dict[str, int]:
        """How many subscribers a list has at each of these domains."""
        rows = self._db.execute(
            "SELECT substr(address_key, instr(address_key, '@') + 1) AS domain, count(*)"
            " FROM subscriber WHERE list_id = ? AND domain IN (SELECT value FROM json_each(?))"
            " GROUP BY domain",
            (list_id, json.dumps(list(domains))),
        )
        return dict(rows.fetchall())

    def against(self, subscriber_id: int) -> list[Bounce]:
        """What is held against a person, in the order of time."""
        rows = self._db.execute(
            f"{_COLUMNS} WHERE subscriber_id = ? AND charge = 'person' ORDER BY at, id",
            (subscriber_id,),
        )
        return [_read(row) for row in rows.fetchall()]

    def forgive(self, subscriber_id: int, before: datetime) -> None:
        """Forget what was held against a person before then."""
        self._db.execute(
            "DELETE FROM bounce WHERE subscriber_id = ? AND charge = 'person' AND at <= ?",
            (subscriber_id, stamp(before)),
        )

    def hit(self, mailing_id: int) -> dict[str, int]:
        """How many people's copies of a post came back, by the domains of their addresses."""
        found: dict[str, int] = {}
        for (address,) in self._db.execute(
            "SELECT DISTINCT address FROM bounce WHERE mailing_id = ?", (mailing_id,)
        ).fetchall():
            domain = address.rpartition("@")[2].lower()
            found[domain] = found.get(domain, 0) + 1
        return found

    def post(self, mailing_id: int) -> tuple[datetime, int] | None:
        """When a post or a digest was sent, and to how many; None when the mailing is neither."""
        row = self._db.execute(
            "SELECT m.created_at, max(m.sent + m.failed, coalesce(p.readers, 0)) FROM mailing m"
            " LEFT JOIN progress p ON p.mailing_id = m.id"
            " WHERE m.id = ? AND m.kind IN ('post', 'digest')",
            (mailing_id,),
        ).fetchone()
        return (moment(row[0]), int(row[1])) if row else None

    def one_of(self, mailing_id: int, domain: str) -> Bounce | None:
        """One of the bounces of a post, at a domain or anywhere."""
        row = self._db.execute(
            f"{_COLUMNS} WHERE mailing_id = ?1"
            " AND (?2 = '' OR substr(address, -length(?2)) = ?2 COLLATE NOCASE)"
            " ORDER BY id LIMIT 1",
            (mailing_id, domain and f"@{domain}"),
        ).fetchone()
        return _read(row) if row else None

    def tell(self, mailing_id: int, about: str, now: datetime) -> bool:
        """Whether the owners have not been told of this yet; from now on they have."""
        cursor = self._db.execute(
            "INSERT OR IGNORE INTO bounce_told VALUES (?, ?, ?)", (mailing_id, about, stamp(now))
        )
        return bool(cursor.rowcount)

    def is_told(self, mailing_id: int, about: str) -> bool:
        """Whether the owners have been told of this."""
        row = self._db.execute(
            "SELECT 1 FROM bounce_told WHERE mailing_id = ? AND about = ?", (mailing_id, about)
        ).fetchone()
        return row is not None

    # The daily report.

    def report(self, list_id: int, at: datetime) -> None:
        """Something that came back then is to be reported: the owners hear of it in a day."""
        self._db.execute(
            "INSERT INTO bounce_report VALUES (?, ?, ?) ON CONFLICT DO UPDATE"
            " SET since = min(since, excluded.since), due_at = min(due_at, excluded.due_at)",
            (list_id, stamp(at), stamp(at + REPORT_EVERY)),
        )

    def due(self, now: datetime, at_most: int) -> list[Due]:
        """The reports that are due; they are not due again."""
        rows = self._db.execute(
            "SELECT list_id, since FROM bounce_report WHERE due_at <= ? ORDER BY due_at LIMIT ?",
            (stamp(now), at_most),
        ).fetchall()
        self._db.conn.executemany(
            "DELETE FROM bounce_report WHERE list_id = ?", [r[:1] for r in rows]
        )
        return [Due(list_id, moment(since)) for list_id, since in rows]

    def since(self, list_id: int, since: datetime, at_most: int) -> Sequence[Bounce]:
        """What came back to a list since then and has been judged."""
        rows = self._db.execute(
            f"{_COLUMNS} WHERE list_id = ? AND at >= ? AND charge <> 'new' ORDER BY at, id LIMIT ?",
            (list_id, stamp(since), at_most),
        )
        return [_read(row) for row in rows.fetchall()]


def _read(row: Row) -> Bounce:
    bounce_id, subscriber_id, list_id, mailing_id, address, at, status, text, *judged = row
    charge, cause = judged
    return Bounce(
        bounce_id,
        subscriber_id,
        list_id,
        mailing_id,
        address,
        moment(at),
        status,
        text,
        Charge(charge),
        str(cause),
    )
