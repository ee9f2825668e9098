"""The search index of archives: what is not indexed yet, and what a search finds.

A post is indexed after it is on its way: reading it is done outside the writing thread, and only
the finished words are written in a turn. A row of `archive` says whether that has been done, so a
restart goes on where it was. Of a search only its tree comes in here; each word of it becomes a
quoted FTS5 string or a bound value.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from listserv_py.lists.search import (
    All,
    Any,
    Holds,
    Not,
    Part,
    Search,
    Tree,
    Words,
    apart,
    extract,
    spellings,
    terms_of,
)
from listserv_py.mail.archived import people_of, words_of
from listserv_py.mail.message import read
from listserv_py.store.archive import Kept, pack, unpack
from listserv_py.store.times import moment, stamp

LOOKED_AT_MAX = 300_000
"""So many posts, the newest, does one search look at that asks for more than words."""
EXTRACTS_MAX = 30
"""Of so many posts, the newest, the words around are shown."""
_COLUMNS = "a.id, a.number, a.at, a.address, a.name, a.subject, a.lines, a.size, a.link"
_WITH_WORDS = (
    "SELECT rowid AS id FROM archive_text WHERE archive_text MATCH ? ORDER BY rowid DESC LIMIT ?"
)
_WITHOUT_WORDS = "SELECT id FROM archive WHERE list_id = ? ORDER BY number DESC LIMIT ?"


@dataclass(frozen=True, slots=True)
class Unread:
    """A post whose words are not in the index."""

    id: int
    raw: bytes
    packed: bool


@dataclass(frozen=True, slots=True)
class Indexed:
    """Its words; `repacked` are its bytes compressed, None where they stay as they are."""

    id: int
    words: str
    people: str
    repacked: bytes | None


@dataclass(frozen=True, slots=True)
class Found:
    """A post that a search has found, and the words around."""

    post: Kept
    extract: str


class ArchiveIndex:
    """The FTS5 table `archive_text`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def unread(self, limit: int, octets: int) -> list[Unread]:
        """Posts that wait to be indexed, the oldest first; one at least, whatever its size."""
        rows = self._db.execute(
            "SELECT a.id, c.packed, a.size, c.raw FROM archive a"
            " JOIN archive_content c ON c.id = a.content_id WHERE a.indexed = 0"
            " ORDER BY a.id LIMIT ?",
            (limit,),
        )
        found: list[Unread] = []
        size = 0
        for entry_id, packed, length, raw in rows:
            size += length
            if found and size > octets:
                break
            found.append(Unread(entry_id, unpack(bool(packed), bytes(raw)), bool(packed)))
        return found

    def index(self, posts: Sequence[Indexed]) -> None:
        """Put the words of posts into the index; one that is gone meanwhile is passed over."""
        for one in posts:
            row = self._db.execute(
                "SELECT list_id, name || ' ' || address, subject, content_id FROM archive"
                " WHERE id = ? AND indexed = 0",
                (one.id,),
            ).fetchone()
            if row is None:
                continue
            list_id, sender, subject, content_id = row
            self._db.execute(
                "INSERT INTO archive_text (rowid, place, sender, subject, body, people)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (one.id, _place(list_id), apart(sender), apart(subject), one.words, one.people),
            )
            self._db.execute("UPDATE archive SET indexed = 1 WHERE id = ?", (one.id,))
            if one.repacked is not None:
                self._db.execute(
                    "UPDATE archive_content SET packed = 1, raw = ? WHERE id = ? AND packed = 0",
                    (one.repacked, content_id),
                )

    def search(self, list_id: int, search: Search, limit: int) -> list[Found]:
        """The newest posts that are meant, so many, the newest first, with extracts."""
        match = _matching(list_id, search.text) if search.text else ""
        conditions, values = _conditions(search)
        among = _WITH_WORDS if match else _WITHOUT_WORDS
        also = "".join(f" AND {one}" for one in conditions)
        rows = self._db.execute(
            f"SELECT {_COLUMNS} FROM ({among}) t JOIN archive a ON a.id = t.id{also}"  # noqa: S608 - words of ours, and question marks
            " ORDER BY t.id DESC LIMIT ?",
            (match or list_id, LOOKED_AT_MAX, *values, limit),
        ).fetchall()
        posts = [Kept(row[0], row[1], moment(row[2]), *row[3:]) for row in rows]
        terms = terms_of(search.text) if search.text else ()
        return [
            Found(post, self._extract(post.id, terms) if terms and at < EXTRACTS_MAX else "")
            for at, post in enumerate(posts)
        ]

    def _extract(self, entry_id: int, terms: Sequence[Words]) -> str:
        """Not by FTS5's snippet(): that looks the words up anew for each post."""
        row = self._db.execute(
            "SELECT body FROM archive_text WHERE rowid = ?", (entry_id,)
        ).fetchone()
        return extract(str(row[0]), terms) if row else ""


