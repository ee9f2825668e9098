"""What the engine reads of the outbox, and how it records what became of each copy.

A post's cursor passes only copies that have an outcome, so a crash loses none. A copy is known by
(mailing id, subscriber id), a single mail by its mailing id and None; writing an outcome twice, or
one of a mailing that was dropped meanwhile, changes nothing.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlite_utils import Database

from listserv_py.lists.options import COLLECTED, NO_MAIL, OWN_HOUR, SINGLE_POSTS
from listserv_py.store import singlemails
from listserv_py.store.outbox import Kind
from listserv_py.store.outcomes import ON_ITS_WAY, Fate, RestingHost, Settled, pack
from listserv_py.store.progress import LAST, REACHED
from listserv_py.store.queue_view import clear
from listserv_py.store.reach import Reach
from listserv_py.store.recipients import Recipients

URGENT, BULK = 1, 0
POSTS_AT_ONCE = 100
"""So many posts take turns; the next ones begin when the oldest have reached their readers."""


@dataclass(frozen=True, slots=True)
class Mailing:
    """One content on its way.

    `facts` is "" for a single mail; `list_id` None: the list is gone, and with it its readers.
    """

    id: int
    kind: Kind
    list_id: int | None
    facts: str
    reverse_path: str
    created_at: int
    upto: int
    cursor: int


class Reader(NamedTuple):
    """A subscriber as a page of a post names him."""

    subscriber_id: int
    address: str
    address_key: str
    options: int


@dataclass(frozen=True, slots=True)
class Due:
    """A copy with a row of its own whose time has come; `options` is 0 for a single mail."""

    mailing: Mailing
    subscriber_id: int | None
    rcpt: str
    options: int
    tries: int
    blames: bool
    last_reply: str


# As a number in the text, or the index of such subscribers does not serve.
_COLLECTING = (
    "SELECT id, address, address_key, options FROM subscriber WHERE list_id = ? AND id > ?"  # noqa: S608 - a number of ours
    f" AND id <= ? AND options & {COLLECTED} AND NOT options & ? ORDER BY id LIMIT ?"
)
_MAILING = "SELECT m.id, m.kind, m.list_id, m.facts, m.reverse_path, m.created_at, m.upto, m.cursor"
_DUE = (
    ", c.subscriber_id, c.rcpt, coalesce(s.options, 0), c.tries, c.blames, c.last_reply"
    " FROM copy c JOIN mailing m ON m.id = c.mailing_id"
    " LEFT JOIN subscriber s ON s.id = c.subscriber_id"
    " WHERE c.state = 'waiting' AND c.urgent = ? AND c.next_at <= ?"
    " AND m.state IN ('running', 'waiting')"
    " AND c.domain NOT IN (SELECT value FROM json_each(?)) ORDER BY c.next_at, c.id LIMIT ?"
)

_TRIED = (Fate.LATER, Fate.HELD)


class Sending:
    """The tables of `outbox_tables`, for the engine."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reach = Reach(db)
        self._recipients = Recipients(db)

    # What is to be sent.

    def running(self) -> list[Mailing]:
        """The oldest of the posts that have not reached all their readers."""
        rows = self._db.execute(
            f"{_MAILING} FROM mailing m WHERE state = 'running' AND held = 0 ORDER BY id LIMIT ?",
            (POSTS_AT_ONCE,),
        )
        return [_mailing(row) for row in rows.fetchall()]

    def page(self, mailing: Mailing, after: int, limit: int) -> list[Reader]:
        """The next readers of a post; empty when there are no more."""
        if mailing.kind is Kind.JOB:
            return [Reader(*row) for row in self._recipients.page(mailing.id, after, limit)]
        if mailing.kind is Kind.DIGEST:
            rows = self._db.execute(
                _COLLECTING, (mailing.list_id, after, mailing.upto, NO_MAIL | OWN_HOUR, limit)
            )
            return list(map(Reader._make, rows.fetchall()))
        if self._reach.is_later(mailing.id):
            return [Reader(*row) for row in self._reach.page(mailing.id, after, limit)]
        rows = self._db.execute(
            "SELECT id, address, address_key, options FROM subscriber"
            " WHERE list_id = ? AND id > ? AND id <= ? AND options & ? ORDER BY id LIMIT ?",
            (mailing.list_id, after, mailing.upto, SINGLE_POSTS, limit),
        )
        return list(map(Reader._make, rows.fetchall()))

    def said(self, people: Sequence[int]) -> dict[int, list[str]]:
        """What fills in the copy of each who is still there: his name, and his columns."""
        return self._recipients.said(people)

    def delivered(self, mailing_id: int, after: int, upto: int) -> frozenset[int]:
        """Whose copies were taken over though a crash kept their page from being recorded."""
        rows = self._db.execute(
            "SELECT subscriber_id FROM delivered"
            " WHERE mailing_id = ? AND subscriber_id > ? AND subscriber_id <= ?",
            (mailing_id, after, upto),
        )
        return frozenset(row[0] for row in rows.fetchall())

    def content(self, mailing_id: int) -> bytes | None:
        """The mail itself; None when it was dropped."""
        row = self._db.execute(
            "SELECT raw FROM content WHERE mailing_id ="
            " coalesce((SELECT post_id FROM reach WHERE mailing_id = ?1), ?1)",
            (mailing_id,),
        ).fetchone()
        return bytes(row[0]) if row else None

    def contents(self, mailing_ids: Sequence[int]) -> dict[int, bytes]:
        """The same of mails to one person each, by id."""
        return singlemails.contents(self._db, mailing_ids)

    def due(self, urgent: int, now: int, limit: int, resting: Iterable[str] = ()) -> list[Due]:
        """The waiting copies whose time has come, oldest first; none to the domains `resting`."""
        rows = self._db.execute(
            f"{_MAILING}{_DUE}", (urgent, now, json.dumps(list(resting)), limit)
        )
        return [
            Due(_mailing(row[:8]), row[8], row[9], row[10], row[11], bool(row[12]), row[13])
            for row in rows.fetchall()
        ]

    def present(self, subscriber_ids: Iterable[int]) -> frozenset[int]:
        """Which of these are still subscribed, or still recipients of a job."""
        rows = self._db.execute(
            "SELECT id FROM subscriber WHERE id IN (SELECT value FROM json_each(?1)) UNION ALL"
            " SELECT id FROM recipient WHERE id IN (SELECT value FROM json_each(?1))",
            (json.dumps(list(subscriber_ids)),),
        )
        return frozenset(row[0] for row in rows.fetchall())

    def active(self, mailing_ids: Iterable[int]) -> frozenset[int]:
        """Which of these mailings have been neither dropped nor held."""
        rows = self._db.execute(
            "SELECT id FROM mailing WHERE id IN (SELECT value FROM json_each(?))"
            " AND held = 0 AND state IN ('running', 'waiting')",
            (json.dumps(list(mailing_ids)),),
        )
        return frozenset(row[0] for row in rows.fetchall())

    # What became of it.

    def record_page(
        self, mailing_id: int, last_id: int, settled: Sequence[Settled], now: int
    ) -> None:
        """Record a page's outcomes, ids rising, and move the cursor behind it.

        Whoever of the page waits on gets a row, unless he has left.
        """
        row = self._db.execute("SELECT state FROM mailing WHERE id = ?", (mailing_id,)).fetchone()
        if row is None or row[0] != "running":
            return
        # Most pages have nothing but SENT: nobody is asked twice about those.
        others = [copy for copy in settled if copy.fate is not Fate.SENT]
        waiting = [
            (mailing_id, copy.rcpt, _domain(copy), copy.fate in _TRIED, copy.next_at,
             copy.reply, copy.blames, copy.subscriber_id)
            for copy in others if not copy.fate.is_final
        ]  # fmt: skip
        if waiting:
            self._db.conn.executemany(
                "INSERT INTO copy (mailing_id, subscriber_id, rcpt, domain, urgent, tries, next_at,"
                " last_reply, blames) SELECT ?, id, ?, ?, 0, ?, ?, ?, ? FROM"
                " (SELECT id FROM subscriber UNION ALL SELECT id FROM recipient)"
                " WHERE id = ? ON CONFLICT DO NOTHING",
                waiting,
            )
            self._set_aside(others)
        finals = [copy for copy in settled if copy.fate.is_final] if waiting else settled
        self._finals(mailing_id, finals, now)
        self._db.execute(
            "DELETE FROM delivered WHERE mailing_id = ? AND subscriber_id <= ?",
            (mailing_id, last_id),
        )
        self._db.execute(
            "UPDATE mailing SET cursor = max(cursor, ?) WHERE id = ?", (last_id, mailing_id)
        )
        many, off = len(settled), len(waiting)
        self._db.execute(REACHED, {"id": mailing_id, "many": many, "off": off, "now": now})

    def record_copies(self, settled: Iterable[Settled], now: int) -> None:
        """Record what became of copies that have rows."""
        by_mailing: dict[int, list[Settled]] = {}
        singles: list[Settled] = []
        for copy in settled:
            if copy.subscriber_id is None and copy.fate is Fate.SENT:
                singles.append(copy)
                continue
            by_mailing.setdefault(copy.mailing_id, []).append(copy)
        for mailing_id, copies in by_mailing.items():
            self._put_off([copy for copy in copies if not copy.fate.is_final])
            self._set_aside(copies)
            finals = sorted((copy for copy in copies if copy.fate.is_final), key=_subscriber)
            self._db.conn.executemany(
                "DELETE FROM copy WHERE mailing_id = ? AND subscriber_id IS ?",
                [(mailing_id, copy.subscriber_id) for copy in finals],
            )
            self._finals(mailing_id, finals, now)
            self._db.execute(LAST, (now, mailing_id))
            self._close(mailing_id)
        if singles:
            singlemails.sent(self._db, singles, now)

    def reached_all(self, mailing_id: int) -> None:
        """A post's last page is recorded: what remains of it are copies with rows."""
        self._db.execute(
            "UPDATE mailing SET state = 'waiting' WHERE id = ? AND state = 'running'", (mailing_id,)
        )
        self._close(mailing_id)

    def give_up(self, state: str, why: Settled, now: int) -> None:
        """End a post that nobody takes, or whose time is over, with one bounce record for all."""
        changed = self._db.execute(
            "UPDATE mailing SET state = ? WHERE id = ? AND state = 'running'",
            (state, why.mailing_id),
        )
        if changed.rowcount:
            self._bounces([why], now)
            clear(self._db, why.mailing_id)
            self._reach.forget_content(why.mailing_id)

    def recover(self, taken: Iterable[tuple[int, int | None]], now: int) -> None:
        """Record what the journals of a crashed run say was taken over."""
        for mailing_id, subscriber_id in taken:
            row = self._db.execute(
                "SELECT rcpt FROM copy WHERE mailing_id = ? AND subscriber_id IS ?",
                (mailing_id, subscriber_id),
            ).fetchone()
            if row is not None:
                self.record_copies([Settled(mailing_id, subscriber_id, row[0], Fate.SENT)], now)
            elif subscriber_id is not None:
                self._db.execute(
                    "INSERT OR IGNORE INTO delivered SELECT id, ? FROM mailing"
                    " WHERE id = ? AND state = 'running' AND cursor < ?",
                    (subscriber_id, mailing_id, subscriber_id),
                )
        # Whoever waited for their replies is dead: nobody knows, so they are tried again now.
        self._db.execute(
            "UPDATE copy SET next_at = ? WHERE state = 'waiting' AND next_at > ?"
            " AND last_reply = ?",
            (now, now, ON_ITS_WAY),
        )

    def _put_off(self, copies: Sequence[Settled]) -> None:
        """A copy that was tried learns why it waits; one that was not only waits longer."""
        self._db.conn.executemany(
            "UPDATE copy SET tries = tries + 1, next_at = ?, last_reply = ?, blames = ?"
            " WHERE mailing_id = ? AND subscriber_id IS ?",
            [
                (copy.next_at, copy.reply, copy.blames, copy.mailing_id, copy.subscriber_id)
                for copy in copies if copy.fate in _TRIED
            ],
        )  # fmt: skip
        self._db.conn.executemany(
            "UPDATE copy SET next_at = ? WHERE mailing_id = ? AND subscriber_id IS ?",
            [
                (copy.next_at, copy.mailing_id, copy.subscriber_id)
                for copy in copies if copy.fate is Fate.UNTRIED
            ],
        )  # fmt: skip

    def _set_aside(self, copies: Sequence[Settled]) -> None:
        self._db.conn.executemany(
            "UPDATE copy SET state = 'hold' WHERE mailing_id = ? AND subscriber_id IS ?",
            [(one.mailing_id, one.subscriber_id) for one in copies if one.fate is Fate.HELD],
        )

    def _finals(self, mailing_id: int, finals: Sequence[Settled], now: int) -> None:
        """Count and keep what is over: a ledger row for a post's copies, a bounce row a failure."""
        others = [copy for copy in finals if copy.fate is not Fate.SENT]
        failures = [copy for copy in others if copy.fate.is_failure]
        sent = len(finals) - len(others)
        if failures:
            self._bounces(failures, now)
        self._db.execute(
            "UPDATE mailing SET sent = sent + ?, failed = failed + ? WHERE id = ?",
            (sent, len(failures), mailing_id),
        )
        known = [(copy.subscriber_id, copy.fate) for copy in finals if copy.subscriber_id]
        taken = (copy for copy in finals if copy.text or copy.code)
        said = next((copy for copy in taken if copy.fate is Fate.SENT), None)
        if known:
            self._db.execute(
                "INSERT INTO ledger (mailing_id, first_id, last_id, at, outcomes, reply)"
                " SELECT id, ?, ?, ?, ?, ? FROM mailing WHERE id = ?",
                (known[0][0], known[-1][0], now, pack(known), said.reply if said else "",
                 mailing_id),
            )  # fmt: skip
        elif finals:
            self._db.execute(
                "UPDATE trail_mail SET at = ?, fate = ?, reply = ? WHERE mailing_id = ?",
                (now, finals[0].fate, finals[0].reply, mailing_id),
            )

    def _bounces(self, failures: Sequence[Settled], now: int) -> None:
        self._db.conn.executemany(
            "INSERT INTO bounce (subscriber_id, list_id, mailing_id, address, at, code, status,"
            " text) SELECT (SELECT id FROM subscriber WHERE id = ?), list_id, id, ?, ?, ?, ?, ?"
            " FROM mailing WHERE id = ?",
            [
                (copy.subscriber_id if copy.blames else None, copy.rcpt, now, copy.code,
                 copy.status, copy.text[:500], copy.mailing_id)
                for copy in failures
            ],
        )  # fmt: skip

    def _close(self, mailing_id: int) -> None:
        """Let go of a mailing's content with its last copy; of a single mail nothing is kept."""
        row = self._db.execute(
            "SELECT kind FROM mailing WHERE id = ? AND state = 'waiting'"
            " AND NOT EXISTS (SELECT 1 FROM copy WHERE mailing_id = mailing.id)",
            (mailing_id,),
        ).fetchone()
        if row is None:
            return
        if row[0] in (Kind.POST, Kind.JOB, Kind.DIGEST):
            self._db.execute("UPDATE mailing SET state = 'done' WHERE id = ?", (mailing_id,))
            self._reach.forget_content(mailing_id)
        else:
            self._db.execute("DELETE FROM mailing WHERE id = ?", (mailing_id,))

    # Hosts that rest.

    def hosts(self) -> list[RestingHost]:
        """All hosts that failed and have not been well since."""
        rows = self._db.execute("SELECT name, failures, next_at, reason FROM host ORDER BY name")
        return [RestingHost(*row) for row in rows.fetchall()]

    def rest(self, host: RestingHost) -> None:
        """Note that a host failed, and until when it is left alone."""
        self._db.execute(
            "INSERT OR REPLACE INTO host VALUES (?, ?, ?, ?)",
            (host.name, host.failures, host.next_at, host.reason[:500]),
        )

    def well(self, name: str) -> None:
        """Note that a host takes mail again."""
        self._db.execute("DELETE FROM host WHERE name = ?", (name,))


def _mailing(row: Sequence[Any]) -> Mailing:
    mailing_id, kind, *rest = row
    return Mailing(mailing_id, Kind(kind), *rest)


def _domain(copy: Settled) -> str:
    return copy.rcpt.rpartition("@")[2]


def _subscriber(copy: Settled) -> int:
    return copy.subscriber_id or 0
