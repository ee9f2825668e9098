"""The aliases behind which authors stand where their domains forbid us to use their own address.

An alias is a keyed hash of its author, so it is the same for ever, also when it was forgotten in
between; whom it leads to is known only as long as there is a row.
"""

from __future__ import annotations

import hashlib
import hmac
from datetime import datetime

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.times import stamp

DIGITS = 16


class Aliases:
    """The table `alias`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def of(self, author: Mailbox, now: datetime) -> str:
        """The author's alias, 16 hex digits; it leads to him from now on."""
        digest = hmac.digest(self._secret, author.key.encode(), hashlib.sha256)
        alias = digest.hex()[:DIGITS].upper()
        self._db.execute(
            "INSERT INTO alias VALUES (?, ?, ?, ?) ON CONFLICT (alias) DO UPDATE SET"
            " address = excluded.address, posted_at = excluded.posted_at",
            (alias, author.key, str(author), stamp(now)),
        )
        return alias

    def find(self, alias: str) -> Mailbox | None:
        """Whom an alias leads to, None when nobody has it."""
        row = self._db.execute("SELECT address FROM alias WHERE alias = ?", (alias,)).fetchone()
        return parse_mailbox(row[0]) if row else None
