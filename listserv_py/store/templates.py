"""What owners have written for their lists: mail templates, WELCOME, FAREWELL and INFO."""

from datetime import datetime

from sqlite_utils import Database

from listserv_py.store.times import stamp

MAILTPL = "MAILTPL"
"""The name of a list's own forms; the other texts are called as they are by GET and PUT."""


TEXTS = (MAILTPL, "WELCOME", "FAREWELL", "INFO")


class Templates:
    """The table `template`, a row for each text of a list."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(self, list_id: int, name: str) -> str:
        """The text of that name, "" when the list has none."""
        row = self._db.execute(
            "SELECT text FROM template WHERE list_id = ? AND name = ?", (list_id, name)
        ).fetchone()
        return str(row[0]) if row else ""

    def changed_at(self, list_id: int, name: str) -> int:
        """When it was stored last, in seconds; 0 when there is none."""
        row = self._db.execute(
            "SELECT changed_at FROM template WHERE list_id = ? AND name = ?", (list_id, name)
        ).fetchone()
        return int(row[0]) if row else 0

    def put(self, list_id: int, name: str, text: str, now: datetime) -> None:
        """Store a text in place of the one before; an empty one deletes it."""
        if not text:
            self._db.execute("DELETE FROM template WHERE list_id = ? AND name = ?", (list_id, name))
            return
        self._db.execute(
            "INSERT OR REPLACE INTO template (list_id, name, text, changed_at) VALUES (?, ?, ?, ?)",
            (list_id, name, text, stamp(now)),
        )
