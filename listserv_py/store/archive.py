"""Archives: every post that a list has distributed, by its number, its file, its link.

A post is kept in the transaction that distributes it, as it came; what a search needs is made of it
later (`archive_index.py`). A number is never given to another post, and is the one that
SUBJECTHDR_SEQUENCE shows.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from listserv_py.lists.notebooks import Span
from listserv_py.lists.search import folded
from listserv_py.mail import trace
from listserv_py.mail.archived import Noted
from listserv_py.store.times import moment, stamp

PACKED_AT_ONCE = 16_000
"""Mails up to this size are compressed while they are kept; longer ones when they are indexed."""
LINK_LENGTH = 24
_DAY = 86_400
_COLUMNS = (
    "SELECT a.id, a.number, a.at, a.address, a.name, a.subject, a.lines, a.size, a.link"
    " FROM archive a"
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What the index says of one post; `raw` of its id is the post itself."""

    id: int
    number: int
    at: datetime
    address: str
    name: str
    subject: str
    lines: int
    size: int
    link: str


@dataclass(frozen=True, slots=True)
class Day:
    """How many posts a day has, and their octets."""

    at: datetime
    posts: int
    octets: int


class Archive:
    """The tables `archive`, `archive_content` and `archive_day`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def keep(
        self, list_id: int, number: int, raw: bytes, noted: Noted, link: str, at: datetime
    ) -> None:
        """Keep one post of a list."""
        self._db.execute(
            "INSERT INTO archive (list_id, number, content_id, at, link, author_key, address, name,"
            " subject, sender_folded, subject_folded, lines, size)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                list_id,
                number,
                self._content_id(raw),
                stamp(at),
                link,
                noted.key,
                noted.address,
                noted.name,
                noted.subject,
                folded(f"{noted.name} {noted.address}"),
                folded(noted.subject),
                noted.lines,
                noted.size,
            ),
        )

    def _content_id(self, raw: bytes) -> int:
        digest = trace.digest(raw)
        known = self._content_of(digest)
        if known is not None:
            return known
        packed, stored = pack(raw) if len(raw) <= PACKED_AT_ONCE else (False, raw)
        made = self._db.execute(
            "INSERT INTO archive_content (digest, packed, raw) VALUES (?, ?, ?)",
            (digest, packed, stored),
        )
        return int(made.lastrowid or 0)

    def _content_of(self, digest: bytes) -> int | None:
        row = self._db.execute(
            "SELECT id FROM archive_content WHERE digest = ?", (digest,)
        ).fetchone()
        return int(row[0]) if row else None

    def has(self, list_id: int, raw: bytes) -> bool:
        """Whether the list's archive has this very mail, by whatever way it came."""
        row = self._db.execute(
            "SELECT 1 FROM archive a JOIN archive_content c ON c.id = a.content_id"
            " WHERE c.digest = ? AND a.list_id = ? LIMIT 1",
            (trace.digest(raw), list_id),
        ).fetchone()
        return row is not None

    def raw(self, entry_id: int) -> bytes:
        """A post as it came."""
        row = self._db.execute(
            "SELECT c.packed, c.raw FROM archive a JOIN archive_content c ON c.id = a.content_id"
            " WHERE a.id = ?",
            (entry_id,),
        ).fetchone()
        return unpack(bool(row[0]), bytes(row[1])) if row else b""

    def marks(self, post: Kept) -> tuple[str, bytes]:
        """Its author's key, and what all copies of it have in common."""
        row = self._db.execute(
            "SELECT a.author_key, c.digest FROM archive a"
            " JOIN archive_content c ON c.id = a.content_id WHERE a.id = ?",
            (post.id,),
        ).fetchone()
        return str(row[0]), bytes(row[1])

    def between(self, list_id: int, first: int, last: int, limit: int) -> list[Kept]:
        """The posts with these numbers, as many as there are."""
        return self._read(
            "WHERE a.list_id = ? AND a.number BETWEEN ? AND ? ORDER BY a.number LIMIT ?",
            (list_id, first, last, limit),
        )

    def by_link(self, list_id: int, link: str) -> Kept | None:
        """The first post with that permanent link."""
        found = self._read(
            "WHERE a.link = ? AND a.list_id = ? ORDER BY a.id LIMIT 1", (link, list_id)
        )
        return found[0] if found else None

    def in_file(self, list_id: int, span: Span, limit: int = -1) -> list[Kept]:
        """The posts of a file, oldest first."""
        if span.number is not None:
            return self.between(list_id, span.number, span.number, 1)
        return self._read(
            "WHERE a.list_id = ? AND a.at >= ? AND a.at < ? ORDER BY a.at, a.number LIMIT ?",
            (list_id, stamp(span.since), stamp(span.until), limit),
        )

    def after(self, list_id: int, number: int, limit: int) -> list[Kept]:
        """The posts behind that number."""
        return self._read(
            "WHERE a.list_id = ? AND a.number > ? ORDER BY a.number LIMIT ?",
            (list_id, number, limit),
        )

    def latest(self, list_id: int) -> datetime | None:
        """The time of the post with the highest number; None when there is none."""
        row = self._db.execute(
            "SELECT at FROM archive WHERE list_id = ? ORDER BY number DESC LIMIT 1", (list_id,)
        ).fetchone()
        return moment(row[0]) if row else None

    def days(self, list_id: int) -> list[Day]:
        """The days that have posts, oldest first."""
        rows = self._db.execute(
            "SELECT day, posts, octets FROM archive_day WHERE list_id = ? ORDER BY day", (list_id,)
        )
        return [Day(moment(day * _DAY), posts, octets) for day, posts, octets in rows.fetchall()]

    def octets(self, list_id: int, span: Span) -> int:
        """How large a file is; at most a day's posts too much."""
        if span.number is not None:
            return sum(one.size for one in self.between(list_id, span.number, span.number, 1))
        row = self._db.execute(
            "SELECT coalesce(sum(octets), 0) FROM archive_day"
            " WHERE list_id = ? AND day >= ? AND day <= ?",
            (list_id, stamp(span.since) // _DAY, (stamp(span.until) - 1) // _DAY),
        ).fetchone()
        return int(row[0])

    def sweep(self, at_most: int) -> bool:
        """Forget posts of lists that are gone, so many at once; whether there may be more."""
        gone = self._db.execute(
            "SELECT DISTINCT list_id FROM archive_day"
            " WHERE list_id NOT IN (SELECT id FROM list) LIMIT 1"
        ).fetchone()
        if gone is None:
            return False
        cursor = self._db.execute(
            "DELETE FROM archive WHERE id IN (SELECT id FROM archive WHERE list_id = ? LIMIT ?)",
            (gone[0], at_most),
        )
        if not cursor.rowcount:
            self._db.execute("DELETE FROM archive_day WHERE list_id = ?", (gone[0],))
        return True

    def forget_older(self, before: datetime, at_most: int) -> bool:
        """Forget posts older than that, so many at once; whether there may be more."""
        cursor = self._db.execute(
            "DELETE FROM archive WHERE id IN (SELECT a.id FROM archive_day d JOIN archive a"
            " ON a.list_id = d.list_id AND a.at >= d.day * 86400 AND a.at < (d.day + 1) * 86400"
            " WHERE d.day < ? LIMIT ?)",
            (stamp(before) // _DAY, at_most),
        )
        return int(cursor.rowcount) == at_most

    def forget(self, list_id: int, numbers: list[int]) -> int:
        """Take posts out of a list's archive; their numbers are not given again."""
        gone = 0
        for number in numbers:
            gone += int(
                self._db.execute(
                    "DELETE FROM archive WHERE list_id = ? AND number = ?", (list_id, number)
                ).rowcount
            )
        return gone

    def _read(self, where: str, values: tuple[str | int, ...]) -> list[Kept]:
        rows = self._db.execute(f"{_COLUMNS} {where}", values).fetchall()
        return [Kept(row[0], row[1], moment(row[2]), *row[3:]) for row in rows]


def link_of(listname: str, message_id: str | None, raw: bytes) -> str:
    """The permanent link of a post: the same wherever a list of that name archives it."""
    named = message_id.encode() if message_id else trace.digest(raw)
    hashed = hashlib.blake2b(listname.upper().encode() + b"\0" + named, digest_size=15).digest()
    return base64.b32encode(hashed).decode("ascii")


def pack(raw: bytes) -> tuple[bool, bytes]:
    """Whether it pays to compress the mail, and what to store."""
    packed = zlib.compress(raw, 6)
    return (True, packed) if len(packed) < len(raw) * 9 // 10 else (False, raw)


def unpack(is_packed: bool, stored: bytes) -> bytes:
    """The mail as it came."""
    return zlib.decompress(stored) if is_packed else stored
