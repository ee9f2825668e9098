"""How many automatic mails one address had from us lately; kept as keyed hashes, for a day."""

import hashlib
from datetime import datetime, timedelta

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import stamp


class Budget:
    """The table `answer`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def spent(self, mailbox: Mailbox, what: str, now: datetime, within: timedelta) -> int:
        """How many mails of that kind went to the address within the time before `now`."""
        row = self._db.execute(
            "SELECT count(*) FROM answer WHERE person = ? AND what = ? AND at > ?",
            (self._person(mailbox), what, stamp(now - within)),
        ).fetchone()
        return int(row[0])

    def spent_in(
        self, mailbox: Mailbox, what: str, now: datetime, longer: timedelta, shorter: timedelta
    ) -> tuple[int, int]:
        """The same for two times at once."""
        row = self._db.execute(
            "SELECT count(*), count(nullif(at > ?, 0)) FROM answer"
            " WHERE person = ? AND what = ? AND at > ?",
            (stamp(now - shorter), self._person(mailbox), what, stamp(now - longer)),
        ).fetchone()
        return int(row[0]), int(row[1])

    def spend(self, mailbox: Mailbox, what: str, now: datetime) -> None:
        """Note one mail."""
        self._db.execute(
            "INSERT INTO answer VALUES (?, ?, ?)", (self._person(mailbox), what, stamp(now))
        )

    def forget(self, mailbox: Mailbox) -> int:
        """Forget one person."""
        cursor = self._db.execute("DELETE FROM answer WHERE person = ?", (self._person(mailbox),))
        return int(cursor.rowcount)

    def _person(self, mailbox: Mailbox) -> bytes:
        return hashlib.blake2b(mailbox.key.encode(), key=self._secret, digest_size=16).digest()
