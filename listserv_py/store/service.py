"""Who is served: invalid commands in a row, and whom this server no longer listens to.

A From line is only a claim, so mails that prove their author and those that do not are counted
apart: what somebody else sends in his name never shuts out the mail that is surely his.
"""

from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import stamp


class Off(StrEnum):
    """Why somebody is not served."""

    FAULTS = "faults"
    """Too many invalid commands in a row."""
    POSTMASTER = "postmaster"
    """A postmaster's word, which only a postmaster takes back."""


class Service:
    """The table `service`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def is_off(self, mailbox: Mailbox, *, proven: bool) -> bool:
        """Whether a mail of that author, proven or not, is to be passed over in silence."""
        row = self._db.execute(
            "SELECT 1 FROM service WHERE address_key = ? AND off <> '' AND proven >= ?",
            (mailbox.key, int(proven)),
        ).fetchone()
        return row is not None

    def is_off_by_postmaster(self, mailbox: Mailbox) -> bool:
        """Whether a postmaster has shut him out."""
        row = self._db.execute(
            "SELECT 1 FROM service WHERE address_key = ? AND off = ?",
            (mailbox.key, Off.POSTMASTER),
        ).fetchone()
        return row is not None

    def invalid(self, mailbox: Mailbox, *, proven: bool) -> int:
        """How many invalid commands he has sent in a row."""
        row = self._db.execute(
            "SELECT invalid FROM service WHERE address_key = ? AND proven = ?",
            (mailbox.key, int(proven)),
        ).fetchone()
        return int(row[0]) if row else 0

    def count(self, mailbox: Mailbox, invalid: int, now: datetime, *, proven: bool) -> None:
        """Remember how many they are now."""
        self._write(mailbox, "", now, invalid=invalid, proven=proven)

    def stop(self, mailbox: Mailbox, off: Off, now: datetime, *, proven: bool) -> None:
        """Listen to him no more; with `proven` not to his proven mail either."""
        self._write(mailbox, off, now, invalid=0, proven=proven)

    def resume(self, mailbox: Mailbox) -> bool:
        """Listen to him again; False when nothing had to be changed."""
        was_off = self.is_off(mailbox, proven=False)
        self._db.execute("DELETE FROM service WHERE address_key = ?", (mailbox.key,))
        return was_off

    def _write(
        self, mailbox: Mailbox, off: str, now: datetime, *, invalid: int, proven: bool
    ) -> None:
        if not off and not invalid:
            self._db.execute(
                "DELETE FROM service WHERE address_key = ? AND proven = ? AND off = ''",
                (mailbox.key, int(proven)),
            )
            return
        self._db.execute(
            "INSERT OR REPLACE INTO service"
            " (address_key, proven, address, invalid, off, changed_at) VALUES (?, ?, ?, ?, ?, ?)",
            (mailbox.key, int(proven), str(mailbox), invalid, off, stamp(now)),
        )
