"""What waits for digests, the issues that were closed, and when the next ones are due.

An issue is closed in one transaction: its number, its posts and its mailing come to be together.
`next_at` 0 means that the time is still to be worked out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from listserv_py.lists.options import COLLECTED
from listserv_py.mail import trace
from listserv_py.mail.issue import Entry, without
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.store.times import moment, stamp

FAR = 400 * 86_400
"""Seconds; what is due later than that was reckoned while the clock was wrong."""


@dataclass(frozen=True, slots=True)
class Collected:
    """How much waits for a list's next issue: lines and octets."""

    lines: int
    octets: int


@dataclass(frozen=True, slots=True)
class Clock:
    """When a list's next issue is due; `since`: its last one, or when its rule was changed."""

    list_id: int
    since: datetime
    next_at: int


@dataclass(frozen=True, slots=True)
class Own:
    """What a subscriber has chosen for himself; `seen` is the last post that he has had.

    `until` is a date, `at` an hour, each "" for none; `most` posts of a day come by themselves.
    """

    subscriber_id: int
    list_id: int
    options: int
    until: str
    at: str
    most: int
    next_at: int
    seen: int


_POSTS = (
    "SELECT p.number, p.at, p.lines, p.facts, c.raw FROM digest_post p"
    " JOIN digest_content c ON c.id = p.content_id WHERE p.list_id = :list"
)
_UNNEEDED = (
    "NOT EXISTS (SELECT 1 FROM own_time o WHERE o.list_id = p.list_id AND o.seen < p.id"
    " AND (o.at <> '' OR o.most))"
)
_OWN = (
    "SELECT o.subscriber_id, o.list_id, s.options, o.until, o.at, o.most, o.next_at, o.seen"
    " FROM own_time o JOIN subscriber s ON s.id = o.subscriber_id"
)


