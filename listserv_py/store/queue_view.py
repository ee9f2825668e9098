"""The outbox as an operator sees and steers it: a row a mailing, however many copies wait.

Counts are kept (`progress.py`), or are a few steps in an index, so that `queue` answers at once
with a million copies waiting; what changes so many does it in slices, a turn each.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlite_utils import Database

from listserv_py.mail.issue import decode
from listserv_py.store.reach import Reach

SLICE = 20_000


@dataclass(frozen=True, slots=True)
class Retried:
    """How many mailings are free; `after`: where the next slice of copies begins, 0: none."""

    mailings: int
    after: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """A mailing that has not reached everybody.

    `to` is the recipient of a single mail, "" for a post; `waiting` counts copies that were put
    off, `to_come` those that have not had their turn; `next_at` None: held, or on its way now.
    """

    id: int
    kind: str
    listname: str
    to: str
    created_at: int
    sent: int
    failed: int
    waiting: int
    to_come: int
    held: bool
    next_at: int | None
    reason: str


@dataclass(frozen=True, slots=True)
class WaitingCopy:
    """One copy that was put off."""

    rcpt: str
    state: str
    tries: int
    next_at: int
    last_reply: str


@dataclass(frozen=True, slots=True)
class Detail:
    """One mailing, its header as it stands in the outbox, and the first hundred of its copies."""

    summary: Waiting
    reverse_path: str
    head: str
    copies: tuple[WaitingCopy, ...]


# A post's first reason is its own copies'; when it stands still as a whole, the smarthost's.
_VIEW = """
SELECT m.id, m.kind, coalesce(l.name, ''),
       iif(m.kind IN ('post', 'job', 'digest'), '',
           coalesce((SELECT rcpt FROM copy WHERE mailing_id = m.id LIMIT 1), '')),
       m.created_at, m.sent, m.failed,
       coalesce(p.waiting, EXISTS (SELECT 1 FROM copy WHERE mailing_id = m.id)),
       iif(m.state = 'running', max(0, coalesce(p.readers - p.reached, 0)), 0),
       m.held OR (m.state = 'waiting' AND NOT EXISTS
           (SELECT 1 FROM copy WHERE mailing_id = m.id AND state = 'waiting')),
       (SELECT min(next_at) FROM copy WHERE mailing_id = m.id AND state = 'waiting'),
       coalesce((SELECT last_reply FROM (SELECT last_reply FROM copy WHERE mailing_id = m.id
           LIMIT 20) WHERE last_reply <> '' LIMIT 1), '')
  FROM mailing m LEFT JOIN list l ON l.id = m.list_id
       LEFT JOIN progress p ON p.mailing_id = m.id
