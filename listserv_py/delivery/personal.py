"""The header fields that each copy has for itself: To where it names the reader, one-click's link.

RFC 8058: the link ends the subscription that the copy went to, so no two copies have the same.
Whoever renders a variant leaves them out and notes where they go; who plans the copies makes them;
who sends a copy puts them in and signs. Pure: a copy tried again has the same ones.
"""

from collections.abc import Callable

from listserv_py.delivery.variants import PERSONAL
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.compose import TO_READER
from listserv_py.mail.listheaders import ListFacts, has_one_click, unsubscribe_fields
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.splice import new_field
from listserv_py.mail.token import TOKEN_LENGTH

Own = Callable[[HeaderStyle, str, int], bytes]
"""From how the reader wants his header, his address and the subscription's id to the fields."""

_MARK = "k" * TOKEN_LENGTH


def names(facts: ListFacts, style: HeaderStyle) -> tuple[str, ...]:
    """Their names in lower case, in the order of the fields; empty: all copies are the same."""
    found = ("to",) if style in PERSONAL else ()
    return (*found, "list-unsubscribe", "list-unsubscribe-post") if has_one_click(facts) else found


def fields(facts: ListFacts, token_for: Callable[[int], str]) -> Own:
    """What makes them: whole lines, ASCII."""
    if not has_one_click(facts):
        return lambda style, rcpt, _: _to(rcpt) if style in PERSONAL else b""
    made = (new_field(name, value).raw for name, value in unsubscribe_fields(facts, _MARK))
    front, _, back = b"".join(made).partition(_MARK.encode("ascii"))

    def own(style: HeaderStyle, rcpt: str, subscription_id: int) -> bytes:
        to = _to(rcpt) if style in PERSONAL else b""
        return b"".join((to, front, token_for(subscription_id).encode("ascii"), back))

    return own


def _to(rcpt: str) -> bytes:
    # A name that is not ASCII has no place in a header that anybody may have to read.
    return new_field("To", str(parse_mailbox(rcpt)) if rcpt.isascii() else TO_READER).raw