class Digests:
    """The tables of `digest_tables`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    # What is collected.

    def is_wanted(self, list_id: int) -> bool:
        """Whether anybody on the list collects."""
        # As a number in the text, or the index of such subscribers does not serve.
        row = self._db.execute(
            f"SELECT EXISTS (SELECT 1 FROM subscriber WHERE list_id = ?1 AND options & {COLLECTED})"  # noqa: S608 - a number of ours
            " OR EXISTS (SELECT 1 FROM own_time WHERE list_id = ?1)",
            (list_id,),
        ).fetchone()
        return bool(row[0])

    def keep(self, content: bytes) -> int:
        """Store a post's content; its number."""
        found = self._db.execute("INSERT INTO digest_content (raw) VALUES (?)", (content,))
        return int(found.lastrowid or 0)

    def add(self, list_id: int, content_id: int, entry: Entry) -> Collected:
        """One more post waits for the list's next issue; how much waits now."""
        facts = entry.facts
        self._db.execute(
            "INSERT INTO digest_post (list_id, content_id, number, facts, author_key, at, lines,"
            " of_day, topics) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                list_id, content_id, entry.number, facts.encode(), facts.author_key, entry.at,
                entry.lines, facts.of_day, facts.topics,
            ),
        )  # fmt: skip
        self._db.execute(
            "UPDATE digest SET lines = lines + ?, octets = octets + ? WHERE list_id = ?",
            (entry.lines, len(entry.raw), list_id),
        )
        row = self._db.execute(
            "SELECT lines, octets FROM digest WHERE list_id = ?", (list_id,)
        ).fetchone()
        return Collected(*row)

    def count(self, list_id: int, day: str, now: datetime) -> int:
        """Count a post; the how manieth it is on this day."""
        self._db.execute(
            "INSERT INTO digest (list_id, since, next_at, day, posts) VALUES (?1, ?2, 0, ?3, 1)"
            " ON CONFLICT (list_id) DO UPDATE SET posts = iif(day = ?3, posts + 1, 1), day = ?3",
            (list_id, stamp(now), day),
        )
        row = self._db.execute("SELECT posts FROM digest WHERE list_id = ?", (list_id,)).fetchone()
        return int(row[0])

    def open_posts(self, list_id: int) -> list[Entry]:
        """What waits for the next issue, in the order of its coming."""
        rows = self._db.execute(f"{_POSTS} AND issue IS NULL ORDER BY p.id", {"list": list_id})
        return [_entry(row) for row in rows.fetchall()]

    def posts_after(
        self, list_id: int, seen: int, until: int, most: int, unwanted: int
    ) -> list[Entry]:
        """What somebody has not had who has seen all up to that post, up to another.

        `most` of a day came by themselves; on `unwanted` topics he gets nothing.
        """
        rows = self._db.execute(
            f"{_POSTS} AND p.id > :seen AND p.id <= :until AND (p.of_day > :most OR :most = 0)"
            " AND (p.topics = 0 OR :unwanted & p.topics <> p.topics) ORDER BY p.id",
            {"list": list_id, "seen": seen, "until": until, "most": most, "unwanted": unwanted},
        )
        return [_entry(row) for row in rows.fetchall()]

    def last_id(self, list_id: int) -> int:
        """The newest post that was collected."""
        row = self._db.execute(
            "SELECT coalesce(max(id), 0) FROM digest_post WHERE list_id = ?", (list_id,)
        ).fetchone()
        return int(row[0])

    def before_open(self, list_id: int) -> int:
        """The last post before those that wait for the next issue."""
        row = self._db.execute(
            "SELECT min(id) - 1 FROM digest_post WHERE list_id = ? AND issue IS NULL", (list_id,)
        ).fetchone()
        return self.last_id(list_id) if row[0] is None else int(row[0])

    def had(self, list_id: int, subscriber_id: int) -> int:
        """The last of the posts that wait which somebody has had all the same; 0: none."""
        row = self._db.execute(
            "SELECT seen FROM digest_had WHERE subscriber_id = ? AND list_id = ?",
            (subscriber_id, list_id),
        ).fetchone()
        return int(row[0]) if row else 0

    def have_had(self, list_id: int, people: Sequence[int], seen: int) -> None:
        """They have had what waits up to that post, by itself or in an issue of their own."""
        self._db.execute(
            "INSERT OR REPLACE INTO digest_had (subscriber_id, list_id, seen)"
            " SELECT value, ?, ? FROM json_each(?)",
            (list_id, seen, json.dumps(list(people))),
        )

    def have_had_singles(self, list_id: int, people: Sequence[int]) -> None:
        """Each post has come to them by itself, but for those that are still on their way there."""
        if not people:
            return
        last = self.last_id(list_id)
        running = self._db.execute(
            "SELECT p.id, m.cursor, m.upto FROM mailing m JOIN digest_post p"
            " ON p.list_id = m.list_id AND p.at = m.created_at"
            " AND p.of_day = json_extract(m.facts, '$.of_day')"
            " WHERE m.list_id = ? AND m.kind = 'post' AND m.state = 'running' ORDER BY p.id",
            (list_id,),
        ).fetchall()
        by_seen: dict[int, list[int]] = {}
        for one in people:
            missing = (post for post, cursor, upto in running if cursor < one <= upto)
            by_seen.setdefault(next(missing, last + 1) - 1, []).append(one)
        for seen, some in by_seen.items():
            self.have_had(list_id, some, seen)

    # Issues.

    def due(self, now: datetime, limit: int) -> list[Clock]:
        """The lists whose next issue is due, or whose time is still to be worked out."""
        rows = self._db.execute(
            "SELECT list_id, since, next_at FROM digest"
            " WHERE next_at IS NOT NULL AND (next_at <= ? OR next_at > ?) ORDER BY next_at LIMIT ?",
            (stamp(now), stamp(now) + FAR, limit),
        )
        return [Clock(row[0], moment(row[1]), row[2]) for row in rows.fetchall()]

    def set_clock(self, list_id: int, since: datetime, next_at: datetime | None) -> None:
        """Note when the next issue is due; None: there is none."""
        self._db.execute(
            "UPDATE digest SET since = ?, next_at = ? WHERE list_id = ?",
            (stamp(since), stamp(next_at) if next_at else None, list_id),
        )

    def close(self, list_id: int, volume: int, now: datetime) -> int:
        """Take all that waits into a new issue; its number in the volume."""
        self._db.execute(
            "UPDATE digest SET number = iif(volume = ?2, number + 1, 1), volume = ?2, lines = 0,"
            " octets = 0 WHERE list_id = ?1",
            (list_id, volume),
        )
        found = self._db.execute(
            "INSERT INTO digest_issue (list_id, volume, number, closed_at, posts) SELECT d.list_id,"
            " d.volume, d.number, ?2, (SELECT count(*) FROM digest_post WHERE list_id = ?1 AND"
            " issue IS NULL) FROM digest d WHERE d.list_id = ?1",
            (list_id, stamp(now)),
        )
        issue = int(found.lastrowid or 0)
        self._db.execute(
            "UPDATE digest_post SET issue = ? WHERE list_id = ? AND issue IS NULL", (issue, list_id)
        )
        row = self._db.execute("SELECT number FROM digest_issue WHERE id = ?", (issue,)).fetchone()
        return int(row[0])

    def went_as(self, list_id: int, mailing_id: int) -> None:
        """Note which mailing carries the newest issue."""
        self._db.execute(
            "UPDATE digest_issue SET mailing_id = ? WHERE id ="
            " (SELECT max(id) FROM digest_issue WHERE list_id = ?)",
            (mailing_id, list_id),
        )

    # Hours of people's own.

    def holds(self, mailing_id: int, list_id: int, entries: Sequence[Entry]) -> None:
        """Note which posts a digest has, the list's or people's own."""
        self._db.execute(
            "INSERT INTO issue_posts (mailing_id, list_id, posts) VALUES (?, ?, ?)",
            (mailing_id, list_id, json.dumps([mark_of(e.at, e.facts.of_day) for e in entries])),
        )

    def own_due(self, now: datetime, limit: int) -> list[Own]:
        """Those whose own time has come, or is still to be worked out, list by list."""
        rows = self._db.execute(
            f"{_OWN} WHERE o.next_at <= ? OR o.next_at > ? ORDER BY o.next_at LIMIT ?",
            (stamp(now), stamp(now) + 10 * FAR, limit),
        )
        return [Own(*row) for row in rows.fetchall()]

    def own_of(self, subscriber_id: int) -> Own | None:
        """What one subscriber has chosen; None: nothing."""
        row = self._db.execute(f"{_OWN} WHERE o.subscriber_id = ?", (subscriber_id,)).fetchone()
        return Own(*row) if row else None

    def served(self, people: Sequence[int], seen: int, next_at: datetime | None) -> None:
        """They have had all up to that post; their next time, None for one to be worked out."""
        self._db.execute(
            "UPDATE own_time SET seen = max(seen, ?), next_at = ?"
            " WHERE subscriber_id IN (SELECT value FROM json_each(?))",
            (seen, stamp(next_at) if next_at else 0, json.dumps(list(people))),
        )

    def came_unfinished(
        self, list_id: int, entries: Sequence[Entry], people: Sequence[int]
    ) -> None:
        """They have these posts; one that is on its way still does not come to them once more."""
        there = {mark_of(one.at, one.facts.of_day) for one in entries}
        running = self._db.execute(
            "SELECT id, created_at, facts FROM mailing"
            " WHERE list_id = ? AND kind = 'post' AND state = 'running'",
            (list_id,),
        ).fetchall()
        for mailing_id, at, facts in running:
            if mark_of(at, decode(facts).of_day) in there:
                self._db.execute(
                    "INSERT OR IGNORE INTO delivered (mailing_id, subscriber_id)"
                    " SELECT m.id, p.value FROM mailing m, json_each(?) p"
                    " WHERE m.id = ? AND p.value > m.cursor AND p.value <= m.upto",
                    (json.dumps(list(people)), mailing_id),
                )

    # What is not needed any more.

    def erase(self, author_key: str) -> int:
        """Take a person's posts out of what waits, and out of issues on their way."""
        gone = self._db.execute("DELETE FROM digest_post WHERE author_key = ?", (author_key,))
        self._take_out(lambda one: one.facts.author_key == author_key)
        return int(gone.rowcount)

    def forget(
        self, listname: str, author_keys: Collection[str], digests: Collection[bytes]
    ) -> None:
        """Take posts of one list out of the same, by what all copies of a mail have in common."""

        def is_meant(facts: ListFacts, raw: bytes) -> bool:
            through = facts.posts_to.partition("@")[0].upper()
            return (through or facts.listname) == listname and trace.digest(raw) in digests

        for post_id, facts, raw in self._db.execute(
            "SELECT p.id, p.facts, c.raw FROM digest_post p"
            " JOIN digest_content c ON c.id = p.content_id"
            " WHERE p.author_key IN (SELECT value FROM json_each(?))",
            (json.dumps(list(author_keys)),),
        ).fetchall():
            if is_meant(decode(facts), bytes(raw)):
                self._db.execute("DELETE FROM digest_post WHERE id = ?", (post_id,))
        self._take_out(lambda one: is_meant(one.facts, one.raw))

    def _take_out(self, is_meant: Callable[[Entry], bool]) -> None:
        for mailing_id, raw in self._db.execute(
            "SELECT m.id, c.raw FROM mailing m JOIN content c ON c.mailing_id = m.id"
            " WHERE m.kind = 'digest'"
        ).fetchall():
            left = without(bytes(raw), is_meant)
            if left is not None:
                self._db.execute(
                    "UPDATE content SET raw = ? WHERE mailing_id = ?", (left, mailing_id)
                )

    def sweep(self, at_most: int) -> bool:
        """Forget posts whose issue is closed and that nobody's own digest still needs.

        So many at once; whether there may be more. Their contents go by a trigger.
        """
        gone = self._db.execute(
            "DELETE FROM digest_post WHERE id IN (SELECT p.id FROM digest_post p WHERE"  # noqa: S608 - words of ours
            f" p.issue IS NOT NULL AND {_UNNEEDED} UNION ALL SELECT p.id FROM digest d"
            " JOIN digest_post p ON p.list_id = d.list_id AND p.issue IS NULL"
            f" WHERE d.next_at IS NULL AND {_UNNEEDED} LIMIT ?)",
            (at_most,),
        )
        return int(gone.rowcount) == at_most


def mark_of(at: int, of_day: int) -> str:
    """What tells a list's posts apart: when each was sent out, and its place in the day."""
    return f"{at}.{of_day}"


def _entry(row: tuple[int, int, int, str, bytes]) -> Entry:
    number, at, lines, facts, raw = row
    return Entry(number, at, lines, decode(facts), bytes(raw))
