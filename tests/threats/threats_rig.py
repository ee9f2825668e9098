"""A stage under attack: what a stranger's mail brings forth, and what all of the store holds.

`copies` shows posts as they leave, rendered and not only queued; `everything` is all that can have
happened to a list or a person, so that "nothing happened" can be said of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from itertools import count
from pathlib import Path
from typing import Any

from stage import DOMAIN, Stage

from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import decode

LISTSERV = f"listserv@{DOMAIN}"
JOE, OLGA, EVE, ADMIN = (
    "joe@example.net",
    "olga@example.org",
    "eve@example.com",
    "admin@example.org",
)
STATE = (
    *("list", "subscriber", "consent", "template", "signup", "password", "old_header"),
    *("header_lock", "change_log", "posted", "post_count", "alias"),
)
"""Tables in which something happened when they change."""


@dataclass
class Attack:
    """A stage with one list, and the mails that are thrown at it."""

    folder: Path
    limits: dict[str, Any] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.stage = Stage(self.folder, self.limits)
        self.stage.create("TEST-L", {"subscribers": [f"{JOE} | Joe Doe"]})

    def close(self) -> None:
        self.stage.close()

    def forget(self) -> None:
        """Begin anew: no budget is spent, nothing asked, nobody served off."""
        for table in ("answer", "cookie", "service"):
            self.stage.db.execute(f"DELETE FROM {table}")  # noqa: S608 - words of ours

    def mail(
        self,
        sender: str,
        body: str,
        *,
        to: str = LISTSERV,
        subject: str = "",
        more: str = "",
        told: dict[str, Any] | None = None,
    ) -> list[bytes]:
        """Send one mail; those that it brings forth, each below its envelope."""
        head = f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n{more}"
        head += f"Message-ID: <{next(self.numbers)}@client.example>\r\n"
        raw = f"{head}\r\n{body}\r\n".encode()
        # The door refuses bare line ends, see tests/dialogs/smuggling.dialog.
        return self.take(re.sub(rb"\r?\n|\r", b"\r\n", raw), to, told)

    def take(
        self, raw: bytes, to: str = LISTSERV, told: dict[str, Any] | None = None
    ) -> list[bytes]:
        """Send one mail as it stands."""
        self.stage.take(raw, {"rcpt": to, "reverse_path": EVE} | (told or {}))
        return self.stage.outgoing()

    def run(self, sender: str, body: str, **more: str) -> list[bytes]:
        """A command, confirmed by whoever is asked."""
        mails = self.mail(sender, body, **more)
        return mails + self.mail(sender, f"OK C0DE{self.stage.codes:012X}")

    def everything(self) -> str:
        """What stands in the store of lists and people, row by row."""
        names = sorted({*STATE} & {*self.stage.db.table_names()})
        return "\n".join(f"{name} {row}" for name in names for row in self.stage.db[name].rows)

    def copies(self, style: HeaderStyle = HeaderStyle.FULL, *, plain: bool = False) -> list[bytes]:
        """The posts in the outbox, as they leave in one form."""
        rows = self.stage.db.execute(
            "SELECT c.raw, m.facts FROM mailing m JOIN content c ON c.mailing_id = m.id"
            " WHERE m.kind = 'post' ORDER BY m.id"
        ).fetchall()
        made = [render(bytes(raw), decode(facts), plain=plain, style=style) for raw, facts in rows]
        return [one.head + b"\r\n" + one.body for one in made]


def parts(mail: bytes) -> tuple[list[str], EmailMessage]:
    """A mail of the outbox: the lines of its envelope, and itself."""
    envelope, _, content = mail.partition(b"\r\n\r\n")
    message = message_from_bytes(content, policy=policy.default)
    assert isinstance(message, EmailMessage)
    return envelope.decode().split("\r\n"), message


def recipients(mail: bytes) -> list[str]:
    """Whom a mail of the outbox goes to."""
    return [line[9:-1] for line in parts(mail)[0] if line.startswith("RCPT TO:<")]


OURS = {
    *("From", "To", "Subject", "Date", "Message-ID", "In-Reply-To", "References"),
    *("Auto-Submitted", "X-Auto-Response-Suppress", "X-LSV-ListID", "Reply-To"),
    *("MIME-Version", "Content-Type", "Content-Transfer-Encoding"),
}


def is_clean(mail: bytes) -> bool:
    """Whether a single mail of ours has one recipient and no field but those that we write."""
    _, _, content = mail.partition(b"\r\n\r\n")
    words = content.partition(b"message/rfc822")[0]  # what is attached is as its author sent it
    head = content.partition(b"\r\n\r\n")[0]
    names = [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] > b" "]
    bare = content.replace(b"\r\n", b"")
    return (
        len(recipients(mail)) == 1
        and set(names) <= OURS
        and len(names) == len(set(names))
        and not {b"\r"[0], b"\n"[0], 0} & set(bare)
        and max(map(len, words.split(b"\r\n"))) <= 998
    )
