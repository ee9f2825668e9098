"""A mail that is filled in for each reader, compiled: what a copy costs is its own lines.

The lines that all copies share are kept as bytes, as they are sent and as DKIM hashes them; those
with slots are filled, put into quoted-printable and hashed for each copy. `encode` and `decode` are
twins: whoever sends the copies need not know how the mail was read. The values of a copy travel
behind its own header fields (`Copy.personal`), so that journal, queue and workers know nothing of
this.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import html
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from listserv_py.delivery.sign import Sealed, Signers, signatures
from listserv_py.mail.compose import TO_READER, address, encoded, header_line
from listserv_py.mail.relaxed import compressed
from listserv_py.texts.merge import Block, Node, Parts, Slot, Test, filled, holds, value

HEADER_MAX = 900
"""Characters of a field's value that has slots."""

_END, _BETWEEN = b"\0", "\x1f"
_UNSAFE = re.compile("[\x00-\x1f]")
_BLANKS_AT_END = re.compile(rb"[ \t]+(?=\r\n)")


@dataclass(frozen=True, slots=True)
class Filled:
    """A header field with slots: unstructured text, or with `to` one mailbox.

    `to`: the address as written, or None where it is the reader's own.
    """

    name: str
    text: Parts
    is_mailbox: bool = False
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Whole:
    """Lines that all copies share: as they are sent, and as they are hashed."""

    wire: bytes
    canonical: bytes


@dataclass(frozen=True, slots=True)
class Text:
    """A text part; its lines are filled in, as HTML with the values escaped."""

    nodes: tuple[Node, ...]
    is_html: bool


@dataclass(slots=True, eq=False)
class Program:
    """`front` and `back` are the header around what each copy has for itself.

    `shared` fills with the lines between slots, as they are sent.
    """

    front: bytes
    back: bytes
    fields: tuple[Filled, ...]
    body: tuple[Whole | Text, ...]
    shared: dict[str, Whole] = field(default_factory=dict)

    def wire(self, personal: bytes, sealed: Sealed | None, signers: Signers) -> bytes:
        """A copy as it follows DATA: the same bytes each time."""
        own, values = _parted(personal)
        fields = own + b"".join([_field(one, values) for one in self.fields])
        wire, canonical = _Body(values, self.shared).of(self.body)
        top = b""
        if sealed is not None:
            digest = base64.b64encode(hashlib.sha256(canonical).digest()).decode("ascii")
            top = signatures(signers, replace(sealed, body_hash=digest), fields)
        return b"".join((top, self.front, fields, self.back, b"\r\n", wire, b".\r\n"))

    def encode(self) -> bytes:
        """As JSON."""
        body = [
            _plain(one.wire) if isinstance(one, Whole)
            else [one.is_html, [_node(node) for node in one.nodes]]
            for one in self.body
        ]  # fmt: skip
        fields = [[one.name, _parts(one.text), one.is_mailbox, one.to] for one in self.fields]
        return json.dumps([_plain(self.front), _plain(self.back), fields, body]).encode("ascii")


def decode(raw: bytes) -> Program:
    """Read what `Program.encode` wrote."""
    front, back, fields, body = json.loads(raw)
    return Program(
        front.encode("latin-1"),
        back.encode("latin-1"),
        tuple(Filled(name, _parts_of(text), *rest) for name, text, *rest in fields),
        tuple(
            of_wire(one.encode("latin-1")) if isinstance(one, str)
            else Text(tuple(_node_of(node) for node in one[1]), one[0])
            for one in body
        ),
    )  # fmt: skip


def with_values(own: bytes, values: Sequence[str]) -> bytes:
    """A copy's own fields and its values, as `Copy.personal` holds them."""
    said = _BETWEEN.join([_UNSAFE.sub(" ", one) for one in values])
    return b"".join((own, _END, said.encode("utf-8", "replace")))


def _parted(personal: bytes) -> tuple[bytes, list[str]]:
    own, _, said = personal.partition(_END)
    return own, said.decode("utf-8").split(_BETWEEN)


def whole(lines: bytes) -> Whole:
    """Whole lines as they stand in the mail."""
    wire = lines.replace(b"\r\n.", b"\r\n..")
    return Whole(b"." + wire if wire.startswith(b".") else wire, _canonical(lines))


