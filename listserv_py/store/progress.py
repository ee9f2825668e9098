"""How far posts have come: how many copies went out, wait and failed, how fast, and how long yet.

Counted where it happens (a page at a time, and by triggers), so that looking costs a few rows a
post, whatever its size. Who leaves while a post is on its way stays counted until its last page.
"""

from dataclasses import dataclass

from sqlite_utils import Database

from listserv_py.lists.options import SINGLE_POSTS, TOPICS_SHIFT

REACHED = """
UPDATE progress SET
    before = :off + iif(begun_at IS NULL, 0, iif(:now - mark_at >= 10, mark, before)),
    before_at = iif(begun_at IS NULL, :now - 1, iif(:now - mark_at >= 10, mark_at, before_at)),
    mark = :off + iif(begun_at IS NULL OR :now - mark_at >= 10, reached, mark),
    mark_at = iif(begun_at IS NULL OR :now - mark_at >= 10, :now, mark_at),
    reached = reached + :many, begun_at = coalesce(begun_at, :now), last_at = :now
    WHERE mailing_id = :id
"""
"""A page's copies have an outcome, or, `:off` of them, rows of their own.

The rate is that of 10 to 20 seconds, and of outcomes: who was put off is no copy the faster.
"""

LAST = "UPDATE progress SET last_at = ? WHERE mailing_id = ?"
"""Copies with rows have been tried."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A post; `waiting` were put off, `to_come` have not had their turn.

    `rate` is in copies a second, `left` in seconds: None when nobody can tell. `state` is the
    mailing's: running until all have had their turn, waiting while some were put off.
    """

    id: int
    listname: str
    state: str
    held: bool
    created_at: int
    last_at: int | None
    readers: int
    sent: int
    failed: int
    waiting: int
    to_come: int
    rate: float
    left: int | None


def readers(db: Database, list_id: int, topics: int) -> int:
    """How many get a post on these topics as a mail of its own."""
    # As a number in the text, or the index of such subscribers does not serve.
    query = f"SELECT count(*) FROM subscriber WHERE list_id = :list AND options & {SINGLE_POSTS}"  # noqa: S608 - a number of ours
    if topics:
        query += " AND options >> :shift & :topics <> :topics"
    values = {"list": list_id, "topics": topics, "shift": TOPICS_SHIFT}
    return int(db.execute(query, values).fetchone()[0])


def expect(db: Database, mailing_id: int, many: int) -> None:
    """Note how many a post is to reach."""
    db.execute(
        "INSERT OR REPLACE INTO progress (mailing_id, readers) VALUES (?, ?)", (mailing_id, many)
    )


_VIEW = (
    "SELECT m.id, coalesce(l.name, ''), m.state, m.held, m.created_at, p.last_at, p.readers,"
    " m.sent, m.failed, p.waiting,"
    " iif(m.state = 'running', max(0, p.readers - p.reached), 0), p.reached, p.before, p.before_at,"
    " p.begun_at FROM mailing m {hint} JOIN progress p ON p.mailing_id = m.id"
    " LEFT JOIN list l ON l.id = m.list_id"
)


def on_their_way(db: Database, now: int, limit: int) -> list[Progress]:
    """The posts that have not reached everybody, oldest first."""
    rows = db.execute(
        f"{_VIEW.format(hint='INDEXED BY mailing_going')}"
        " WHERE m.kind IN ('post', 'job') AND m.state IN ('running', 'waiting')"
        " ORDER BY m.id LIMIT ?",
        (limit,),
    )
    return [_read(row, now) for row in rows.fetchall()]


def of(db: Database, mailing_id: int, now: int) -> Progress | None:
    """How far one post has come; None when there is none of that number any more."""
    row = db.execute(f"{_VIEW.format(hint='')} WHERE m.id = ?", (mailing_id,)).fetchone()
    return _read(row, now) if row else None


_Row = tuple[
    int, str, str, int, int, int | None, int, int, int, int, int, int, int, int, int | None
]


def _read(row: _Row, now: int) -> Progress:
    number, listname, state, held, created_at, last_at, *counts, begun_at = row
    expected, sent, failed, waiting, to_come, reached, before, before_at = map(int, counts)
    moves = state == "running" and not held and begun_at is not None
    rate = (reached - before) / max(1, now - before_at) if moves else 0.0
    left = round(to_come / rate) if rate >= 0.01 else None
    return Progress(
        number, listname, state, bool(held), created_at, last_at, expected, sent, failed, waiting,
        to_come, round(rate, 1), left,
    )  # fmt: skip
