"""Our Received field on top of each mail, and the count of them (RFC 5321 4.4, 6.3).

What the client calls itself stands in it only when it looks like a name: it is a stranger's word.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

from listserv_py.mail.envelope import Protocol
from listserv_py.smtpd.paths import Transaction

_NAME = re.compile(r"[A-Za-z0-9._:-]+|\[[A-Za-z0-9.:]+\]")
_RECEIVED = re.compile(rb"^received[ \t]*:", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Visit:
    """Who brings mail, and how; `client` is "" on a Unix socket."""

    client: str
    helo: str
    protocol: Protocol
    is_extended: bool = True
    is_encrypted: bool = False


def received_field(
    visit: Visit, transaction: Transaction, hostname: str, token: str, now: datetime
) -> bytes:
    """The field for one mail, which names its recipient only when it is the only one."""
    lines = [
        f"Received: from {_name(visit.helo)}{_literal(visit.client)}",
        f"by {hostname} with {_with(visit, smtputf8=transaction.smtputf8)} id {token}",
    ]
    rcpt_to = transaction.rcpt_to
    if len(rcpt_to) == 1 and rcpt_to[0].is_ascii:
        lines.append(f"for <{rcpt_to[0]}>")
    return ("\r\n\t".join(lines) + f"; {_date(int(now.timestamp()))}\r\n").encode("ascii")


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    """The same for all mails of a second."""
    return format_datetime(datetime.fromtimestamp(second, UTC))


def hops(content: bytes) -> int:
    """How many Received fields the mail carries."""
    end = 0 if content.startswith(b"\r\n") else content.find(b"\r\n\r\n")
    return len(_RECEIVED.findall(content, 0, end if end >= 0 else len(content)))


def _name(helo: str) -> str:
    return helo if _NAME.fullmatch(helo) else "unknown"


def _literal(client: str) -> str:
    if not client:
        return ""
    return f" ([IPv6:{client}])" if ":" in client else f" ([{client}])"


def _with(visit: Visit, *, smtputf8: bool) -> str:
    """The protocol's registered name (RFC 3848, RFC 6531 4.3)."""
    if visit.protocol is Protocol.LMTP:
        name = "UTF8LMTP" if smtputf8 else "LMTP"
    elif smtputf8:
        name = "UTF8SMTP"
    else:
        name = "ESMTP" if visit.is_extended else "SMTP"
    return name + "S" if visit.is_encrypted and name != "SMTP" else name