def prepared(post: Unread) -> Indexed:
    """Read a post for the index; needs no store, and may take its time."""
    message = read(post.raw)
    is_packed, packed = (True, b"") if post.packed else pack(post.raw)
    repacked = packed if is_packed and not post.packed else None
    return Indexed(post.id, apart(words_of(message)), apart(people_of(message)), repacked)


def naming(words: str) -> str:
    """The FTS5 expression for everything that names these words anywhere."""
    return _quoted(apart(words))


def _place(list_id: int) -> str:
    return f"l{list_id}"


def _matching(list_id: int, tree: Tree) -> str:
    place = f"place : {_quoted(_place(list_id))}"
    return f"{place} AND {_fts(tree, place)}"


def _fts(tree: Tree, place: str) -> str:
    """A tree of words in FTS5's language, where NOT stands between two: `place` is everything."""
    if isinstance(tree, Words):
        ends = " *" if tree.begins else ""
        ways = (f"{_quoted(apart(one))}{ends}" for one in spellings(tree.text))
        return f"{{sender subject body}} : ({' OR '.join(ways)})"
    if isinstance(tree, Any):
        return f"({' OR '.join(_fts(one, place) for one in tree.of)})"
    parts = tree.of if isinstance(tree, All) else (tree,)
    wanted = [_fts(one, place) for one in parts if not isinstance(one, Not)]
    said = " AND ".join(wanted or [place])
    for one in parts:
        if isinstance(one, Not):
            said = f"({said}) NOT {_fts(one.of, place)}"
    return f"({said})"


def _quoted(text: str) -> str:
    doubled = text.replace('"', '""').replace("\0", " ")
    return f'"{doubled}"'


def _conditions(search: Search) -> tuple[list[str], list[str | int]]:
    conditions: list[str] = []
    values: list[str | int] = []
    if search.since is not None:
        conditions.append("a.at >= ?")
        values.append(stamp(search.since))
    if search.until is not None:
        conditions.append("a.at < ?")
        values.append(stamp(search.until))
    if search.where is not None:
        conditions.append(_where(search.where, values))
    return conditions, values


def _where(tree: Tree, values: list[str | int]) -> str:
    """A tree of WHERE as a condition, whose texts go into `values` in their order."""
    if isinstance(tree, Holds):
        column = f"a.{tree.part.value}_folded"
        values.append(tree.text)
        if not tree.whole:
            return f"instr({column}, ?) > 0"
        if tree.part is Part.SUBJECT:
            return f"{column} = ?"
        values.append(tree.text)
        return f"(a.author_key = ? OR {column} = ? || ' ' || lower(a.address))"
    if isinstance(tree, Not):
        return f"NOT ({_where(tree.of, values)})"
    word = " OR " if isinstance(tree, Any) else " AND "
    parts = tree.of if isinstance(tree, (All, Any)) else ()
    return f"({word.join(_where(one, values) for one in parts)})"
