"""A variant in the form in which it follows DATA, made once and sent thousands of times.

CRLF, leading dots doubled, the lone dot at its end, the signature on top: nothing is done to it any
more when it goes out, unless each copy has header fields of its own (form.py). A mail with 8-bit
parts has a second, 7-bit form for hosts that want it, made when the first such host is met and
signed by itself (RFC 6152 3).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from listserv_py.delivery.form import Caps, Form
from listserv_py.delivery.merge import compiled
from listserv_py.delivery.render import Variant
from listserv_py.delivery.sign import Signers, seal, signatures
from listserv_py.texts.merge import Names

Make = Callable[[bool], Variant]


class Letter:
    """One variant of one mailing; `make(seven_bit)` gives it unsigned.

    `names`: what is filled in for each reader; None for a mail that is not.
    """

    __slots__ = ("_make", "_names", "_seven", "_stamp", "main", "signers")

    def __init__(
        self, make: Make, signers: Signers, stamp: int, names: Names | None = None
    ) -> None:
        self._make, self.signers, self._stamp, self._names = make, signers, stamp, names
        self._seven: Form | None = None
        self.main = self._seal(seven_bit=False)

    def form(self, caps: Caps) -> Form | None:
        """The form for such a host; None: `want_seven` must be awaited first."""
        main = self.main
        if not main.eight_bit or (caps.eight_bit and (caps.utf8 or not main.utf8_head)):
            return main
        return self._seven

    async def want_seven(self) -> None:
        """Have the 7-bit form made, in a thread."""
        await asyncio.to_thread(self.make_seven)

    def make_seven(self) -> Form:
        """Make the 7-bit form; slow, so not on the event loop."""
        self._seven = self._seal(seven_bit=True)
        return self._seven

    def _seal(self, *, seven_bit: bool) -> Form:
        made = self._make(seven_bit)
        head, body, own_at = made.head, made.body, made.own_at
        eight_bit = not (head.isascii() and body.isascii())
        utf8_head = not head.isascii()
        if self._names is not None:
            merge = compiled(made, self._names)
            sealed = seal(merge.head, b"", self._stamp, merge.own) if self.signers else None
            # So many bytes whoever keeps it counts.
            wire = merge.program.encode()
            return Form(wire, eight_bit, utf8_head, sealed=sealed, program=merge.program)
        sealed = seal(head, body, self._stamp, made.own) if self.signers else None
        if own_at is None:
            top = signatures(self.signers, sealed) if sealed else b""
            return Form(stuffed(top + head + b"\r\n" + body), eight_bit, utf8_head)
        return Form(
            wire=stuffed(head + b"\r\n" + body),
            eight_bit=eight_bit,
            utf8_head=utf8_head,
            own_at=len(_dotted(head[:own_at])),
            sealed=sealed,
        )


def stuffed(mail: bytes) -> bytes:
    """The mail as it follows DATA (RFC 5321 4.5.2)."""
    dotted = _dotted(mail)
    return dotted + (b".\r\n" if not dotted or dotted.endswith(b"\r\n") else b"\r\n.\r\n")


def split(mail: bytes) -> tuple[bytes, bytes]:
    """Header fields, each with its CRLF, and body."""
    if mail.startswith(b"\r\n"):
        return b"", mail[2:]
    head, blank, body = mail.partition(b"\r\n\r\n")
    return (
        (head + b"\r\n", body)
        if blank
        else (mail if mail.endswith(b"\r\n") else head + b"\r\n", b"")
    )


def _dotted(mail: bytes) -> bytes:
    dotted = mail.replace(b"\r\n.", b"\r\n..")
    return b"." + dotted if dotted.startswith(b".") else dotted
