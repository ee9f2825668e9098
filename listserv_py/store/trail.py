"""The trail of each accepted mail: what was decided about it, by which rule, and on whose word.

Written in the transactions that decide. Message-IDs and authors stand in it as keyed hashes: one
can be asked for, none can be read. Only who approved or returned a post is named.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.words import to_text
from listserv_py.store.times import stamp

SAME_ID_MAX = 20
"""So many mails of one Message-ID are told of: it names a post to many lists, or is a lie."""
_ACCEPTED = re.compile(r"\bid ([A-Za-z0-9._-]{1,64})")


class What(StrEnum):
    """What happened to a mail."""

    DISTRIBUTED = "distributed"
    HELD = "held"
    FORWARDED = "forwarded"
    """To people who may post it themselves."""
    REJECTED = "rejected"
    DISCARDED = "discarded"
    MOVED = "moved"
    """Passed on to where the list is now."""
    CONFIRMED = "confirmed"
    APPROVED = "approved"
    RETURNED = "returned"
    EXPIRED = "expired"
    COMMANDS = "commands"
    REPORT = "report"
    """Mail to a bounce address: read as a report, or passed on to the owners."""
    REQUEST = "request"
    """For the people in charge."""
    ALIAS = "alias"
    """For an author behind his alias."""
    NOT_SERVED = "not served"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that happened; `rule` is the check that said so, `reason` a form's name or a word.

    `asked`: whose word it waited for. `person`: who approved or returned it.
    """

    at: int
    what: str
    rule: str = ""
    reason: str = ""
    asked: str = ""
    person: str = ""


@dataclass(frozen=True, slots=True)
class Trailed:
    """One accepted mail for one recipient; `mailing_id` None: it was not distributed (yet)."""

    spool_id: int
    accepted_as: str
    list_id: int | None
    protocol: str
    received_at: int
    mailing_id: int | None
    author: bytes


@dataclass(frozen=True, slots=True)
class Answered:
    """A single mail of ours about an accepted one; `fate` 0: it waits still."""

    mailing_id: int
    kind: str
    made_at: int
    at: int | None
    fate: int
    reply: str


_COLUMNS = (
    "SELECT spool_id, accepted_as, list_id, protocol, received_at, mailing_id, author FROM trail"
)


