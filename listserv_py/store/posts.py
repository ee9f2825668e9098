"""What each list distributed lately: against loops and repeats, and for the daily limits."""

import hashlib
from collections.abc import Iterable
from datetime import datetime

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import stamp


class Posts:
    """The tables `posted` and `post_count`; people stand in them as keyed hashes."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def seen(self, list_id: int, key: bytes, since: datetime) -> bool:
        """Whether the list distributed a post with this key (of id or text) since then."""
        row = self._db.execute(
            "SELECT 1 FROM posted WHERE list_id = ? AND key = ? AND at >= ?",
            (list_id, key, stamp(since)),
        ).fetchone()
        return row is not None

    def note(self, list_id: int, keys: Iterable[bytes], now: datetime) -> None:
        """Remember what has just been distributed."""
        self._db.conn.executemany(
            "INSERT INTO posted VALUES (?, ?, ?)"
            " ON CONFLICT (list_id, key) DO UPDATE SET at = excluded.at",
            [(list_id, key, stamp(now)) for key in keys],
        )

    def count(self, list_id: int, author: Mailbox, now: datetime) -> None:
        """One more post today, in all and by its author."""
        for person in (b"", self._person(author)):
            self._db.execute(
                "INSERT INTO post_count VALUES (?, ?, ?, 1)"
                " ON CONFLICT (list_id, day, person) DO UPDATE SET posts = posts + 1",
                (list_id, _day(now), person),
            )

    def count_today(self, list_id: int, now: datetime) -> int:
        """How many posts the list distributed on this day (UTC)."""
        return self._count(list_id, b"", now)

    def count_today_by(self, list_id: int, author: Mailbox, now: datetime) -> int:
        """How many of them one author wrote."""
        return self._count(list_id, self._person(author), now)

    def forget(self, author: Mailbox) -> None:
        """Forget how much one person posted."""
        self._db.execute("DELETE FROM post_count WHERE person = ?", (self._person(author),))

    def _count(self, list_id: int, person: bytes, now: datetime) -> int:
        row = self._db.execute(
            "SELECT posts FROM post_count WHERE list_id = ? AND day = ? AND person = ?",
            (list_id, _day(now), person),
        ).fetchone()
        return int(row[0]) if row else 0

    def _person(self, mailbox: Mailbox) -> bytes:
        return hashlib.blake2b(mailbox.key.encode(), key=self._secret, digest_size=16).digest()


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d}"
