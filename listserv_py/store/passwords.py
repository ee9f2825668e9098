"""People's passwords, one an address for the whole server, as argon2 hashes."""

from datetime import datetime

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import moment, stamp


class Passwords:
    """The table `password`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def hash_of(self, mailbox: Mailbox) -> str | None:
        """The hash of a person's password, None when he has none."""
        row = self._db.execute(
            "SELECT hash FROM password WHERE address_key = ?", (mailbox.key,)
        ).fetchone()
        return str(row[0]) if row else None

    def since(self, mailbox: Mailbox) -> datetime | None:
        """When it was set, None when he has none."""
        row = self._db.execute(
            "SELECT set_at FROM password WHERE address_key = ?", (mailbox.key,)
        ).fetchone()
        return moment(row[0]) if row else None

    def set(self, mailbox: Mailbox, hashed: str, now: datetime) -> None:
        """Give a person a password, in place of an older one."""
        self._db.execute(
            "INSERT OR REPLACE INTO password (address_key, address, hash, set_at)"
            " VALUES (?, ?, ?, ?)",
            (mailbox.key, str(mailbox), hashed, stamp(now)),
        )

    def forget(self, mailbox: Mailbox) -> None:
        """Take it away."""
        self._db.execute("DELETE FROM password WHERE address_key = ?", (mailbox.key,))