def of_wire(wire: bytes) -> Whole:
    """The twin of `Whole.wire`."""
    lines = wire.replace(b"\r\n.", b"\r\n")
    return Whole(wire, _canonical(lines[1:] if lines.startswith(b".") else lines))


def _canonical(lines: bytes) -> bytes:
    """Relaxed, but for the end of the body (RFC 6376 3.4.4)."""
    return _BLANKS_AT_END.sub(b"", compressed(lines))


def printable(text: str) -> bytes:
    """Lines in quoted-printable, with the CRLF of the last one (RFC 2045 6.7)."""
    made = binascii.b2a_qp(text.encode("utf-8", "replace"), istext=True)
    return made.replace(b"\n", b"\r\n") + b"\r\n"


def _field(one: Filled, values: Sequence[str]) -> bytes:
    said = " ".join(filled(one.text, values).split())[:HEADER_MAX]
    if not one.is_mailbox:
        # A value with an encoded word in it would be read as what that says.
        return header_line(one.name, encoded(said) if "=?" in said else said)
    to = values[0] if one.to is None else one.to
    return header_line(one.name, address(said, to) if to.isascii() else TO_READER)


class _Body:
    """The body of one copy."""

    def __init__(self, values: Sequence[str], shared: dict[str, Whole]) -> None:
        self._values, self._shared = values, shared
        self._wire: list[bytes] = []
        self._canonical: list[bytes] = []

    def of(self, body: Sequence[Whole | Text]) -> tuple[bytes, bytes]:
        """As it is sent, but for the lone dot at its end, and as it is hashed."""
        for one in body:
            if isinstance(one, Whole):
                self._put(one)
            else:
                self._nodes(one.nodes, is_html=one.is_html)
        wire = b"".join(self._wire)
        canonical = b"".join(self._canonical).rstrip(b"\r\n")
        if wire and not wire.endswith(b"\r\n"):
            wire += b"\r\n"
        return wire, canonical + b"\r\n" if canonical else b""

    def _put(self, one: Whole) -> None:
        self._wire.append(one.wire)
        self._canonical.append(one.canonical)

    def _nodes(self, nodes: Sequence[Node], *, is_html: bool) -> None:
        for one in nodes:
            if isinstance(one, Block):
                then = one.then if holds(one, self._values) else one.otherwise
                self._nodes(then, is_html=is_html)
            elif isinstance(one, str):
                found = self._shared.get(one)
                if found is None:
                    found = self._shared[one] = whole(printable(one.removesuffix("\n")))
                self._put(found)
            else:
                self._put(whole(printable(self._line(one, is_html=is_html))))

    def _line(self, parts: Parts, *, is_html: bool) -> str:
        if not is_html:
            return filled(parts, self._values)
        return "".join(
            [
                one if isinstance(one, str) else html.escape(value(one, self._values))
                for one in parts
            ]
        )


# As plain data.


def _plain(raw: bytes) -> str:
    return raw.decode("latin-1")


def _node(node: Node) -> Any:
    if isinstance(node, str):
        return node
    if not isinstance(node, Block):
        return _parts(node)
    tests = [[[_parts(t.left), t.sign, _parts(t.right)] for t in row] for row in node.tests]
    return {
        "tests": tests,
        "then": [_node(one) for one in node.then],
        "otherwise": [_node(one) for one in node.otherwise],
    }


def _node_of(made: Any) -> Node:
    if isinstance(made, str):
        return made
    if isinstance(made, list):
        return _parts_of(made)
    return Block(
        tuple(
            tuple(Test(_parts_of(left), sign, _parts_of(right)) for left, sign, right in row)
            for row in made["tests"]
        ),
        tuple(_node_of(one) for one in made["then"]),
        tuple(_node_of(one) for one in made["otherwise"]),
    )


def _parts(parts: Parts) -> list[Any]:
    return [one if isinstance(one, str) else [one.number, one.is_url] for one in parts]


def _parts_of(made: Sequence[Any]) -> Parts:
    return tuple(one if isinstance(one, str) else Slot(*one) for one in made)
