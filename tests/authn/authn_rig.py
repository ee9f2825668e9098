"""Signed mails, their keys in a DNS of our own, and letters made of them."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import dkim
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from name_server import NameServer
from rsa_key import KEY as RSA
from stage import DOMAIN, NOW, Stage

from listserv_py import intake
from listserv_py.authn.dkim import Verifier
from listserv_py.authn.proof import look, settle
from listserv_py.config import Dns, Settings
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.resolver import Resolver

SHORT = rsa.generate_private_key(65537, 1024)  # noqa: S505 - as short as still counts
ED = ed25519.Ed25519PrivateKey.generate()
PEM = RSA.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
ED_SEED = base64.b64encode(
    ED.private_bytes(
        serialization.Encoding.Raw, serialization.PrivateFormat.Raw, serialization.NoEncryption()
    )
)
COVERED = ("from", "to", "cc", "subject", "date", "message-id", "content-type")
FIELDS = {
    "From": "Joe <joe@example.net>",
    "To": f"listserv@{DOMAIN}",
    "Subject": "a request",
    "Date": format_datetime(NOW),
    "Message-ID": "<1@example.net>",
    "Content-Type": "text/plain",
}


def public(key: rsa.RSAPrivateKey) -> str:
    """The `p=` of an RSA key."""
    der = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return base64.b64encode(der).decode()


ED_PUBLIC = base64.b64encode(
    ED.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
).decode()
RECORD = f"v=DKIM1; k=rsa; p={public(RSA)}"


def txt(record: str) -> str:
    """A record as a zone file has it: strings of 255 octets at most."""
    return " ".join(f'"{record[at : at + 250]}"' for at in range(0, len(record), 250))


def zone(*names: str, record: str = RECORD) -> dict[tuple[str, str], list[str] | str]:
    return {(name, "TXT"): [txt(record)] for name in names or ("s1._domainkey.example.net",)}


def mail(body: str = "SIGNOFF TEST-L\n", more: str = "", **fields: str | None) -> bytes:
    """A mail of FIELDS; `message_id="…"` changes one, None leaves it out, `more` stands on top."""
    changed = {name.replace("_", "-").lower(): value for name, value in fields.items()}
    told = {name: changed.pop(name.lower(), value) for name, value in FIELDS.items()}
    told |= {name.title(): value for name, value in changed.items()}
    lines = "".join(f"{name}: {value}\n" for name, value in told.items() if value is not None)
    return f"{more}{lines}\n{body}".replace("\n", "\r\n").encode()


def sign(raw: bytes, domain: str = "example.net", **told: Any) -> bytes:
    """The mail with a signature on top; `covered` are the names for its `h=`."""
    covered: Iterable[str] = told.pop("covered", COVERED)
    present = {one.name for one in read(raw).fields}
    told.setdefault("canonicalize", (b"relaxed", b"relaxed"))
    field_ = dkim.sign(
        raw,
        told.pop("selector", "s1").encode(),
        domain.encode(),
        told.pop("key", PEM),
        include_headers=[name.encode() for name in covered if name in present or "+" in name],
        **told,
    )
    return bytes(field_) + raw


def with_tag(raw: bytes, tag: bytes) -> bytes:
    """The topmost signature with one more tag: no longer valid, but what it says is read first."""
    return raw.replace(b"DKIM-Signature: v=1;", b"DKIM-Signature: v=1; " + tag + b";", 1)


def letter(raw: bytes, rcpt: str = f"listserv@{DOMAIN}", **told: Any) -> Letter:
    given = {"protocol": Protocol.SMTP, "client": "192.0.2.25", "received_at": NOW} | told
    return Letter(
        spool_id=1,
        reverse_path=parse_mailbox(given.pop("reverse_path", "joe@example.net")),
        rcpt=parse_mailbox(rcpt),
        host="192.0.2.25",
        message=read(raw),
        **given,
    )


def settings(**trust: Any) -> Settings:
    return Settings.model_validate({"site": {"domain": DOMAIN}, "trust": trust})


def resolver(names: NameServer) -> Resolver:
    return Resolver(Dns.model_validate(names.table))


def verifier(names: NameServer, limit: float = 3.0) -> Verifier:
    return Verifier(resolver(names), limit)


@dataclass
class ProvingStage:
    """A stage whose mails are proved on their way in, as the server does it."""

    folder: Path
    names: NameServer
    trust: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.stage = Stage(self.folder)
        table = {"site": self.stage.settings.site.model_dump(), "trust": self.trust}
        self.stage.settings = Settings.model_validate(table)
        self.verifier = verifier(self.names)

    async def arrive(self, raw: bytes, *rcpt_to: str, **told: Any) -> list[bytes]:
        """One mail from the door, for these addresses; what is written in answer to it."""
        stage, db = self.stage, self.stage.db
        stage.now += timedelta(minutes=1)
        envelope = Envelope(
            reverse_path=parse_mailbox(told.get("reverse_path", "joe@example.net")),
            rcpt_to=tuple(map(parse_mailbox, rcpt_to or (f"listserv@{DOMAIN}",))),
            content=raw,
            client=told.get("client", "192.0.2.25"),
            helo="mail.example.net",
            protocol=told.get("protocol", Protocol.SMTP),
            received_at=stage.now,
        )
        db.execute("BEGIN IMMEDIATE")
        stage.tx.spool.take(envelope)
        await self.work_off()
        db.execute("COMMIT")
        return stage.outgoing()

    async def work_off(self) -> None:
        spool = self.stage.tx.spool
        while ready := spool.ready(100, 10_000_000):
            for entry in spool.begin(ready):
                case = look(intake.open_letter(entry), self.stage.settings)
                intake.work_off(self.stage.turn(), await settle(case, self.verifier))

    def dated(self, hours: float = 0) -> str:
        return format_datetime(self.stage.now + timedelta(hours=hours))

    def subscribers(self, listname: str) -> list[str]:
        found = self.stage.tx.lists.find(listname)
        assert found
        return [str(one.mailbox) for one in self.stage.tx.subscribers.on_list(found.id)]


def at(days: float) -> datetime:
    return NOW + timedelta(days=days)
