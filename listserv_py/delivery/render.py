"""One variant of a post: what all who chose it get.

Pure, and the same bytes for the same input, today and after a crash: every time and name of ours
comes from the facts that were frozen with the mailing. The copy is `head + CRLF + body`; signing
comes after.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.delivery.banners import with_banners
from listserv_py.delivery.dual import with_dual_header
from listserv_py.delivery.fit import fit
from listserv_py.delivery.headerstyle import styled
from listserv_py.delivery.textonly import text_only
from listserv_py.delivery.variants import PERSONAL
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import Message, read
from listserv_py.mail.splice import clean_lines, joined, new_field


@dataclass(frozen=True, slots=True)
class Variant:
    """`head` is whole field lines, without the empty line behind them; `body` is all behind that.

    `to_at`: where in the head the reader's own To goes, None when all readers have one header.
    """

    head: bytes
    body: bytes
    to_at: int | None = None

    @property
    def personal(self) -> bool:
        """Whether each reader has a header of his own."""
        return self.to_at is not None

    def head_for(self, reader: Mailbox) -> bytes:
        """The head for one reader: with him in To, where his header option says so."""
        if self.to_at is None:
            return self.head
        # A name that is not ASCII has no place in a header that anybody may have to read.
        to = str(reader) if reader.is_ascii else "undisclosed-recipients:;"
        return self.head[: self.to_at] + new_field("To", to).raw + self.head[self.to_at :]


def render(
    raw: bytes, facts: ListFacts, *, plain: bool, style: HeaderStyle, seven_bit: bool = False
) -> Variant:
    """The post `raw`, as it came in, for those who chose text or HTML and this header."""
    raw = clean_lines(raw)
    message = read(raw)
    if plain or facts.text_only:
        message = _reread(text_only(message))
    if facts.has_banners:
        message = _reread(with_banners(message, facts))
    if style is HeaderStyle.DUAL:
        message = _reread(with_dual_header(message))
    fields = styled(message.fields, raw, facts, style)
    ready = _reread(fit(_reread(joined(fields) + b"\r\n" + message.body), seven_bit=seven_bit))
    if style not in PERSONAL:
        return Variant(joined(ready.fields), ready.body)
    at = next(n for n, one in enumerate(ready.fields) if one.name == "to")
    before, behind = joined(ready.fields[:at]), joined(ready.fields[at + 1 :])
    return Variant(before + behind, ready.body, len(before))


def _reread(raw: bytes) -> Message:
    """Read what we have made: a header that just kept to the limits has grown."""
    return read(raw, room=2)
