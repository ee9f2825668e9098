"""A mail sent on as it came, under fields that say who sends it on (RFC 5322 3.6.6)."""

from __future__ import annotations

from datetime import datetime
from email.utils import format_datetime

from listserv_py.mail.compose import header_line
from listserv_py.mail.splice import clean_lines


def resent(raw: bytes, sender: str, to: str, date: datetime, message_id: str) -> bytes:
    """The mail with a block of Resent- fields on top; nothing that its author wrote is touched."""
    ours = (
        ("Resent-From", sender),
        ("Resent-To", to),
        ("Resent-Date", format_datetime(date)),
        ("Resent-Message-ID", message_id),
    )
    return b"".join(header_line(name, value) for name, value in ours) + clean_lines(raw)
