"""The names that people have registered for all lists of this server (REGISTER)."""

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox


class Signup:
    """The table `signup`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def name_of(self, mailbox: Mailbox) -> str:
        """The name that a person has registered, "" when none."""
        row = self._db.execute(
            "SELECT name FROM signup WHERE address_key = ?", (mailbox.key,)
        ).fetchone()
        return str(row[0]) if row else ""

    def register(self, mailbox: Mailbox, name: str) -> None:
        """Remember a person's name, in place of an older one."""
        self._db.execute(
            "INSERT OR REPLACE INTO signup (address_key, address, name) VALUES (?, ?, ?)",
            (mailbox.key, str(mailbox), name),
        )

    def forget(self, mailbox: Mailbox) -> bool:
        """Forget it; False when there was none."""
        cursor = self._db.execute("DELETE FROM signup WHERE address_key = ?", (mailbox.key,))
        return bool(cursor.rowcount)
