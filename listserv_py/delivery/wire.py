"""A variant in the form in which it follows DATA, made once and sent thousands of times.

CRLF, leading dots doubled, the lone dot at its end, the signature on top: nothing is done to it any
more when it goes out. A mail with 8-bit parts has a second, 7-bit form for hosts that want it, made
when the first such host is met and signed by itself (RFC 6152 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from listserv_py.delivery.sign import Signer


@dataclass(frozen=True, slots=True)
class Caps:
    """What a host offered in its answer to EHLO."""

    pipelining: bool = False
    eight_bit: bool = False
    utf8: bool = False
    size: bool = False


@dataclass(frozen=True, slots=True)
class Form:
    """`eight_bit`: some octet is above 127; `utf8_head`: some octet of the header is (RFC 6532)."""

    wire: bytes
    eight_bit: bool
    utf8_head: bool

    def arguments(self, caps: Caps, utf8: bool) -> bytes:
        """What stands behind the address of MAIL; `utf8`: an address is not ASCII."""
        words = b" SIZE=%d" % len(self.wire) if caps.size else b""
        if self.eight_bit and caps.eight_bit:
            words += b" BODY=8BITMIME"
        if (utf8 or self.utf8_head) and caps.utf8:
            words += b" SMTPUTF8"
        return words


Make = Callable[[bool], tuple[bytes, bytes]]


class Letter:
    """One variant of one mailing; `make(seven_bit)` gives its header and body, unsigned."""

    __slots__ = ("_make", "_seven", "_signer", "_stamp", "main")

    def __init__(self, make: Make, signer: Signer | None, stamp: int) -> None:
        self._make, self._signer, self._stamp = make, signer, stamp
        self._seven: Form | None = None
        self.main = self._seal(seven_bit=False)

    def form(self, caps: Caps) -> Form | None:
        """The form for such a host; None: `make_seven` must be called first."""
        main = self.main
        if not main.eight_bit or (caps.eight_bit and (caps.utf8 or not main.utf8_head)):
            return main
        return self._seven

    def make_seven(self) -> None:
        """Make the 7-bit form; slow, so not on the event loop."""
        self._seven = self._seal(seven_bit=True)

    def _seal(self, *, seven_bit: bool) -> Form:
        head, body = self._make(seven_bit)
        if self._signer is not None:
            head = self._signer.prepare(head, body, self._stamp).field() + head
        return Form(
            wire=stuffed(head + b"\r\n" + body),
            eight_bit=not (head.isascii() and body.isascii()),
            utf8_head=not head.isascii(),
        )


def stuffed(mail: bytes) -> bytes:
    """The mail as it follows DATA (RFC 5321 4.5.2)."""
    dotted = mail.replace(b"\r\n.", b"\r\n..")
    if dotted.startswith(b"."):
        dotted = b"." + dotted
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
