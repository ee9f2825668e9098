"""Which signed mails have proved their author already: each does so once, for one address of ours.

Only keyed hashes are kept, and only while the mail could prove anything if it came again.
"""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta

from sqlite_utils import Database

from listserv_py.store.times import stamp

KEPT_FOR = timedelta(days=5)
"""A mail may be dated two days ahead and prove something two days after that."""


class Proofs:
    """The table `proof`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def spend(self, proof: str, spool_id: int, now: datetime) -> bool:
        """Use a proof for a spooled mail: True for the first mail, however often that one is read.

        A post that was held is decided on again, and must not have lost its author by then.
        """
        text = b"proof\0" + proof.encode("utf-8", "surrogatepass")
        key = hashlib.blake2b(text, key=self._secret, digest_size=16).digest()
        self._db.execute(
            "INSERT INTO proof VALUES (?, ?, ?) ON CONFLICT (key) DO NOTHING",
            (key, spool_id, stamp(now + KEPT_FOR)),
        )
        row = self._db.execute("SELECT spool_id FROM proof WHERE key = ?", (key,)).fetchone()
        return bool(row[0] == spool_id)
