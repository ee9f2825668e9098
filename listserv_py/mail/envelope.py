"""One mail as the door took it: envelope, bytes, and where they came from."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from listserv_py.mail.mailbox import Mailbox


class Protocol(StrEnum):
    """How a mail came in."""

    SMTP = "smtp"
    LMTP = "lmtp"


@dataclass(frozen=True, slots=True)
class Envelope:
    """An accepted mail: CRLF line ends, dots undone, our Received field on top of `content`.

    `reverse_path` None is the null sender `<>` (RFC 5321 4.5.5). `client` is the host that spoke
    to us ("" on a Unix socket), `helo` what it called itself; `id` is what our 250 and our Received
    field call the mail.
    """

    reverse_path: Mailbox | None
    rcpt_to: tuple[Mailbox, ...]
    content: bytes
    client: str
    helo: str
    protocol: Protocol
    received_at: datetime
    smtputf8: bool = False
    id: str = ""


def is_own_mta(protocol: Protocol, client: str) -> bool:
    """Whether it was our own MTA that spoke to us: by LMTP, or on this very machine."""
    return protocol is Protocol.LMTP or client in ("", "127.0.0.1", "::1")
