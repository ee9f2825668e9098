"""What goes out after DATA, as plain data, and the bytes that it is for one copy.

Plain, so that it can be sent on to where copies are sent; and apart from `wire.py`, which makes it,
so that nothing of rendering is loaded there.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.delivery.program import Program
from listserv_py.delivery.sign import Sealed, Signers, signatures

SIGNED_ROOM = 4096
"""For a copy's own fields and signatures, where SIZE is announced before they are made."""


@dataclass(frozen=True, slots=True)
class Caps:
    """What a host offered in its answer to EHLO."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    size: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """`eight_bit`: some octet is above 127; `utf8_head`: some octet of the header is (RFC 6532).

    `own_at`: where in `wire` the fields of a copy go; None: all copies are `wire`, signed.
    `sealed`: what to sign of those that are not; None: they go out unsigned. `program`: what fills
    each copy in, and `wire` is no copy then, but the program as plain data.
    """

    wire: bytes
    eight_bit: bool
    utf8_head: bool
    own_at: int | None = None
    sealed: Sealed | None = None
    program: Program | None = None

    @property
    def size(self) -> int:
        """How long a copy is, at most (RFC 1870 5)."""
        return len(self.wire) if self.own_at is None else len(self.wire) + SIGNED_ROOM

    def arguments(self, caps: Caps, utf8: bool) -> bytes:
        """What stands behind the address of MAIL; `utf8`: an address is not ASCII."""
        # RFC 1870 5: it may be left out, as of a mail that is filled in later.
        words = b" SIZE=%d" % self.size if caps.size and self.program is None else b""
        if self.eight_bit and caps.eight_bit:
            words += b" BODY=8BITMIME"
        if (utf8 or self.utf8_head) and caps.utf8:
            words += b" SMTPUTF8"
        return words


def wire_of(form: Form, personal: bytes, signers: Signers) -> bytes:
    """A copy as it follows DATA.

    `personal`: the fields that it has for itself, whole lines, and behind them what it is filled in
    with. Pure, the same bytes for the same copy each time: no kind of signature takes dice.
    """
    if form.program is not None:
        return form.program.wire(personal, form.sealed, signers)
    if form.own_at is None:
        return form.wire
    top = signatures(signers, form.sealed, personal) if form.sealed else b""
    wire = memoryview(form.wire)
    return b"".join((top, wire[: form.own_at], personal, wire[form.own_at :]))
