"""The spool: accepted mail on its way in, one row for each recipient, the bytes kept once.

A row is gone when its mail has been decided on. Held posts stay as rows until somebody decides;
what cannot be worked off is set aside, never dropped.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from listserv_py.mail import trace
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.times import moment, stamp

SAME_FOR = timedelta(days=7)
SAME_WITHOUT_ID_FOR = timedelta(hours=1)

ROWS_AT_ONCE = 64

_COLUMNS = (
    "SELECT s.id, m.raw, s.rcpt, s.reverse_path, s.client, s.protocol, s.received_at,"
    " s.confirmed, s.approved_by, s.failed FROM spool s JOIN message m ON m.id = s.message_id"
)


@dataclass(frozen=True, slots=True)
class Entry:
    """One spooled mail for one recipient, as it came, and what has been decided about it."""

    id: int
    raw: bytes
    rcpt: Mailbox
    reverse_path: Mailbox | None
    client: str
    protocol: Protocol
    received_at: datetime
    confirmed: bool
    approved_by: Mailbox | None
    failed: int


@dataclass(frozen=True, slots=True)
class Held:
    """A post that waits for its author or a moderator."""

    id: int
    list_id: int
    reason: str
    author_key: str
    received_at: datetime
    until: datetime


class Spool:
    """The tables `spool`, `message` and `seen`."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def take(self, envelope: Envelope) -> int:
        """Keep a mail for each of its recipients; says for how many it was new."""
        return self.take_all([envelope])[0]

    def take_all(self, envelopes: Sequence[Envelope]) -> list[int]:
        """Keep mails that came together; says of each for how many recipients it was new.

        The same reverse-path, Message-ID and bytes below the trace fields within 7 days (without a
        Message-ID: an hour) are the same mail sent again (RFC 5321 4.5.4.1, RFC 1047).
        """
        keys = [self._keys(envelope) for envelope in envelopes]
        fresh = self._note([pair for pairs in keys for pair in pairs], envelopes)
        last = self._db.execute("SELECT coalesce(max(id), 0) FROM message").fetchone()[0]
        messages: list[tuple[object, ...]] = []
        rows: list[tuple[object, ...]] = []
        found = []
        for envelope, pairs in zip(envelopes, keys, strict=True):
            new = []
            for rcpt, (key, _) in zip(envelope.rcpt_to, pairs, strict=True):
                if key in fresh:
                    fresh.remove(key)
                    new.append(rcpt)
            if new:
                message = last + len(messages) + 1
                messages.append((message, envelope.content))
                rows += [_row(message, envelope, rcpt) for rcpt in new]
            found.append(len(new))
        self._insert("INSERT INTO message (id, raw) VALUES", messages)
        self._insert(
            "INSERT INTO spool (message_id, rcpt, reverse_path, client, helo, protocol,"
            " received_at) VALUES",
            rows,
        )
        return found

    def _keys(self, envelope: Envelope) -> list[tuple[bytes, int]]:
        """What tells the mail for each recipient, and until when that is remembered."""
        given_id = trace.message_id(envelope.content)
        kept_for = SAME_FOR if given_id else SAME_WITHOUT_ID_FOR
        sender = envelope.reverse_path.key if envelope.reverse_path else ""
        common = sender.encode() + b"\0" + given_id + b"\0" + trace.digest(envelope.content)
        until = stamp(envelope.received_at) + int(kept_for.total_seconds())
        return [(self._key(rcpt.key.encode() + b"\0" + common), until) for rcpt in envelope.rcpt_to]

    def _key(self, what: bytes) -> bytes:
        return hashlib.blake2b(what, key=self._secret, digest_size=16).digest()

    def _note(self, pairs: list[tuple[bytes, int]], envelopes: Sequence[Envelope]) -> set[bytes]:
        """Remember the keys; those that were not remembered yet."""
        now = max(stamp(envelope.received_at) for envelope in envelopes)
        keys = dict(reversed(pairs))
        known = self._remembered(list(keys), now)
        self._insert(
            "INSERT INTO seen VALUES",
            [pair for pair in keys.items() if pair[0] not in known],
            " ON CONFLICT (key) DO UPDATE SET until = excluded.until",
        )
        return keys.keys() - known

    def _remembered(self, keys: list[bytes], now: int) -> set[bytes]:
        known: set[bytes] = set()
        for first in range(0, len(keys), ROWS_AT_ONCE):
            some = keys[first : first + ROWS_AT_ONCE]
            marks = ",".join("?" * len(some))
            rows = self._db.execute(
                f"SELECT key FROM seen WHERE key IN ({marks}) AND until > {now:d}",  # noqa: S608 - question marks and a number
                some,
            )
            known.update(bytes(row[0]) for row in rows.fetchall())
        return known

    def _insert(self, verb: str, rows: Sequence[tuple[object, ...]], rest: str = "") -> None:
        """Insert many rows a statement.

        Each statement, and each row that one returns, gives the interpreter to other threads; to
        get it back costs more than the row.
        """
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = rows[first : first + ROWS_AT_ONCE]
            marks = "(" + ",".join("?" * len(some[0])) + ")"
            values = [value for row in some for value in row]
            self._db.execute(f"{verb} {','.join([marks] * len(some))}{rest}", values)

    def ready(self, limit: int, size: int, in_hand: Collection[int] = ()) -> list[int]:
        """The oldest mails that wait to be worked off, but for those that are being so already.

        At least one, at most `limit` and `size` bytes.
        """
        rows = self._db.execute(
            "SELECT s.id, length(m.raw) FROM spool s JOIN message m ON m.id = s.message_id"
            " WHERE s.state = 'ready' ORDER BY s.id LIMIT ?",
            (limit + len(in_hand),),
        )
        chosen: list[int] = []
        for spool_id, length in rows.fetchall():
            if spool_id in in_hand:
                continue
            if len(chosen) == limit:
                break
            size -= length
            if chosen and size < 0:
                break
            chosen.append(int(spool_id))
        return chosen

    def begin(self, spool_ids: list[int]) -> list[Entry]:
        """Note that these are being tried, and give them out."""
        marks = ",".join("?" * len(spool_ids))
        self._db.execute(
            f"UPDATE spool SET begun = begun + 1 WHERE id IN ({marks})",  # noqa: S608 - question marks
            spool_ids,
        )
        rows = self._db.execute(
            f"{_COLUMNS} WHERE s.id IN ({marks}) AND s.state = 'ready' ORDER BY s.id", spool_ids
        )
        return [_read(row) for row in rows]

    def load(self, spool_id: int) -> Entry | None:
        """One spooled mail, or None when it has been decided on."""
        row = self._db.execute(f"{_COLUMNS} WHERE s.id = ?", (spool_id,)).fetchone()
        return _read(row) if row else None

    def begun(self, spool_ids: Sequence[int], times: int) -> list[int]:
        """Which of these have been taken up so often."""
        if not spool_ids:
            return []
        marks = ",".join("?" * len(spool_ids))
        rows = self._db.execute(
            f"SELECT id FROM spool WHERE id IN ({marks}) AND begun >= ?",  # noqa: S608 - question marks
            (*spool_ids, times),
        )
        return [int(row[0]) for row in rows.fetchall()]

    def readdress(self, spool_id: int, rcpt: Mailbox) -> None:
        """The mail is for another address of ours, which it came to in the end."""
        self._db.execute("UPDATE spool SET rcpt = ? WHERE id = ?", (str(rcpt), spool_id))

    def is_ready(self, spool_id: int) -> bool:
        """Whether the mail still waits to be worked off."""
        row = self._db.execute(
            "SELECT 1 FROM spool WHERE id = ? AND state = 'ready'", (spool_id,)
        ).fetchone()
        return row is not None

    def fail(self, spool_id: int) -> int:
        """Note that working it off failed; says how often that has been."""
        self._db.execute("UPDATE spool SET failed = failed + 1 WHERE id = ?", (spool_id,))
        row = self._db.execute("SELECT failed FROM spool WHERE id = ?", (spool_id,)).fetchone()
        return int(row[0]) if row else 0

    def set_aside(self, spool_id: int, reason: str) -> None:
        """Keep a mail that cannot be worked off, out of the way."""
        self._db.execute(
            "UPDATE spool SET state = 'aside', reason = ? WHERE id = ?", (reason, spool_id)
        )

    def set_all_aside(self, reason: str) -> int:
        """Keep out of the way what waits to be worked off; says how many."""
        cursor = self._db.execute(
            "UPDATE spool SET state = 'aside', reason = ? WHERE state = 'ready'", (reason,)
        )
        return int(cursor.rowcount)

    def take_up_again(self) -> int:
        """Try anew what was set aside; says how many."""
        cursor = self._db.execute(
            "UPDATE spool SET state = 'ready', reason = '', begun = 0, failed = 0"
            " WHERE state = 'aside'"
        )
        return int(cursor.rowcount)

    def count_aside(self) -> int:
        """How many mails could not be worked off, or came back from a backup."""
        row = self._db.execute("SELECT count(*) FROM spool WHERE state = 'aside'").fetchone()
        return int(row[0])

    def done(self, spool_id: int) -> None:
        """The mail has been decided on; its bytes go when no other recipient needs them."""
        self._drop_message("DELETE FROM spool WHERE id = ? RETURNING message_id", spool_id)

    def done_if_ready(self, spool_id: int) -> None:
        """The same, unless the room has made it wait for somebody."""
        self._drop_message(
            "DELETE FROM spool WHERE id = ? AND state = 'ready' RETURNING message_id", spool_id
        )

    def _drop_message(self, deletion: str, spool_id: int) -> None:
        row = self._db.execute(deletion, (spool_id,)).fetchone()
        if row is not None:
            self._db.execute(
                "DELETE FROM message WHERE id = ? AND NOT EXISTS"
                " (SELECT 1 FROM spool WHERE message_id = message.id)",
                (row[0],),
            )

    def hold(
        self, spool_id: int, reason: str, list_id: int, author: Mailbox | None, until: datetime
    ) -> None:
        """Keep a post until somebody decides on it, or until a time."""
        self._db.execute(
            "UPDATE spool SET state = 'held', reason = ?, list_id = ?, author_key = ?, until = ?"
            " WHERE id = ?",
            (reason, list_id, author.key if author else "", stamp(until), spool_id),
        )

    def release(self, spool_id: int, approved_by: Mailbox) -> bool:
        """A moderator approves a held post: True for the first, False when it is held no more."""
        cursor = self._db.execute(
            "UPDATE spool SET state = 'ready', approved_by = ? WHERE id = ? AND state = 'held'",
            (str(approved_by), spool_id),
        )
        return bool(cursor.rowcount == 1)

    def confirm(self, spool_id: int) -> bool:
        """The author confirms a held post: True when it was still held."""
        cursor = self._db.execute(
            "UPDATE spool SET state = 'ready', confirmed = 1 WHERE id = ? AND state = 'held'",
            (spool_id,),
        )
        return bool(cursor.rowcount == 1)

    def drop(self, spool_id: int) -> bool:
        """Give a held post up: True when it was still held."""
        row = self._db.execute(
            "SELECT 1 FROM spool WHERE id = ? AND state = 'held'", (spool_id,)
        ).fetchone()
        if row is None:
            return False
        self.done(spool_id)
        return True

    def resume(self, list_id: int, reason: str) -> int:
        """Take up again all posts of a list that were held for one reason; says how many."""
        cursor = self._db.execute(
            "UPDATE spool SET state = 'ready' WHERE list_id = ? AND state = 'held' AND reason = ?",
            (list_id, reason),
        )
        return int(cursor.rowcount)

    def held(self, list_id: int | None = None) -> list[Held]:
        """The held posts of one list, or of all."""
        rows = self._db.execute(
            "SELECT id, list_id, reason, author_key, received_at, until FROM spool"
            " WHERE state = 'held' AND (? IS NULL OR list_id = ?) ORDER BY id",
            (list_id, list_id),
        )
        return [_held(row) for row in rows]

    def held_for(self, spool_id: int) -> str | None:
        """Why a post is held, None when it is not."""
        row = self._db.execute(
            "SELECT reason FROM spool WHERE id = ? AND state = 'held'", (spool_id,)
        ).fetchone()
        return str(row[0]) if row else None

    def overdue(self, now: datetime, limit: int) -> list[int]:
        """Held posts whose time is over."""
        rows = self._db.execute(
            "SELECT id FROM spool WHERE state = 'held' AND until <= ? ORDER BY until LIMIT ?",
            (stamp(now), limit),
        )
        return [int(row[0]) for row in rows]

    def aside(self, before: datetime, limit: int) -> list[int]:
        """What was set aside and came before then."""
        rows = self._db.execute(
            "SELECT id FROM spool WHERE state = 'aside' AND received_at < ? ORDER BY id LIMIT ?",
            (stamp(before), limit),
        )
        return [int(row[0]) for row in rows]


def _row(message: int, envelope: Envelope, rcpt: Mailbox) -> tuple[object, ...]:
    return (
        message,
        str(rcpt),
        str(envelope.reverse_path) if envelope.reverse_path else None,
        envelope.client,
        envelope.helo[:255],
        envelope.protocol.value,
        stamp(envelope.received_at),
    )


def _read(row: tuple[int, bytes, str, str | None, str, str, int, int, str | None, int]) -> Entry:
    spool_id, raw, rcpt, reverse_path, client, protocol, received_at, confirmed, by, failed = row
    return Entry(
        id=spool_id,
        raw=bytes(raw),
        rcpt=parse_mailbox(rcpt),
        reverse_path=parse_mailbox(reverse_path) if reverse_path else None,
        client=client,
        protocol=Protocol(protocol),
        received_at=moment(received_at),
        confirmed=bool(confirmed),
        approved_by=parse_mailbox(by) if by else None,
        failed=failed,
    )


def _held(row: tuple[int, int, str, str, int, int]) -> Held:
    spool_id, list_id, reason, author_key, received_at, until = row
    return Held(spool_id, list_id, reason, author_key, moment(received_at), moment(until))
