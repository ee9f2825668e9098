"""The header fields that a copy has for itself: its reader in To, where his header option says so.

Whoever renders a variant leaves them out and notes where they go; who plans the copies makes them;
who sends a copy puts them in and signs. Pure: a copy tried again has the same ones.
"""

from listserv_py.delivery.headerstyle import TO_READER
from listserv_py.delivery.variants import PERSONAL
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.splice import new_field


def names(style: HeaderStyle) -> tuple[str, ...]:
    """Their names in lower case, in the order of `fields`; empty: all copies are the same."""
    return ("to",) if style in PERSONAL else ()


def fields(style: HeaderStyle, rcpt: str) -> bytes:
    """Whole lines, ASCII."""
    return _to(rcpt) if style in PERSONAL else b""


def _to(rcpt: str) -> bytes:
    # A name that is not ASCII has no place in a header that anybody may have to read.
    return new_field("To", str(parse_mailbox(rcpt)) if rcpt.isascii() else TO_READER).raw
