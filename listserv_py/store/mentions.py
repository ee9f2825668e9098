"""Where a person's address stands in what is stored: whole, in whatever case of its letters.

`marie.joe@example.net` does not mention `joe@example.net`, whose erasure takes out what is found.
"""

from __future__ import annotations

import re

from listserv_py.mail.mailbox import Mailbox


def as_written(mailbox: Mailbox) -> str:
    """The address as columns and contents have it, but for the case of its letters."""
    return str(mailbox).lower()


def whole_address(mailbox: Mailbox) -> re.Pattern[str]:
    """Finds the address or its key in a text, where it is not a part of a longer one."""
    either = f"(?:{re.escape(as_written(mailbox))}|{re.escape(mailbox.key)})"
    return re.compile(rf"(?<![\w.+-]){either}(?![\w-]|\.\w)", re.IGNORECASE)


def mentions(mailbox: Mailbox, raw: bytes) -> bool:
    """Whether the bytes of a mail have the address in them."""
    if as_written(mailbox).encode() not in raw.lower():
        return False
    return whole_address(mailbox).search(raw.decode("utf-8", "replace")) is not None
