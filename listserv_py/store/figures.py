"""How much waits, and since when, for the metrics.

None of it looks at more than `most` rows of anything, however many wait: a figure that reaches
`most` means so many or more.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlite_utils import Database

from listserv_py.store.progress import Progress, on_their_way

MOST = 100_000
POSTS_MAX = 50
"""So many posts have figures of their own: each is a new name for Prometheus."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What the tables say; ages in seconds, 0 where nothing waits.

    `spool` by state; `mailings` and `age` by state; `copies` are rows that wait: by what for;
    `to_come` those of posts that have not had their turn, `posts` the oldest of these. `codes` by
    kind: open, and answered ones that have not expired. `made` counts rows ever made, by table.
    """

    spool: Mapping[str, int]
    spool_age: int
    mailings: Mapping[str, int]
    mailing_age: Mapping[str, int]
    copies: Mapping[str, int]
    to_come: int
    posts: tuple[Progress, ...]
    hosts_resting: int
    codes: Mapping[tuple[str, ...], int]
    made: Mapping[str, int]


_SPOOL = ("ready", "held", "aside")
_MAILINGS = ("running", "waiting")
_MADE = ("spool", "mailing", "cookie", "bounce", "subscriber")
_COPIES = {
    "due": "state = 'waiting' AND urgent = 1 AND next_at <= :now",
    "due of posts": "state = 'waiting' AND urgent = 0 AND next_at <= :now",
    "put off": "state = 'waiting' AND urgent = 1 AND next_at > :now",
    "put off of posts": "state = 'waiting' AND urgent = 0 AND next_at > :now",
    "held": "state = 'hold'",
}


def look(db: Database, now: int, most: int = MOST) -> Stored:
    """All of it."""
    figures = _Figures(db, now, most)
    return Stored(
        spool={one: figures.count("spool", f"state = '{one}'") for one in _SPOOL},
        spool_age=figures.age("SELECT received_at FROM spool WHERE state = :state", "ready"),
        mailings={one: figures.count("mailing", f"state = '{one}'") for one in _MAILINGS},
        mailing_age={
            one: figures.age("SELECT created_at FROM mailing WHERE state = :state", one)
            for one in _MAILINGS
        },
        copies={what: figures.count("copy", where) for what, where in _COPIES.items()},
        to_come=figures.to_come(),
        posts=tuple(on_their_way(db, now, POSTS_MAX)),
        hosts_resting=figures.count("host", "next_at > :now"),
        codes=figures.codes(),
        made=figures.made(),
    )


class _Figures:
    """The queries; every one stops at `most` rows."""

    def __init__(self, db: Database, now: int, most: int) -> None:
        self._db, self._now, self._most = db, now, most

    def count(self, table: str, where: str) -> int:
        """How many rows; `where` is one that an index of the table leads to."""
        row = self._db.execute(
            f"SELECT count(*) FROM (SELECT 1 FROM {table} WHERE {where} LIMIT :most)",  # noqa: S608 - words of ours
            {"now": self._now, "most": self._most},
        ).fetchone()
        return int(row[0])

    def age(self, query: str, state: str) -> int:
        """Since when the oldest has waited: ids are given out in the order of time."""
        row = self._db.execute(f"{query} ORDER BY id LIMIT 1", {"state": state}).fetchone()
        return max(0, self._now - row[0]) if row else 0

    def to_come(self) -> int:
        """Readers whom posts have not reached."""
        row = self._db.execute(
            "SELECT coalesce(sum(max(0, p.readers - p.reached)), 0) FROM"
            " (SELECT id FROM mailing WHERE state = 'running' AND held = 0 ORDER BY id LIMIT 1000)"
            " m JOIN progress p ON p.mailing_id = m.id"
        ).fetchone()
        return int(row[0])

    def codes(self) -> dict[tuple[str, ...], int]:
        """Codes that have not expired, by their kind and whether they were answered."""
        rows = self._db.execute(
            "SELECT kind, iif(used_at IS NULL, 'open', 'answered') AS state, count(*) FROM"
            " (SELECT kind, used_at FROM cookie WHERE expires_at > ? LIMIT ?) GROUP BY 1, 2",
            (self._now, self._most),
        )
        return {(kind, state): number for kind, state, number in rows.fetchall()}

    def made(self) -> dict[str, int]:
        """How many rows each table has ever given an id: they only grow, over restarts too."""
        seen = dict(self._db.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        return {table: int(seen[table]) for table in _MADE if table in seen}
