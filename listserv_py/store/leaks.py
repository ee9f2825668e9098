"""Whether a mail has in it what nobody but its author may know: a password, a code that serves.

It is asked wherever a stranger's mail would be passed on: to a list, to its owners, to people.
"""

from __future__ import annotations

import re
from datetime import datetime
from itertools import islice
from string import hexdigits

from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import Message
from listserv_py.mail.passwords import shows_password
from listserv_py.store.store import Tx

LOOKED_AT = 50
"""How many numbers that could be codes are looked up."""
TEXT_MAX = 50_000
_DIGITS = b"0" * 16
_TO_DIGITS = bytes(b"0"[0] if chr(one) in hexdigits else b" "[0] for one in range(256))
_CODES = re.compile(rb"\b[0-9A-Fa-f]{16}\b")


def shows_secret(tx: Tx, message: Message, now: datetime) -> bool:
    """Whether a code that serves or a password stands in a mail."""
    said = f"{message.subject}\n{message.command_text}"
    return shows_password(said) or names_code(tx, message, now)


def names_code(tx: Tx, message: Message, now: datetime, of: Mailbox | None = None) -> bool:
    """Whether a code that was sent to somebody, or to him, and still serves stands in a mail."""
    text = message.command_text[:TEXT_MAX]
    # As it came as well: a request that was attached has its code in a field or part of its own.
    shown = f"{message.subject}\n{text}".encode("ascii", "replace")
    found = dict.fromkeys(
        one.decode().upper()
        for place in (shown, message.raw[:TEXT_MAX])
        if _DIGITS in place.translate(_TO_DIGITS)
        for one in _CODES.findall(place)
    )
    return any(_serves(tx, code, now, of) for code in islice(found, LOOKED_AT))


def _serves(tx: Tx, code: str, now: datetime, of: Mailbox | None) -> bool:
    cookie = tx.cookies.find(code, now)
    if cookie is None or cookie.is_used or cookie.is_expired:
        return False
    return of is None or cookie.mailbox == of
