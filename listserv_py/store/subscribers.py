"""The subscribers of all lists, with the record of their consent.

A row is gone when its person has left: nothing is kept of somebody who is not on the list.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlite_utils import Database

from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import TOPICS_SHIFT, Options
from listserv_py.lists.topics import EVERYTHING
from listserv_py.mail.mailbox import Mailbox, known_mailbox
from listserv_py.store import owntimes
from listserv_py.store.lists import Lists
from listserv_py.store.patterns import like
from listserv_py.store.progress import readers
from listserv_py.store.times import moment, stamp

_COLUMNS = (
    f"SELECT id, list_id, address, name, options, subscribed_at, {owntimes.SAID} FROM subscriber"  # noqa: S608 - a number of ours
)
PAGE = 500

Row = tuple[int, int, str, str, int, int, str | None]


@dataclass(frozen=True, slots=True)
class Consent:
    """Who asked for a subscription, when and from where, and the answer that confirmed it."""

    asked_at: datetime
    asked_message_id: str
    asked_host: str
    request: str
    confirmed_at: datetime
    confirmed_message_id: str

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Consent:
        """Read what `as_row` made."""
        return cls(moment(row[0]), row[1], row[2], row[3], moment(row[4]), row[5])

    def as_row(self) -> tuple[int | str, ...]:
        """As the store has it, in the order of the fields."""
        return (
            stamp(self.asked_at),
            self.asked_message_id,
            self.asked_host,
            self.request,
            stamp(self.confirmed_at),
            self.confirmed_message_id,
        )


class Subscribers:
    """The tables `subscriber` and `consent`."""

    def __init__(self, db: Database, lists: Lists) -> None:
        self._db = db
        self._lists = lists

    def find(self, list_id: int, mailbox: Mailbox) -> Subscription | None:
        """The person's subscription to the list, or None."""
        row = self._db.execute(
            f"{_COLUMNS} WHERE list_id = ? AND address_key = ?", (list_id, mailbox.key)
        ).fetchone()
        return _read(row) if row else None

    def by_id(self, subscription_id: int) -> Subscription | None:
        """The subscription with that id, or None when its person has left."""
        row = self._db.execute(f"{_COLUMNS} WHERE id = ?", (subscription_id,)).fetchone()
        return _read(row) if row else None

    def of(self, mailbox: Mailbox) -> list[tuple[MailingList, Subscription]]:
        """All of one person's subscriptions, by the lists' names."""
        rows = self._db.execute(f"{_COLUMNS} WHERE address_key = ?", (mailbox.key,)).fetchall()
        pairs = [(self._lists.by_id(row[1]), _read(row)) for row in rows]
        known = [(mailing_list, found) for mailing_list, found in pairs if mailing_list]
        return sorted(known, key=lambda pair: pair[0].name)

    def is_over(self, list_id: int, number: int) -> bool:
        """Whether the list has more subscribers than that; looks at no more of them."""
        row = self._db.execute(
            "SELECT 1 FROM subscriber WHERE list_id = ? LIMIT 1 OFFSET ?", (list_id, number)
        ).fetchone()
        return row is not None

    def add(
        self,
        list_id: int,
        mailbox: Mailbox,
        name: str,
        options: Options,
        now: datetime,
        consent: Consent | None = None,
    ) -> Subscription:
        """A new subscription; the caller has made sure that there is none yet."""
        cursor = self._db.execute(
            "INSERT INTO subscriber (list_id, address_key, address, name, options, subscribed_at,"
            " active_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
            (list_id, mailbox.key, str(mailbox), name, options.encode(), stamp(now)),
        )
        subscription_id = int(cursor.lastrowid or 0)
        if owntimes.has_times(options):
            owntimes.note(self._db, subscription_id, options)
        if consent is not None:
            self._record(subscription_id, consent)
        return Subscription(subscription_id, list_id, mailbox, name, options, moment(stamp(now)))

    def add_many(self, list_id: int, rows: list[tuple[Mailbox, str, Options, datetime]]) -> None:
        """Many new subscriptions at once; a repeated address is an error of the database."""
        encoded = {options: options.encode() for options in {row[2] for row in rows}}
        self._db.conn.executemany(
            "INSERT INTO subscriber (list_id, address_key, address, name, options, subscribed_at,"
            " active_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6)",
            (
                (list_id, mailbox.key, str(mailbox), name, encoded[options], stamp(at))
                for mailbox, name, options, at in rows
            ),
        )

        for mailbox, _, options, _ in rows:
            found = self.find(list_id, mailbox) if owntimes.has_times(options) else None
            if found is not None:
                owntimes.note(self._db, found.id, options)

    def add_alike(
        self, list_id: int, people: Iterable[tuple[str, str, str]], options: Options, now: datetime
    ) -> None:
        """`add_many` for people who differ only in key, address and name, quickly."""
        if owntimes.has_times(options):
            rows = [(known_mailbox(address), name, options, now) for _, address, name in people]
            self.add_many(list_id, rows)
            return
        encoded, at = options.encode(), stamp(now)
        self._db.conn.executemany(
            "INSERT INTO subscriber (list_id, options, subscribed_at, active_at, address_key,"  # noqa: S608 - numbers of ours
            f" address, name) VALUES ({list_id:d}, {encoded:d}, {at:d}, {at:d}, ?, ?, ?)",
            # In the order of the indices: page after page, not each page again and again.
            sorted(people),
        )

    def rename_many(self, list_id: int, names: Iterable[tuple[str, str]]) -> None:
        """Other names for many at once, each behind the key of its address."""
        self._db.conn.executemany(
            "UPDATE subscriber SET name = ? WHERE list_id = ? AND address_key = ?",
            ((name, list_id, key) for key, name in names),
        )

    def remove_many(self, list_id: int, keys: Iterable[str]) -> None:
        """Forget many at once, as `remove` does.

        Few statements: SQLite keeps of each, as the table has a trigger, what it would need to undo
        it, and looks through what it keeps of the whole turn: one for each costs n squared.
        """
        left = iter(sorted(keys))
        while some := list(islice(left, PAGE)):
            self._forget_ways_back(list_id, some)
            self._db.execute(
                "DELETE FROM subscriber WHERE list_id = ?"
                " AND address_key IN (SELECT value FROM json_each(?))",
                (list_id, json.dumps(some)),
            )

    def save(self, subscription: Subscription) -> None:
        """Store the name, options and time that a subscription has now."""
        owntimes.note(self._db, subscription.id, subscription.options)
        self._db.execute(
            "UPDATE subscriber SET name = ?, options = ?, subscribed_at = ? WHERE id = ?",
            (
                subscription.name,
                subscription.options.encode(),
                stamp(subscription.subscribed_at),
                subscription.id,
            ),
        )

    def move(self, subscription_id: int, mailbox: Mailbox) -> None:
        """Give a subscription another address; what bounced at the old one is forgotten.

        The caller has made sure that the new one is not on the list yet.
        """
        self._db.execute(
            "UPDATE subscriber SET address_key = ?, address = ? WHERE id = ?",
            (mailbox.key, str(mailbox), subscription_id),
        )
        self._db.execute("DELETE FROM bounce WHERE subscriber_id = ?", (subscription_id,))
        self._db.execute("DELETE FROM probe WHERE subscriber_id = ?", (subscription_id,))

    def rename(self, mailbox: Mailbox, name: str) -> int:
        """Give all of a person's subscriptions one name; says how many those are."""
        cursor = self._db.execute(
            "UPDATE subscriber SET name = ? WHERE address_key = ?", (name, mailbox.key)
        )
        return int(cursor.rowcount)

    def matching(self, list_id: int, pattern: str) -> list[tuple[int, Mailbox]]:
        """Ids and addresses on the list that a pattern means, in the order of joining.

        In a pattern `*` stands for any letters, none among them.
        """
        rows = self._db.execute(
            "SELECT id, address FROM subscriber WHERE list_id = ?"
            " AND address_key LIKE ? ESCAPE '\\' ORDER BY id",
            (list_id, like(pattern)),
        )
        return [(row[0], known_mailbox(row[1])) for row in rows]

    def matched(self, list_id: int, pattern: str) -> Iterator[Subscription]:
        """The subscriptions of `matching`, read page by page."""
        last = 0
        while rows := self._db.execute(
            f"{_COLUMNS} WHERE list_id = ? AND id > ? AND address_key LIKE ? ESCAPE '\\'"
            " ORDER BY id LIMIT ?",
            (list_id, last, like(pattern), PAGE),
        ).fetchall():
            yield from map(_read, rows)
            last = rows[-1][0]

    def set_many(self, options: Iterable[tuple[int, Options]]) -> None:
        """Other options for many subscriptions at once, each behind its id."""
        many = list(options)
        for subscription_id, one in many:
            owntimes.note(self._db, subscription_id, one)
        self._db.conn.executemany(
            "UPDATE subscriber SET options = ? WHERE id = ?",
            ((one.encode(), subscription_id) for subscription_id, one in many),
        )

    def move_topics(self, list_id: int, moved: Callable[[int], int]) -> None:
        """Other places for the topics that people on the list do not want."""
        # Few choices are made by many people, and the database asks for one a row.
        self._db.conn.create_function("moved", 1, lru_cache(maxsize=4096)(moved))
        self._db.execute(
            "UPDATE subscriber SET options ="
            " (options & ~(?1 << ?2)) | (moved(options >> ?2 & ?1) << ?2)"
            " WHERE list_id = ?3 AND options >> ?2 & ?1 <> 0",
            (EVERYTHING, TOPICS_SHIFT, list_id),
        )

    def remove(self, subscription: Subscription) -> None:
        """Forget the person as far as this list goes; its consent and waiting copies go with it."""
        self._forget_ways_back(subscription.list_id, [subscription.mailbox.key])
        self._db.execute("DELETE FROM subscriber WHERE id = ?", (subscription.id,))

    def _forget_ways_back(self, list_id: int, keys: list[str]) -> None:
        """What was kept for those who had been taken off before, and came back another way."""
        self._db.execute(
            "DELETE FROM cookie WHERE kind = 'return' AND list_id = ?"
            " AND address_key IN (SELECT value FROM json_each(?))",
            (list_id, json.dumps(keys)),
        )

    def on_list(self, list_id: int, after: int = 0) -> Iterator[Subscription]:
        """Who is on the list in the order of joining, from behind an id, read page by page."""
        last = after
        while rows := self._db.execute(
            f"{_COLUMNS} WHERE list_id = ? AND id > ? ORDER BY id LIMIT ?", (list_id, last, PAGE)
        ).fetchall():
            yield from map(_read, rows)
            last = rows[-1][0]

    def names(self, list_id: int) -> dict[str, str]:
        """The names of all on the list by the keys of their addresses."""
        rows = self._db.execute(
            "SELECT address_key, name FROM subscriber WHERE list_id = ?", (list_id,)
        )
        return dict(rows)

    def keys(self, list_id: int) -> frozenset[str]:
        """The keys of all addresses on the list: for those who compare many at once."""
        rows = self._db.execute("SELECT address_key FROM subscriber WHERE list_id = ?", (list_id,))
        return frozenset(row[0] for row in rows)

    def count(self, list_id: int) -> int:
        """How many are on the list."""
        row = self._db.execute(
            "SELECT count(*) FROM subscriber WHERE list_id = ?", (list_id,)
        ).fetchone()
        return int(row[0])

    def count_matching(self, list_id: int, pattern: str) -> int:
        """How many of them a pattern means."""
        row = self._db.execute(
            "SELECT count(*) FROM subscriber WHERE list_id = ? AND address_key LIKE ? ESCAPE '\\'",
            (list_id, like(pattern)),
        ).fetchone()
        return int(row[0])

    def receivers(self, list_id: int, topics: int = 0) -> int:
        """How many of them get a post on these topics as a mail of its own."""
        return readers(self._db, list_id, topics)

    def name_of(self, mailbox: Mailbox) -> str | None:
        """The name that a person gave on joining any list, or None."""
        row = self._db.execute(
            "SELECT name FROM subscriber WHERE address_key = ? AND name <> ''"
            " ORDER BY id DESC LIMIT 1",
            (mailbox.key,),
        ).fetchone()
        return str(row[0]) if row else None

    def consent_of(self, subscription: Subscription) -> Consent | None:
        """How a subscription was confirmed; None where an owner or an import made it."""
        row = self._db.execute(
            "SELECT asked_at, asked_message_id, asked_host, request, confirmed_at,"
            " confirmed_message_id FROM consent WHERE subscriber_id = ?",
            (subscription.id,),
        ).fetchone()
        return None if row is None else Consent.of_row(row)

    def _record(self, subscription_id: int, consent: Consent) -> None:
        self._db.execute(
            "INSERT INTO consent VALUES (?, ?, ?, ?, ?, ?, ?)", (subscription_id, *consent.as_row())
        )


def _read(row: Row) -> Subscription:
    subscription_id, list_id, address, name, options, subscribed_at, times = row
    return Subscription(
        id=subscription_id,
        list_id=list_id,
        mailbox=known_mailbox(address),
        name=name,
        options=owntimes.with_times(options, times),
        subscribed_at=moment(subscribed_at),
    )
