"""The change log: a line for each joining, leaving, change and post, of the lists that want it.

The lines form a chain: each has a digest of what it says, and a link over that digest and the link
before it, so an altered, missing or inserted line is found. The digest is salted with dice that
stand beside it; to erase a person, what his lines say and their salts go, the digests stay, and the
chain holds all the same. Nothing leads from a digest without its salt back to a person.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import moment, stamp

REST_MAX = 200
ERASED = "-"
NO_LIST = "*"
"""In the place of the list's name where a line is about none."""
_PAGE = 1000
_COLUMNS = "SELECT id, listname, at, verb, address, rest, salt, digest, link FROM change_log"

Row = tuple[int, str, int, str, str, str, bytes | None, bytes, bytes]


class Verb(StrEnum):
    """What happened; the values are the words of the log."""

    ADD = "ADD"
    AUTODEL = "AUTODEL"
    BOUNCE = "BOUNCE"
    CHANGE = "CHANGE"
    DELETE = "DELETE"
    DISTRIBUTE = "DISTRIBUTE"
    POST = "POST"
    READD = "READD"
    RESUBSCRIBE = "RESUBSCRIBE"
    SET = "SET"
    SIGNOFF = "SIGNOFF"
    SUBSCRIBE = "SUBSCRIBE"


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check of the whole log found.

    `head` is the chain's last link, worth noting elsewhere: whoever rewrites the whole chain cannot
    come by the same. `broken` says which line is not what was written; None when all are.
    """

    lines: int
    erased: int
    head: str
    broken: str | None


class ChangeLog:
    """The tables `change_log` and `change_chain`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def note(
        self, mailing_list: MailingList, verb: Verb, mailbox: Mailbox, rest: str, now: datetime
    ) -> None:
        """Add a line if the list keeps a log (`Change-Log=`)."""
        self.note_many(mailing_list, [(verb, mailbox, rest)], now)

    def note_many(
        self, mailing_list: MailingList, deeds: Iterable[tuple[Verb, Mailbox, str]], now: datetime
    ) -> None:
        """`note` for many at once."""
        if mailing_list.keywords.change_log is not None:
            self._add(mailing_list.name, deeds, now)

    def note_site(self, verb: Verb, mailbox: Mailbox, rest: str, now: datetime) -> None:
        """Add a line about what concerns no list; it is always kept."""
        self._add(NO_LIST, [(verb, mailbox, rest)], now)

    def _add(self, name: str, deeds: Iterable[tuple[Verb, Mailbox, str]], now: datetime) -> None:
        at = stamp(now)
        link = bytes(self._db.execute("SELECT last_link FROM change_chain").fetchone()[0])
        rows = []
        for verb, mailbox, said in deeds:
            address, rest, salt = str(mailbox), _one_line(said), secrets.token_bytes(16)
            digest = _digest(salt, address, rest)
            link = _link(link, name, at, verb, digest)
            rows.append((name, at, verb, mailbox.key, address, rest, salt, digest, link))
        self._db.conn.executemany(
            "INSERT INTO change_log (listname, at, verb, address_key, address, rest, salt, digest,"
            " link) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            rows,
        )
        self._db.execute("UPDATE change_chain SET last_link = ?", (link,))

    def lines(
        self, mailing_list: MailingList | None, since: datetime, until: datetime
    ) -> Iterator[str]:
        """The lines of that time, oldest first: `YYYYMMDDHHMMSS VERB address rest`.

        Without a list those of all lists, the list's name before the rest.
        """
        query = "SELECT listname, at, verb, address, rest FROM change_log WHERE at >= ? AND at < ?"
        times = (stamp(since), stamp(until))
        # Each in the order of an index, so that nobody's log is sorted while mail waits.
        if mailing_list is None:
            rows = self._db.execute(f"{query} ORDER BY id", times)
        else:
            query = f"{query} AND listname = ? ORDER BY at, id"
            rows = self._db.execute(query, (*times, mailing_list.name))
        for listname, at, verb, address, rest in rows:
            words = [f"{moment(at):%Y%m%d%H%M%S}", verb, address or ERASED]
            words += [listname] if mailing_list is None else []
            yield " ".join((*words, rest)).rstrip()

    def oldest(self, mailing_list: MailingList | None) -> datetime | None:
        """The time of the oldest line, of a list or of all; None when there is none."""
        query = "SELECT min(at) FROM change_log"
        if mailing_list is None:
            row = self._db.execute(query).fetchone()
        else:
            named = (mailing_list.name,)
            row = self._db.execute(f"{query} WHERE listname = ?", named).fetchone()
        return None if row[0] is None else moment(row[0])

    def check(self) -> Checked:
        """Whether every line is what was written, and none is missing or too many."""
        first, last = self._db.execute("SELECT first_link, last_link FROM change_chain").fetchone()
        link, lines, erased = bytes(first), 0, 0
        for row in self._all():
            _, listname, at, verb, address, rest, salt, digest, written = row
            link = _link(link, listname, at, verb, digest)
            holds = salt is None or _digest(salt, address, rest) == digest
            if link != written or not holds:
                return Checked(lines, erased, link.hex(), _named(row))
            lines, erased = lines + 1, erased + (salt is None)
        broken = None if link == bytes(last) else "the last line is missing"
        return Checked(lines, erased, link.hex(), broken)

    def erase(self, mailbox: Mailbox) -> int:
        """Take out what the lines that name a person say; says how many those were."""
        cursor = self._db.execute(
            "UPDATE change_log SET address_key = '', address = '', rest = '', salt = NULL"
            " WHERE address_key = ? OR instr(lower(rest), ?)",
            (mailbox.key, str(mailbox).lower()),
        )
        return int(cursor.rowcount)

    def sweep(self, before: datetime) -> bool:
        """Forget lines older than that; whether there may be more. The chain begins behind them."""
        rows = self._db.execute(
            "SELECT id, at, link FROM change_log ORDER BY id LIMIT ?", (_PAGE,)
        ).fetchall()
        # A clock may have been set back meanwhile: only from the front, or the chain would break.
        kept = next((at for at, row in enumerate(rows) if row[1] >= stamp(before)), len(rows))
        if kept:
            last_id, _, link = rows[kept - 1]
            self._db.execute("DELETE FROM change_log WHERE id <= ?", (last_id,))
            self._db.execute("UPDATE change_chain SET first_link = ?", (link,))
        return kept == _PAGE

    def _all(self) -> Iterator[Row]:
        last = 0
        while rows := self._db.execute(
            f"{_COLUMNS} WHERE id > ? ORDER BY id LIMIT ?", (last, _PAGE)
        ).fetchall():
            yield from rows
            last = rows[-1][0]


def _named(row: Row) -> str:
    return f"line {row[0]}: {moment(row[2]):%Y%m%d%H%M%S} {row[3]}, list {row[1]}"


def _one_line(text: str) -> str:
    shown = "".join(letter if letter.isprintable() else " " for letter in text[: 2 * REST_MAX])
    return " ".join(shown.split())[:REST_MAX]


def _digest(salt: bytes, address: str, rest: str) -> bytes:
    return hashlib.blake2b(f"{address}\0{rest}".encode(), key=salt, digest_size=32).digest()


def _link(before: bytes, listname: str, at: int, verb: str, digest: bytes) -> bytes:
    text = f"{listname}\0{at}\0{verb}\0".encode()
    return hashlib.blake2b(before + text + digest, digest_size=32).digest()
