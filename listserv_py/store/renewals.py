"""When each subscriber was last active, and who was asked whether he wants to stay (`Renewal=`)."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlite_utils import Database

from listserv_py.lists.options import Options
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import moment, stamp

EXEMPT = Options(renew=False).encode() & ~Options().encode()
"""The bit of NORENEW."""


class Renewals:
    """The columns `active_at` and `asked_at` of `subscriber`, and the table `renewal_day`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def active(self, list_id: int, mailbox: Mailbox, now: datetime) -> None:
        """A person has shown that he is there: his clock starts anew, nothing is open."""
        self._db.execute(
            "UPDATE subscriber SET active_at = max(active_at, ?), asked_at = NULL"
            " WHERE list_id = ? AND address_key = ?",
            (stamp(now), list_id, mailbox.key),
        )

    def asked_at(self, subscription_id: int) -> datetime | None:
        """When a subscriber was asked and has not answered yet; None when nothing is open."""
        row = self._db.execute(
            "SELECT asked_at FROM subscriber WHERE id = ?", (subscription_id,)
        ).fetchone()
        return moment(row[0]) if row and row[0] is not None else None

    def due(
        self, list_id: int, before: datetime, at_most: int, *, unprobed_since: datetime
    ) -> list[int]:
        """Subscriptions last active before then and not asked about, the longest silent first.

        Nobody whose probe is on its way, or came back after that other time.
        """
        rows = self._db.execute(
            "SELECT id FROM subscriber WHERE list_id = ? AND asked_at IS NULL AND active_at < ?"
            " AND NOT options & ? AND NOT EXISTS (SELECT 1 FROM probe WHERE purpose = 'renewal'"
            " AND probe.subscriber_id = subscriber.id AND (state <> 'over' OR sent_at > ?))"
            " ORDER BY active_at, id LIMIT ?",
            (list_id, stamp(before), EXEMPT, stamp(unprobed_since), at_most),
        )
        return [row[0] for row in rows]

    def ask(self, list_id: int, subscription_id: int, now: datetime) -> None:
        """Note that a subscriber is asked today."""
        self.pend(subscription_id, now)
        self.count(list_id, now)

    def pend(self, subscription_id: int, now: datetime) -> None:
        """A subscriber has from now to answer."""
        self._db.execute(
            "UPDATE subscriber SET asked_at = ? WHERE id = ?", (stamp(now), subscription_id)
        )

    def count(self, list_id: int, now: datetime) -> None:
        """One more of a list is asked, or probed, today."""
        self._db.execute(
            "INSERT INTO renewal_day VALUES (?, ?, 1) ON CONFLICT (list_id) DO UPDATE SET"
            " asked = CASE day WHEN excluded.day THEN asked + 1 ELSE 1 END, day = excluded.day",
            (list_id, _day(now)),
        )

    def asked_today(self, list_id: int, now: datetime) -> int:
        """How many of a list were asked on this day (UTC), whatever became of them."""
        row = self._db.execute(
            "SELECT asked FROM renewal_day WHERE list_id = ? AND day = ?", (list_id, _day(now))
        ).fetchone()
        return int(row[0]) if row else 0

    def silent(self, list_id: int, asked_before: datetime, at_most: int) -> list[int]:
        """Subscriptions asked about before then, without an answer."""
        rows = self._db.execute(
            "SELECT id FROM subscriber WHERE list_id = ? AND asked_at IS NOT NULL"
            " AND asked_at <= ? AND NOT options & ? ORDER BY asked_at, id LIMIT ?",
            (list_id, stamp(asked_before), EXEMPT, at_most),
        )
        return [row[0] for row in rows]

    def withdraw_unprobed(self, list_id: int) -> None:
        """Take back what was asked on a list that only asks those whose probes came back."""
        self._db.execute(
            "UPDATE subscriber SET asked_at = NULL WHERE list_id = ? AND asked_at IS NOT NULL"
            " AND id NOT IN (SELECT subscriber_id FROM probe WHERE purpose = 'renewal')",
            (list_id,),
        )

    def withdraw(self, but_for: Collection[int]) -> None:
        """Take back what was asked on lists that do not ask any more, but for those named."""
        rows = self._db.execute(
            "SELECT DISTINCT list_id FROM subscriber WHERE asked_at IS NOT NULL"
        ).fetchall()
        for (list_id,) in rows:
            if list_id not in but_for:
                self._db.execute(
                    "UPDATE subscriber SET asked_at = NULL"
                    " WHERE list_id = ? AND asked_at IS NOT NULL",
                    (list_id,),
                )


def _day(when: datetime) -> str:
    return f"{when:%Y-%m-%d}"
