"""Short posts of the last hours, by thread and person, and which lists a storm has stopped.

People and threads stand in it as keyed hashes, for a day.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import stamp

_TABLES = """
CREATE TABLE storm_sign (
    list_id INTEGER NOT NULL REFERENCES list(id) ON DELETE CASCADE,
    person BLOB NOT NULL,
    thread BLOB NOT NULL,
    plea INTEGER NOT NULL CHECK (plea IN (0, 1)),
    at INTEGER NOT NULL,
    PRIMARY KEY (list_id, person, thread)
) STRICT, WITHOUT ROWID;
CREATE INDEX storm_sign_age ON storm_sign (at);

CREATE TABLE storm (
    list_id INTEGER PRIMARY KEY REFERENCES list(id) ON DELETE CASCADE,
    at INTEGER NOT NULL
) STRICT
"""


def create(db: Database) -> None:
    """Make the tables."""
    for statement in _TABLES.split(";\n"):
        if statement.strip():
            db.execute(statement)


class Storms:
    """The tables `storm_sign` and `storm`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def note(
        self, list_id: int, author: Mailbox, thread: str, *, plea: bool, now: datetime
    ) -> None:
        """Somebody has written a short post; who has asked to be removed has asked."""
        self._db.execute(
            "INSERT INTO storm_sign VALUES (?, ?, ?, ?, ?) ON CONFLICT DO UPDATE"
            " SET at = excluded.at, plea = max(plea, excluded.plea)",
            (list_id, self._hash(author.key), self._hash(thread), plea, stamp(now)),
        )

    def count(self, list_id: int, thread: str, since: datetime) -> tuple[int, int]:
        """How many people asked to be removed, and how many there are with those of the thread."""
        row = self._db.execute(
            "SELECT count(DISTINCT iif(plea, person, NULL)), count(DISTINCT person)"
            " FROM storm_sign WHERE list_id = ? AND at >= ? AND (plea OR thread = ?)",
            (list_id, stamp(since), self._hash(thread)),
        ).fetchone()
        return int(row[0]), int(row[1])

    def stop(self, list_id: int, now: datetime) -> None:
        """Note that a storm was stopped."""
        self._db.execute("INSERT OR REPLACE INTO storm VALUES (?, ?)", (list_id, stamp(now)))

    def stopped(self, list_id: int, since: datetime) -> bool:
        """Whether a storm was stopped on the list since then."""
        row = self._db.execute(
            "SELECT 1 FROM storm WHERE list_id = ? AND at >= ?", (list_id, stamp(since))
        ).fetchone()
        return row is not None

    def forget(self, author: Mailbox) -> None:
        """Forget what one person wrote."""
        self._db.execute("DELETE FROM storm_sign WHERE person = ?", (self._hash(author.key),))

    def _hash(self, text: str) -> bytes:
        raw = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(raw, key=self._secret, digest_size=16).digest()
