"""A stage for tests: a real store, intake, and a fixed clock and dice.

The clock begins at NOW; codes are C0DE000000000001, C0DE000000000002, …
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from fresh_rig import fresh_database

from listserv_py import intake, timers
from listserv_py.config import Settings
from listserv_py.lists.header import new_header
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import apply_words
from listserv_py.lists.optionwords import words
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import Mailbox, parse_mailbox, read_author
from listserv_py.mail.message import read
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turn
from listserv_py.texts.forms import Forms

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
DOMAIN = "lists.example.org"
FORMS = Forms.load()


@dataclass
class Stage:
    """A store of its own, and the fixed clock and dice."""

    folder: Path
    limits: dict[str, Any] = field(default_factory=dict)
    postmasters: list[str] = field(default_factory=lambda: ["admin@example.org"])
    now: datetime = NOW
    codes: int = 0
    tokens: int = 0

    def __post_init__(self) -> None:
        self.db = fresh_database(self.folder)
        self.tx = Tx(self.db, DOMAIN)
        site = {
            "domain": DOMAIN,
            "postmasters": self.postmasters,
            "data_dir": str(self.folder),
        }
        self.settings = Settings.model_validate({"site": site, "limits": self.limits})
        self.sent = 0

    def close(self) -> None:
        self.db.close()

    def turn(self) -> Turn:
        return Turn(self.tx, self.settings, self.now, FORMS, self._code, self._token)

    def _code(self) -> str:
        self.codes += 1
        return f"C0DE{self.codes:012X}"

    def _token(self) -> str:
        self.tokens += 1
        return f"token-{self.tokens}"

    def create(self, name: str, told: dict[str, Any]) -> None:
        owners = [parse_mailbox(one) for one in told.get("owners", ["olga@example.org"])]
        header = new_header(name, told.get("title", f"About {name}"), owners, told.get("set", []))
        made = self.tx.lists.add(name, header, self.now)
        for title, text in told.get("templates", {}).items():
            self.tx.templates.put(made.id, title, text, self.now)
        for row in told.get("subscribers", []):
            address, person, options = [*(part.strip() for part in row.split("|")), "", ""][:3]
            self.tx.subscribers.add(
                made.id,
                parse_mailbox(address),
                person,
                apply_words(
                    made.default_options(),
                    options.split(),
                    by_owner=True,
                    topics=made.keywords.topics,
                ),
                self.now,
            )

    def take(self, raw: bytes, told: dict[str, Any] | None = None) -> None:
        """Take one mail from the door and work off whatever waits."""
        told = told or {}
        message = read(raw)
        sender = told.get("reverse_path", message.author and str(message.author.mailbox))
        to = read_author(message.text("to") or "")
        rcpt = told.get("rcpt") or (str(to.mailbox) if to else "")
        envelope = Envelope(
            reverse_path=parse_mailbox(sender) if sender else None,
            rcpt_to=(parse_mailbox(rcpt),),
            content=raw,
            client=told.get("host", "192.0.2.25"),
            helo="mail.example.net",
            protocol=Protocol.SMTP,
            received_at=self.now,
        )
        self.db.execute("BEGIN IMMEDIATE")
        self.tx.spool.take(envelope)
        while ready := self.tx.spool.ready(100, 10_000_000):
            for entry in self.tx.spool.begin(ready):
                intake.work_off(self.turn(), intake.open_letter(entry))
        self.db.execute("COMMIT")

    def run_timers(self) -> None:
        self.db.execute("BEGIN IMMEDIATE")
        timers.run(self.turn())
        self.db.execute("COMMIT")

    def outgoing(self) -> list[bytes]:
        """The mails written since the last call, each below the lines of its envelope."""
        rows = self.db.execute(
            "SELECT m.id, m.kind, m.reverse_path, c.raw, m.list_id FROM mailing m"
            " LEFT JOIN reach r ON r.mailing_id = m.id"
            " JOIN content c ON c.mailing_id = coalesce(r.post_id, m.id)"
            " WHERE m.id > ? ORDER BY m.id",
            (self.sent,),
        ).fetchall()
        found = []
        for mailing_id, kind, reverse_path, raw, list_id in rows:
            self.sent = mailing_id
            found.append(self._envelope(mailing_id, kind, reverse_path, list_id) + bytes(raw))
        return found

    def _envelope(
        self, mailing_id: int, kind: str, reverse_path: str, list_id: int | None
    ) -> bytes:
        found = self.tx.lists.by_id(list_id) if list_id is not None else None
        if found and self.tx.reach.is_later(mailing_id):
            kind = f"{kind} by {found.name}"
            people = [parse_mailbox(row[1]) for row in self.tx.reach.page(mailing_id, 0, 1000)]
        elif kind == "post" and list_id is not None:
            people = [one.mailbox for one in self.tx.subscribers.on_list(list_id)]
        else:
            rows = self.db.execute("SELECT rcpt FROM copy WHERE mailing_id = ?", (mailing_id,))
            people = [parse_mailbox(row[0]) for row in rows]
        lines = [f"[{kind}]", f"MAIL FROM:<{reverse_path}>", *map(_rcpt, people), "", ""]
        return "\r\n".join(lines).encode()

    def state(self) -> str:
        """What stands in the store, as after.toml has it."""
        parts = []
        for one in self.tx.lists.all():
            people = "".join(
                f'    "{_row(s, one)}",\n' for s in self.tx.subscribers.on_list(one.id)
            )
            subscribers = f"[\n{people}]" if people else "[]"
            held = len(self.tx.spool.held(one.id))
            parts.append(f"[lists.{one.name}]\nsubscribers = {subscribers}\nheld = {held}\n")
        consents = self.db.execute("SELECT count(*) FROM consent").fetchone()[0]
        waiting = self.db.execute("SELECT count(*) FROM spool WHERE state = 'aside'").fetchone()[0]
        parts.append(f"[kept]\nconsents = {consents}\nset_aside = {waiting}\n")
        return "\n".join(parts)


def _rcpt(mailbox: Mailbox) -> str:
    return f"RCPT TO:<{mailbox}>"


def _row(one: Subscription, mailing_list: MailingList) -> str:
    said = words(one.options, mailing_list.default_options(), mailing_list.keywords.topics)
    return " | ".join([str(one.mailbox), one.name, " ".join(said)]).rstrip(" |")
