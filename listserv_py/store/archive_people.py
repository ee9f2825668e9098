"""One person in the archives: what he wrote there, who names him, and his erasure.

What he wrote stays as bare text without his name, or goes whole where the list says so
(`Misc-Options= DROP_ERASED_POSTS`). Mail of others loses his address, and his whole name beside it
or where it is quoted. The digest of what a mail was stays, so that an old mailbox that is imported
again does not bring him back.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from sqlite_utils import Database

from listserv_py.lists.search import folded
from listserv_py.mail.archived import noted
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import read
from listserv_py.mail.redact import NOBODY, SOMEBODY, bare, finder, forgetter, spellings, without
from listserv_py.store.archive import pack, unpack
from listserv_py.store.archive_index import naming
from listserv_py.store.archive_tables import CAN_SCRUB
from listserv_py.store.lists import Lists
from listserv_py.store.records import Record, readable
from listserv_py.store.times import moment

_COLUMNS = "SELECT a.id, a.list_id, a.number, a.at, a.content_id, c.packed, c.raw FROM archive a"
_JOINED = f"{_COLUMNS} JOIN archive_content c ON c.id = a.content_id"

_OF_OTHERS = (
    "a.author_key <> ? AND a.id > ? AND (a.indexed = 0 OR a.id IN"
    " (SELECT rowid FROM archive_text WHERE archive_text MATCH ?)) ORDER BY a.id LIMIT ?"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One post, as far as it concerns a person."""

    id: int
    list_id: int
    number: int
    at: int
    content_id: int
    raw: bytes


@dataclass(frozen=True, slots=True)
class Erasing:
    """How far an erasure has come; posts of others have been looked at up to `after`."""

    posts: int = 0
    after: int = 0
    others_done: bool = False
    is_done: bool = False