"""
_FACTS = [field.name for field in fields(Waiting)][:-3]
_ACTIVE = " m.state IN ('running', 'waiting')"
# The index has them in order state by state; all at once, a million would be sorted first.
_OLDEST = " UNION ALL ".join(
    f"SELECT id FROM (SELECT id FROM mailing WHERE state = '{state}' ORDER BY id LIMIT ?1)"  # noqa: S608 - words of ours
    for state in ("running", "waiting")
)


def view(db: Database, limit: int) -> list[Waiting]:
    """What waits, oldest first."""
    rows = db.execute(
        f"{_VIEW} WHERE m.id IN ({_OLDEST}) ORDER BY m.id LIMIT ?1", (limit,)
    ).fetchall()
    return [_waiting(db, row) for row in rows]


def show(db: Database, mailing_id: int) -> Detail | None:
    """One mailing that waits."""
    row = db.execute(f"{_VIEW} WHERE {_ACTIVE} AND m.id = ?", (mailing_id,)).fetchone()
    if row is None:
        return None
    path, raw = db.execute(
        "SELECT m.reverse_path, c.raw FROM mailing m LEFT JOIN reach r ON r.mailing_id = m.id"
        " JOIN content c ON c.mailing_id = coalesce(r.post_id, m.id) WHERE m.id = ?",
        (mailing_id,),
    ).fetchone()
    copies = db.execute(
        "SELECT rcpt, state, tries, next_at, last_reply FROM copy WHERE mailing_id = ?"
        " ORDER BY state, next_at LIMIT 100",
        (mailing_id,),
    )
    head = bytes(raw[:65536]).partition(b"\r\n\r\n")[0].decode("utf-8", "replace")
    if row[1] == "digest":  # its content is no mail, but many
        head = f"Subject: {decode(bytes(raw)).words['subject']}"
    return Detail(_waiting(db, row), path, head, tuple(WaitingCopy(*copy) for copy in copies))


_KIND = "SELECT kind FROM mailing m WHERE m.id = ?"


def retry(db: Database, mailing_id: int | None, after: int = 0) -> Retried:
    """Free one mailing or all, and forget every pause, the hosts' too; a slice of the copies."""
    many = 0
    if not after:
        which = "state IN ('running', 'waiting') AND (?1 IS NULL OR id = ?1)"
        query = f"SELECT count(*) FROM mailing WHERE {which}"  # noqa: S608 - words of ours
        many = int(db.execute(query, (mailing_id,)).fetchone()[0])
        if not many:
            return Retried(0, 0)
        db.execute(f"UPDATE mailing SET held = 0 WHERE held = 1 AND {which}", (mailing_id,))  # noqa: S608 - words of ours
        db.execute("DELETE FROM host")
        db.execute(
            "UPDATE copy SET state = 'waiting', next_at = 0"
            " WHERE mailing_id = ? AND subscriber_id IS NULL",
            (mailing_id,),
        )
    # Of one mailing in the order of an index that its copies stand in together.
    among, by = ("TRUE", "id") if mailing_id is None else ("mailing_id = :id", "subscriber_id")
    span = {"id": mailing_id, "after": after, "slice": SLICE}
    last = db.execute(
        f"SELECT max(x) FROM (SELECT {by} AS x FROM copy WHERE {among} AND {by} > :after"  # noqa: S608 - words of ours
        f" ORDER BY {by} LIMIT :slice)",
        span,
    ).fetchone()[0]
    if last is None:
        return Retried(many, 0)
    found = db.execute(
        f"UPDATE copy SET state = 'waiting', next_at = 0 WHERE {among}"  # noqa: S608 - words of ours
        f" AND {by} > :after AND {by} <= :last",
        span | {"last": last},
    )
    return Retried(many, int(last) if found.rowcount == SLICE else 0)


def drop(db: Database, mailing_id: int) -> bool:
    """Give a mailing up; of a post the ledger stays, and `clear` takes the last of its copies."""
    row = db.execute(f"{_KIND} AND {_ACTIVE}", (mailing_id,)).fetchone()
    if row is None:
        return False
    if row[0] in ("post", "job"):
        db.execute("UPDATE mailing SET state = 'dropped' WHERE id = ?", (mailing_id,))
        clear(db, mailing_id)
        Reach(db).forget_content(mailing_id)
    else:
        db.execute("DELETE FROM mailing WHERE id = ?", (mailing_id,))
    return True


def clear(db: Database, mailing_id: int | None = None) -> bool:
    """Delete copies of mailings that were given up, a slice; whether there may be more."""
    found = db.execute(
        "DELETE FROM copy WHERE id IN (SELECT c.id FROM mailing m JOIN copy c"
        " ON c.mailing_id = m.id WHERE m.state IN ('dropped', 'refused', 'expired')"
        " AND (?1 IS NULL OR m.id = ?1) LIMIT ?2)",
        (mailing_id, SLICE),
    )
    return bool(found.rowcount == SLICE)


def hold_all(db: Database) -> int:
    """Hold all that waits."""
    held = db.execute("UPDATE mailing SET held = 1 WHERE state IN ('running', 'waiting')").rowcount
    db.execute("UPDATE copy SET state = 'hold'")
    return int(held)


def _waiting(db: Database, row: Sequence[Any]) -> Waiting:
    """A row of `_VIEW`; what stands still without a word of its own rests with a host."""
    *known, held, next_at, reason = row
    if not held and not reason:
        host = db.execute("SELECT next_at, reason FROM host ORDER BY next_at LIMIT 1").fetchone()
        if host is not None:
            next_at, reason = next_at or host[0], host[1]
    facts: dict[str, Any] = dict(zip(_FACTS, known, strict=True))
    return Waiting(**facts, held=bool(held), next_at=next_at, reason="held" if held else reason)
