"""How many posts each list has sent out since somebody began to count: for STATS."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from listserv_py.store.times import moment, stamp


@dataclass(frozen=True, slots=True)
class Counted:
    """The posts since then; `last` None: there was none."""

    since: datetime
    posts: int
    last: datetime | None


class Stats:
    """The table `list_stats`; a list without a row has sent nothing since it was made."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def of(self, list_id: int) -> Counted:
        """What has been counted for a list."""
        since, posts, last = self._db.execute(
            "SELECT coalesce(s.since, l.created_at), coalesce(s.posts, 0), s.last_at"
            " FROM list l LEFT JOIN list_stats s ON s.list_id = l.id WHERE l.id = ?",
            (list_id,),
        ).fetchone()
        return Counted(moment(since), posts, None if last is None else moment(last))

    def count(self, list_id: int, now: datetime) -> None:
        """One more post."""
        self._db.execute(
            "INSERT INTO list_stats SELECT id, created_at, 1, ?2 FROM list WHERE id = ?1"
            " ON CONFLICT (list_id) DO UPDATE SET posts = posts + 1, last_at = excluded.last_at",
            (list_id, stamp(now)),
        )

    def reset(self, list_id: int, now: datetime) -> None:
        """Begin anew."""
        self._db.execute(
            "INSERT OR REPLACE INTO list_stats VALUES (?, ?, 0, NULL)", (list_id, stamp(now))
        )
