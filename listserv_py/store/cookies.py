"""The codes that OK confirms: issued once, kept as keyed hashes, good once, for one address.

A cookie stays until it expires, used or not, and one for a held post a while longer, so that a late
answer hears what became of it instead of "unknown".
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.times import stamp

SAYS_FOR = timedelta(days=7)
"""How long after a held post was decided on a late answer hears by whom."""


class CookieKind(StrEnum):
    """What a code stands for."""

    COMMAND = "command"
    """Lines of a command mail that wait for their sender's word."""
    POST = "post"
    """A post whose author confirms that it is his."""
    CHANGE = "change"
    """Subscriptions that are to move to the address that is asked."""
    APPROVAL = "approval"
    """A held post, in the eyes of one moderator."""
    RETURN = "return"
    """A subscription that was ended because mail came back, or of a complaint."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is to be confirmed, by whom, until when; `payload` is JSON that its kind understands."""

    kind: CookieKind
    mailbox: Mailbox
    payload: str
    expires_at: datetime
    now: datetime
    list_id: int | None = None
    spool_id: int | None = None


@dataclass(frozen=True, slots=True)
class Cookie:
    """An issued code as it stands now; `outcome` tells what somebody else decided meanwhile."""

    id: int
    kind: CookieKind
    mailbox: Mailbox
    payload: str
    list_id: int | None
    spool_id: int | None
    is_used: bool
    is_expired: bool
    outcome: str


class Cookies:
    """The table `cookie`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def issue(self, ask: Ask, code: str) -> None:
        """Remember `code` (16 upper-case hex digits) for what is asked."""
        self._db.execute(
            "INSERT INTO cookie (code_hash, kind, address_key, address, payload, list_id, spool_id,"
            " created_at, expires_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                self._hash(code),
                ask.kind,
                ask.mailbox.key,
                str(ask.mailbox),
                ask.payload,
                ask.list_id,
                ask.spool_id,
                stamp(ask.now),
                stamp(ask.expires_at),
            ),
        )

    def find(self, code: str, now: datetime) -> Cookie | None:
        """What a code stands for, or None when it was never issued or is long gone."""
        row = self._db.execute(
            "SELECT id, kind, address, payload, list_id, spool_id, used_at, expires_at, outcome"
            " FROM cookie WHERE code_hash = ?",
            (self._hash(code),),
        ).fetchone()
        if row is None:
            return None
        cookie_id, kind, address, payload, list_id, spool_id, used_at, expires_at, outcome = row
        return Cookie(
            id=cookie_id,
            kind=CookieKind(kind),
            mailbox=parse_mailbox(address),
            payload=payload,
            list_id=list_id,
            spool_id=spool_id,
            is_used=used_at is not None,
            is_expired=expires_at <= stamp(now),
            outcome=outcome,
        )

    def use(self, cookie: Cookie, now: datetime) -> bool:
        """Spend the code; True exactly once, however many answers come together."""
        cursor = self._db.execute(
            "UPDATE cookie SET used_at = ?, payload = '' WHERE id = ? AND used_at IS NULL"
            " AND expires_at > ?",
            (stamp(now), cookie.id, stamp(now)),
        )
        return bool(cursor.rowcount == 1)

    def open_count(self, mailbox: Mailbox, now: datetime) -> int:
        """How many requests of the kinds that a stranger can cause wait for this address."""
        row = self._db.execute(
            "SELECT count(*) FROM cookie WHERE address_key = ? AND kind NOT IN (?, ?)"
            " AND used_at IS NULL AND expires_at > ?",
            (mailbox.key, CookieKind.APPROVAL, CookieKind.RETURN, stamp(now)),
        ).fetchone()
        return int(row[0])

    def last_asked(self, list_id: int) -> Mailbox | None:
        """The moderator of a list who was asked last, None when nobody was lately."""
        row = self._db.execute(
            "SELECT address FROM cookie WHERE list_id = ? AND kind = ? ORDER BY id DESC LIMIT 1",
            (list_id, CookieKind.APPROVAL),
        ).fetchone()
        return parse_mailbox(row[0]) if row else None

    def settle(self, spool_id: int, outcome: str, now: datetime) -> None:
        """A held post was decided on: every other request about it says by whom, for a while."""
        self._db.execute(
            "UPDATE cookie SET outcome = ?, used_at = coalesce(used_at, ?), payload = '',"
            " expires_at = ? WHERE spool_id = ?",
            (outcome, stamp(now), stamp(now + SAYS_FOR), spool_id),
        )

    def _hash(self, code: str) -> bytes:
        return hashlib.blake2b(code.encode("utf-8", "replace"), key=self._secret).digest()[:16]