class Trail:
    """The tables of `trail_tables` about mails that came in."""

    def __init__(self, db: Database, secret: bytes) -> None:
        self._db = db
        self._secret = secret

    def begin(self, letter: Letter, list_id: int | None) -> None:
        """A mail is decided on; not for the first time perhaps."""
        message = letter.message
        newest = next(iter(message.all("received")), None)
        found = _ACCEPTED.search(to_text(newest.value)) if newest else None
        author = message.author.mailbox.key if message.author else ""
        self._db.execute(
            "INSERT OR IGNORE INTO trail VALUES (?, ?, ?, ?, ?, ?, ?, NULL)",
            (
                letter.spool_id,
                found[1] if found else "",
                self._hash("message", message.message_id or ""),
                self._hash("person", author),
                list_id,
                letter.protocol,
                stamp(letter.received_at),
            ),
        )

    def step(self, spool_id: int, what: What, now: datetime, step: Step | None = None) -> None:
        """Note what happened to a mail; `step` says more of it."""
        more = step or Step(0, what)
        self._db.execute(
            "INSERT INTO trail_step (spool_id, at, what, rule, reason, asked, person)"
            " SELECT spool_id, ?, ?, ?, ?, ?, ? FROM trail WHERE spool_id = ?",
            (stamp(now), what, more.rule, more.reason, more.asked, more.person, spool_id),
        )

    def distributed(self, spool_id: int, list_id: int, mailing_id: int) -> None:
        """The mail went out as this mailing, to the list that it came to in the end."""
        self._db.execute(
            "UPDATE trail SET mailing_id = ?, list_id = ? WHERE spool_id = ?",
            (mailing_id, list_id, spool_id),
        )

    # Who asks.

    def of_message(self, message_id: str) -> list[Trailed]:
        """The mails of a Message-ID, those first that were distributed, and of these the newest.

        Whoever sends twenty others with the Message-ID of a post does not hide it.
        """
        if not message_id:
            return []
        return self._found("message = ?", self._hash("message", message_id))

    def of_spool(self, spool_id: int) -> list[Trailed]:
        """The mail that was given that number when it came in."""
        return self._found("spool_id = ?", spool_id)

    def of_mailing(self, mailing_id: int) -> list[Trailed]:
        """The mail that a mailing was made of; a part of a post is found by the whole."""
        return self._found(
            "mailing_id = coalesce((SELECT post_id FROM reach WHERE mailing_id = ?1), ?1)",
            mailing_id,
        )

    def of_accepted(self, accepted_as: str) -> list[Trailed]:
        """The mails that our 250 gave that name, one a recipient."""
        return self._found("accepted_as = ?", accepted_as) if accepted_as else []

    def is_by(self, one: Trailed, mailbox: Mailbox) -> bool:
        """Whether its From line named this person."""
        return one.author == self._hash("person", mailbox.key)

    def steps(self, spool_id: int) -> list[Step]:
        """What happened to a mail, in the order of time."""
        rows = self._db.execute(
            "SELECT at, what, rule, reason, asked, person FROM trail_step"
            " WHERE spool_id = ? ORDER BY id LIMIT 100",
            (spool_id,),
        )
        return [Step(*row) for row in rows.fetchall()]

    def answers(self, spool_id: int) -> list[Answered]:
        """Our own mails about it."""
        rows = self._db.execute(
            "SELECT mailing_id, kind, made_at, at, fate, reply FROM trail_mail"
            " WHERE spool_id = ? ORDER BY mailing_id LIMIT 100",
            (spool_id,),
        )
        return [Answered(*row) for row in rows.fetchall()]

    def mail(self, mailing_id: int) -> tuple[Answered, int | None] | None:
        """A single mail of ours, and the number of the mail that it is about."""
        row = self._db.execute(
            "SELECT mailing_id, kind, made_at, at, fate, reply, spool_id FROM trail_mail"
            " WHERE mailing_id = ?",
            (mailing_id,),
        ).fetchone()
        return (Answered(*row[:6]), row[6]) if row else None

    # What is kept.

    def written_by(self, mailbox: Mailbox) -> list[tuple[Trailed, Sequence[Step]]]:
        """All that is kept of a person's mails."""
        rows = self._db.execute(
            f"{_COLUMNS} WHERE author = ? ORDER BY spool_id", (self._hash("person", mailbox.key),)
        ).fetchall()
        found = [Trailed(*row) for row in rows]
        return [(one, self.steps(one.spool_id)) for one in found]

    def forget(self, mailbox: Mailbox) -> int:
        """Forget a person's mails, the answers to them, and what he approved; says how many."""
        person = self._hash("person", mailbox.key)
        self._db.execute(
            "DELETE FROM trail_mail WHERE spool_id IN"
            " (SELECT spool_id FROM trail WHERE author = ?)",
            (person,),
        )
        self._db.execute(
            "UPDATE trail_mail SET reply = '' WHERE instr(lower(reply), ?)", (str(mailbox).lower(),)
        )
        self._db.execute(
            "UPDATE ledger SET reply = '' WHERE instr(lower(reply), ?)", (str(mailbox).lower(),)
        )
        self._db.execute(
            "UPDATE trail_step SET person = '' WHERE person <> '' AND lower(person) = ?",
            (str(mailbox).lower(),),
        )
        return int(self._db.execute("DELETE FROM trail WHERE author = ?", (person,)).rowcount)

    def _found(self, where: str, value: int | str | bytes) -> list[Trailed]:
        rows = self._db.execute(
            f"{_COLUMNS} WHERE {where} ORDER BY mailing_id IS NULL, spool_id DESC"
            f" LIMIT {SAME_ID_MAX}",
            (value,),
        )
        return [Trailed(*row) for row in rows.fetchall()]

    def _hash(self, what: str, word: str) -> bytes:
        """A keyed hash; "" has one that nobody asks for."""
        if not word:
            return b""
        kind = what.encode().ljust(16, b"\0")
        return hashlib.blake2b(
            word.encode(), key=self._secret, person=kind, digest_size=16
        ).digest()
