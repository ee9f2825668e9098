"""One variant of a post: what all who chose it get.

Pure, and the same bytes for the same input, today and after a crash: every time and name of ours
comes from the facts that were frozen with the mailing. The copy is `head + CRLF + body`; signing
comes after.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.delivery.author import is_genuine, with_alias
from listserv_py.delivery.banners import with_banners
from listserv_py.delivery.dual import with_dual_header
from listserv_py.delivery.fit import fit
from listserv_py.delivery.headerstyle import styled
from listserv_py.delivery.personal import names
from listserv_py.delivery.textonly import text_only
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import Message, read
from listserv_py.mail.splice import clean_lines, joined


@dataclass(frozen=True, slots=True)
class Variant:
    """`head` is whole field lines, without the empty line behind them; `body` is all behind that.

    `own_at`: where in the head the fields go that each copy has for itself, and `own` their names
    in lower case; None: all copies are the same. `genuine`: a signature of the author's holds.
    """

    head: bytes
    body: bytes
    own_at: int | None = None
    own: tuple[str, ...] = ()
    genuine: bool = False


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
    own = names(facts, style)
    # No signature holds over what is still to be filled in.
    genuine = not facts.merge and is_genuine(ready, facts, own)
    fields = ready.fields if genuine else with_alias(ready, facts)
    if not own:
        return Variant(joined(fields), ready.body, genuine=genuine)
    at = next(n for n, one in enumerate(fields) if one.name in own)
    before = joined(fields[:at])
    behind = joined(one for one in fields[at:] if one.name not in own)
    return Variant(before + behind, ready.body, len(before), own, genuine)


def _reread(raw: bytes) -> Message:
    """Read what we have made: a header that just kept to the limits has grown."""
    return read(raw, room=2)