class ArchivePeople:
    """A person's part in the archives."""

    def __init__(self, db: Database, lists: Lists) -> None:
        self._db = db
        self._lists = lists

    def written(self, mailbox: Mailbox, limit: int = -1) -> list[Entry]:
        """The posts that he wrote."""
        return self._read(
            f"{_JOINED} WHERE a.author_key = ? ORDER BY a.id LIMIT ?", (mailbox.key, limit)
        )

    def _perhaps_naming(
        self, mailbox: Mailbox, names: frozenset[str], after: int = 0, limit: int = -1
    ) -> list[Entry]:
        """Posts of others that may name him: those that no index has read are all among them."""
        words = " OR ".join(naming(word) for word in (*spellings(mailbox), *sorted(names)))
        return self._read(f"{_JOINED} WHERE {_OF_OTHERS}", (mailbox.key, after, words, limit))

    def names(self, mailbox: Mailbox) -> frozenset[str]:
        """What he is called here, where that is more than one word and so his own."""
        rows = self._db.execute(
            "SELECT DISTINCT name FROM archive WHERE author_key = :key"
            " UNION SELECT name FROM subscriber WHERE address_key = :key"
            " UNION SELECT name FROM signup WHERE address_key = :key",
            {"key": mailbox.key},
        )
        return frozenset(name for (name,) in rows.fetchall() if " " in name.strip())

    def stored_about(self, mailbox: Mailbox) -> dict[str, list[Record]]:
        """What he wrote, whole, and where others name him."""
        names = {one.id: one.name for one in self._lists.all()}
        told = self.names(mailbox)
        him = finder(mailbox, told)
        return {
            "archived_posts": [
                {
                    "list": names.get(one.list_id, ""),
                    "number": one.number,
                    "kept_at": moment(one.at).isoformat(),
                    "content": readable(one.raw),
                }
                for one in self.written(mailbox)
            ],
            "archived_posts_naming_him": [
                {"list": names.get(one.list_id, ""), "number": one.number}
                for one in self._perhaps_naming(mailbox, told)
                if without(read(one.raw), him) != one.raw
            ],
        }

    def erase(self, mailbox: Mailbox, names: frozenset[str], after: int = 0) -> int:
        """Take him out of every post, where others name him of those after one only; how many."""
        found = Erasing(after=after)
        while not found.is_done:
            found = self.erase_some(mailbox, names, found, -1)
        return found.posts

    def erase_some(
        self, mailbox: Mailbox, names: frozenset[str], so_far: Erasing, limit: int
    ) -> Erasing:
        """Take him out of so many posts: last out of his own, for those tell his names."""
        if so_far.others_done:
            return self._erase_own(mailbox, names, so_far, limit)
        him, posts, after = finder(mailbox, names), so_far.posts, so_far.after
        read_now = self._perhaps_naming(mailbox, names, after, limit)
        for one in read_now:
            after, raw = one.id, without(read(one.raw), him)
            if raw != one.raw:
                posts += 1
                self._change(one, raw, is_his=False)
        return Erasing(posts, after, others_done=len(read_now) != limit)

    def _erase_own(
        self, mailbox: Mailbox, names: frozenset[str], so_far: Erasing, limit: int
    ) -> Erasing:
        forget = forgetter(finder(mailbox, names))
        his = self.written(mailbox, limit)
        for one in his:
            if self._drops(one.list_id):
                self._db.execute("DELETE FROM archive WHERE id = ?", (one.id,))
            else:
                self._change(one, bare(read(one.raw), forget, moment(one.at)), is_his=True)
        done = len(his) != limit
        if done and not CAN_SCRUB:
            self._db.execute("INSERT INTO archive_text (archive_text) VALUES ('rebuild')")
        return replace(so_far, posts=so_far.posts + len(his), is_done=done)

    def last_id(self) -> int:
        """The newest post of all archives."""
        return int(self._db.execute("SELECT coalesce(max(id), 0) FROM archive").fetchone()[0])

    def file_lines(self, whole: re.Pattern[str]) -> Iterator[tuple[str, str, str]]:
        """Lines of lists' own files that name somebody: the list, the file, the line."""
        rows = self._db.execute(
            "SELECT l.name, f.name, f.content FROM list_file f JOIN list l ON l.id = f.list_id"
        ).fetchall()
        for name, title, content in rows:
            text = bytes(content).decode("utf-8", "replace")
            yield from ((name, title, line) for line in text.split("\n") if whole.search(line))

    def _drops(self, list_id: int) -> bool:
        found = self._lists.by_id(list_id)
        return found is not None and "DROP_ERASED_POSTS" in found.keywords.misc

    def _change(self, one: Entry, raw: bytes, *, is_his: bool) -> None:
        """Put other bytes in a post's place; its words are indexed anew afterwards."""
        is_packed, stored = pack(raw)
        self._db.execute(
            "UPDATE archive_content SET packed = ?, raw = ? WHERE id = ?",
            (is_packed, stored, one.content_id),
        )
        new = noted(read(raw))
        for entry_id, list_id, at, size, *who in self._db.execute(
            "SELECT id, list_id, at, size, name, address, author_key FROM archive"
            " WHERE content_id = ?",
            (one.content_id,),
        ).fetchall():
            name, address, key = (NOBODY, SOMEBODY, "") if is_his else who
            self._db.execute("DELETE FROM archive_text WHERE rowid = ?", (entry_id,))
            self._db.execute(
                "UPDATE archive SET indexed = 0, name = ?, address = ?, author_key = ?,"
                " subject = ?, sender_folded = ?, subject_folded = ?, lines = ?, size = ?"
                " WHERE id = ?",
                (
                    *(name, address, key, new.subject, folded(f"{name} {address}")),
                    *(folded(new.subject), new.lines, new.size, entry_id),
                ),
            )
            self._db.execute(
                "UPDATE archive_day SET octets = octets + ? WHERE list_id = ? AND day = ?",
                (new.size - size, list_id, at // 86_400),
            )

    def _read(self, query: str, values: tuple[str | int, ...]) -> list[Entry]:
        rows = self._db.execute(query, values).fetchall()
        return [
            Entry(entry_id, list_id, number, at, content_id, unpack(bool(packed), bytes(raw)))
            for entry_id, list_id, number, at, content_id, packed, raw in rows
        ]
