"""Probes: single mails whose only sense is whether they come back.

The key of a probe is random and known only to the address that it was sent to and to those on its
way, so a report that carries it was caused by the probe itself. `send_probe` is the one way to send
one; a probe whose report does not come within `WAIT` has arrived.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.lists.addresses import Destination, Door, address_of
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.store.times import moment, stamp

WAIT = timedelta(days=7)
"""Longer than mailers try to deliver (RFC 5321 4.5.4.1: four to five days)."""


GONE, POST = "gone", "post"
"""Of the causes: there is no such address; or what was sent, or who sent it, is to blame."""


class Purpose(StrEnum):
    """Why a probe was sent."""

    BOUNCE = "bounce"
    RENEWAL = "renewal"


@dataclass(frozen=True, slots=True)
class Probe:
    """One probe; `cause` "" as long as it has not come back."""

    id: int
    purpose: Purpose
    subscriber_id: int
    list_id: int
    sent_at: datetime
    cause: str
    status: str
    text: str
    back_at: datetime | None

    @property
    def is_open(self) -> bool:
        """Whether nothing has been heard of it, and it may come back yet."""
        return self.back_at is None


_COLUMNS = (
    "SELECT id, purpose, subscriber_id, list_id, sent_at, cause, status, text, back_at FROM probe"
)
Row = tuple[int, str, int, int, int, str, str, str, int | None]


class Probes:
    """The table `probe`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def add(
        self, purpose: Purpose, subscription: Subscription, key: str, mailing_id: int, now: datetime
    ) -> None:
        """Remember a probe that leaves now."""
        self._db.execute(
            "INSERT INTO probe (key, purpose, subscriber_id, list_id, mailing_id, sent_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                self._hash(key),
                purpose,
                subscription.id,
                subscription.list_id,
                mailing_id,
                stamp(now),
            ),
        )

    def by_key(self, key: str, list_id: int) -> Probe | None:
        """The probe that an address of ours names, whatever has become of it."""
        row = self._db.execute(
            f"{_COLUMNS} WHERE key = ? AND list_id = ?", (self._hash(key), list_id)
        ).fetchone()
        return _read(row) if row else None

    def by_mailing(self, mailing_id: int) -> Probe | None:
        """The probe that was this mailing."""
        row = self._db.execute(
            f"{_COLUMNS} WHERE mailing_id = ? AND state = 'out'", (mailing_id,)
        ).fetchone()
        return _read(row) if row else None

    def came_back(self, probe: Probe, said: tuple[str, str, str], now: datetime) -> None:
        """A probe was refused, or a report of it came; `said`: status, text and cause."""
        status, text, cause = said
        self._db.execute(
            "UPDATE probe SET state = 'back', back_at = ?, status = ?, text = ?, cause = ?"
            " WHERE id = ?",
            (stamp(now), status, text, cause, probe.id),
        )

    def back(self, purpose: Purpose, at_most: int) -> list[Probe]:
        """Those that came back and have not been acted on."""
        rows = self._db.execute(
            f"{_COLUMNS} WHERE purpose = ? AND state = 'back' ORDER BY sent_at, id LIMIT ?",
            (purpose, at_most),
        )
        return [_read(row) for row in rows.fetchall()]

    def arrived(self, purpose: Purpose, now: datetime, at_most: int) -> list[Probe]:
        """Those of which nothing was heard for so long that they must have arrived."""
        waiting = "mailing_id IN (SELECT mailing_id FROM copy)"
        rows = self._db.execute(
            f"{_COLUMNS} WHERE purpose = ? AND state = 'out' AND sent_at <= ? AND NOT {waiting}"
            " ORDER BY sent_at, id LIMIT ?",
            (purpose, stamp(now - WAIT), at_most),
        )
        return [_read(row) for row in rows.fetchall()]

    def close(self, probe: Probe) -> None:
        """What a probe said has been taken into account."""
        self._db.execute("UPDATE probe SET state = 'over' WHERE id = ?", (probe.id,))

    def of(self, subscription_id: int, purpose: Purpose) -> list[Probe]:
        """A subscription's probes, in the order in which they were sent."""
        rows = self._db.execute(
            f"{_COLUMNS} WHERE subscriber_id = ? AND purpose = ? ORDER BY id",
            (subscription_id, purpose),
        )
        return [_read(row) for row in rows.fetchall()]

    def forget(self, subscription_id: int, purpose: Purpose) -> None:
        """A subscription begins anew."""
        self._db.execute(
            "DELETE FROM probe WHERE subscriber_id = ? AND purpose = ?", (subscription_id, purpose)
        )

    def _hash(self, key: str) -> bytes:
        return hashlib.blake2b(key.upper().encode(), key=self._secret, digest_size=16).digest()


def return_path(mailing_list: MailingList, key: str) -> str:
    """The envelope sender of a probe."""
    destination = Destination(Door.OWNER, mailing_list.name, key)
    return str(address_of(destination, domain=mailing_list.domain, name=""))


def _read(row: Row) -> Probe:
    probe_id, purpose, subscriber_id, list_id, sent_at, cause, status, text, back_at = row
    return Probe(
        probe_id,
        Purpose(purpose),
        subscriber_id,
        list_id,
        moment(sent_at),
        cause,
        status,
        text,
        moment(back_at) if back_at is not None else None,
    )
