"""Whom a mail of DISTRIBUTE goes to: people of one job, who are on no list.

Their ids begin where no subscriber's will ever be, so that a copy is known by (mailing, reader)
whoever reads it, in the journals, the ledger and the table `copy`. The rows go when the mailing is
over, whichever way it ends: triggers see to it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from sqlite_utils import Database

FIRST = 1 << 60
"""Ids of recipients are larger."""
BETWEEN = "\x1f"
"""Between a recipient's values, his name and then the columns."""

Row = tuple[str, str, Sequence[str]]
"""Address, its key, the name and the columns."""

_TABLES = (
    """
CREATE TABLE recipient (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    mailing_id INTEGER NOT NULL REFERENCES mailing(id) ON DELETE CASCADE,
    address_key TEXT NOT NULL,
    address TEXT NOT NULL,
    said TEXT NOT NULL
) STRICT""",
    f"INSERT INTO sqlite_sequence (name, seq) VALUES ('recipient', {FIRST})",  # noqa: S608 - a number of ours
    "CREATE INDEX recipient_page ON recipient (mailing_id, id)",
    "CREATE INDEX recipient_person ON recipient (address_key)",
)
_TRIGGERS = (
    "CREATE TRIGGER copy_of_subscriber AFTER DELETE ON subscriber BEGIN"
    " DELETE FROM copy WHERE subscriber_id = old.id; END",
    "CREATE TRIGGER copy_of_recipient AFTER DELETE ON recipient BEGIN"
    " DELETE FROM copy WHERE subscriber_id = old.id; END",
    "CREATE TRIGGER recipients_done AFTER UPDATE OF state ON mailing WHEN new.kind = 'job'"
    " AND new.state NOT IN ('running', 'waiting') BEGIN"
    " DELETE FROM recipient WHERE mailing_id = new.id; END",
)


def create(db: Database) -> None:
    """Make the table, and let copies be a recipient's as well as a subscriber's."""
    for statement in _TABLES:
        db.execute(statement)
    _free_copies(db)
    for statement in _TRIGGERS:
        db.execute(statement)


def _free_copies(db: Database) -> None:
    """Make `copy` anew without its reference to `subscriber`; a trigger does what that did."""
    made = db.execute("SELECT sql FROM sqlite_master WHERE name = 'copy'").fetchone()[0]
    about = db.execute(
        "SELECT sql FROM sqlite_master WHERE tbl_name = 'copy' AND type IN ('index', 'trigger')"
        " AND sql IS NOT NULL"
    ).fetchall()
    db.execute("CREATE TEMP TABLE copy_before AS SELECT * FROM copy")
    db.execute("DROP TABLE copy")
    db.execute(made.replace(" REFERENCES subscriber(id) ON DELETE CASCADE", ""))
    db.execute("INSERT INTO copy SELECT * FROM copy_before")
    db.execute("DROP TABLE copy_before")
    for (statement,) in about:
        db.execute(statement)


class Recipients:
    """The table `recipient`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, mailing_id: int, rows: Iterable[Row]) -> tuple[int, int]:
        """Note them in their order: the id before the first one's, and the last one's."""
        after = self._last()
        self._db.conn.executemany(
            "INSERT INTO recipient VALUES (?, ?, ?, ?, ?)",
            (
                (number, mailing_id, key, address, BETWEEN.join(said))
                for number, (address, key, said) in enumerate(rows, after + 1)
            ),
        )
        return after, self._last()

    def _last(self) -> int:
        """The last id ever given.

        None is given twice: a copy in hand would be filled in with what is said of somebody else.
        """
        found = self._db.execute("SELECT seq FROM sqlite_sequence WHERE name = 'recipient'")
        return int(found.fetchone()[0])

    def page(self, mailing_id: int, after: int, limit: int) -> list[tuple[int, str, str, int]]:
        """The next of a mailing, with no options."""
        rows: list[tuple[int, str, str, int]] = self._db.execute(
            "SELECT id, address, address_key, 0 FROM recipient"
            " WHERE mailing_id = ? AND id > ? ORDER BY id LIMIT ?",
            (mailing_id, after, limit),
        ).fetchall()
        return rows

    def said(self, people: Sequence[int]) -> dict[int, list[str]]:
        """The name and the columns of each who is still there; of subscribers the name."""
        rows = self._db.execute(
            "SELECT id, name FROM subscriber WHERE id IN (SELECT value FROM json_each(?1))"
            " UNION ALL"
            " SELECT id, said FROM recipient WHERE id IN (SELECT value FROM json_each(?1))",
            (json.dumps(people),),
        )
        return {number: said.split(BETWEEN) for number, said in rows.fetchall()}
