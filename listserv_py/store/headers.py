"""Beside a list's header: who has it open to change it, and the one before the last change."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.times import moment, stamp


@dataclass(frozen=True, slots=True)
class Lock:
    """Somebody fetched the header to change it; until then nobody else's is stored."""

    mailbox: Mailbox
    until: datetime


class Headers:
    """The tables `header_lock` and `old_header`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def lock(self, list_id: int, mailbox: Mailbox, until: datetime) -> None:
        """Keep everybody else from storing the list's header until that time."""
        self._db.execute(
            "INSERT OR REPLACE INTO header_lock (list_id, address, until) VALUES (?, ?, ?)",
            (list_id, str(mailbox), stamp(until)),
        )

    def locked(self, list_id: int, now: datetime) -> Lock | None:
        """Who has the header open, None when nobody has or his time is over."""
        row = self._db.execute(
            "SELECT address, until FROM header_lock WHERE list_id = ? AND until > ?",
            (list_id, stamp(now)),
        ).fetchone()
        return Lock(parse_mailbox(row[0]), moment(row[1])) if row else None

    def unlock(self, list_id: int) -> None:
        """Let everybody store the header who may."""
        self._db.execute("DELETE FROM header_lock WHERE list_id = ?", (list_id,))

    def keep(self, list_id: int, now: datetime) -> None:
        """Remember the header as it is before it changes, in place of the one before."""
        self._db.execute(
            "INSERT OR REPLACE INTO old_header (list_id, header, replaced_at)"
            " SELECT id, header, ? FROM list WHERE id = ?",
            (stamp(now), list_id),
        )

    def old(self, list_id: int) -> str | None:
        """The header before the last change, None when there was none."""
        row = self._db.execute(
            "SELECT header FROM old_header WHERE list_id = ?", (list_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def changed_at(self, list_id: int) -> datetime:
        """When the header was stored last."""
        row = self._db.execute("SELECT changed_at FROM list WHERE id = ?", (list_id,)).fetchone()
        return moment(row[0])
