"""What server and workers say to each other: plain data, so that a broker could carry it as well.

A message is one frame: two lengths, a JSON array `[kind, values, sizes]`, and behind it the values
that are bytes, one after the other. `encode` and `Frames` are twins. Lists stand in columns (all
addresses, all senders), because that is read and written fastest. A copy is known by
the number of its parcel and its slot; a rendered variant by a number that the server gives it.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

FRAME_MAX = 1 << 30
_SIZES = struct.Struct("<II")


class Garbled(ValueError):
    """What came is no message of ours."""


# From the server.


@dataclass(frozen=True, slots=True)
class Terms:
    """The settings that concern a worker, as `terms.py` makes and reads them."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Content:
    """One form of a rendered variant; `sealed` as in sign.Sealed, empty: nothing to be signed.

    `program`: what fills each copy in, as `program.py` encodes it; empty: nothing is.
    """

    number: int
    is_seven: bool
    eight_bit: bool
    utf8_head: bool
    own_at: int | None
    sealed: list[Any]
    wire: bytes
    canonical: bytes
    program: bytes


@dataclass(frozen=True, slots=True)
class Parcel:
    """Copies to be sent, each in its column: `contents` names their variants.

    `rcpts` and `senders` are lines, a copy each: joined they cost a fifth of what JSON does.
    `personal`: how long each one's own header fields are, which lie end to end in `fields`; empty:
    none has any. `marks` is the journal in which each copy's slot is marked.
    """

    number: int
    marks: str
    slots: list[int]
    contents: list[int]
    personal: list[int]
    rcpts: bytes
    senders: bytes
    fields: bytes


@dataclass(frozen=True, slots=True)
class Recall:
    """Those of a parcel that have not begun come to this outcome instead."""

    number: int
    slots: list[int]
    fate: int
    status: str
    text: str
    next_at: int


@dataclass(frozen=True, slots=True)
class Forget:
    """These contents are not needed any more."""

    numbers: list[int]


@dataclass(frozen=True, slots=True)
class Grant:
    """The answer to a Dial; `is_crowded`: other processes have connections that stand."""

    number: int
    may: bool
    is_crowded: bool


@dataclass(frozen=True, slots=True)
class Shed:
    """Give up one connection to this host, for another process that has none."""

    host: str


@dataclass(frozen=True, slots=True)
class Revive:
    """Forget the pauses of these hosts."""

    names: list[str]


@dataclass(frozen=True, slots=True)
class Ping:
    """The question whether it lives."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Finish what is in hand within so many seconds, hand the rest back, and end."""

    grace: float


# Both ways.


@dataclass(frozen=True, slots=True)
class Rest:
    """A host is left alone until then: noticed by a worker, or told to the others."""

    name: str
    failures: int
    next_at: int
    reason: str


@dataclass(frozen=True, slots=True)
class Well:
    """A host takes mail again."""

    name: str


# From a worker.


@dataclass(frozen=True, slots=True)
class Outcomes:
    """What became of copies of a parcel: those taken over, and for the others their columns.

    `fates` are the numbers of outcomes.Fate; `next_ats` counts where a copy was not tried. `said`
    is what the host answered to one of those that it took over.
    """

    number: int
    sent: list[int]
    slots: list[int]
    fates: list[int]
    codes: list[int]
    statuses: list[str]
    texts: list[str]
    next_ats: list[int]
    blames: list[bool]
    said: str = ""


@dataclass(frozen=True, slots=True)
class WantSeven:
    """The 7-bit form of a content is needed."""

    number: int


@dataclass(frozen=True, slots=True)
class Dial:
    """The question whether one more connection may be opened to this host."""

    number: int
    host: str


@dataclass(frozen=True, slots=True)
class Opened:
    """A connection that was granted stands."""

    host: str


@dataclass(frozen=True, slots=True)
class Crowded:
    """No connection was granted, and others of us have some there."""

    host: str


@dataclass(frozen=True, slots=True)
class Refused:
    """This host turned us away, and `said_so`: the question whether we are too many there.

    The answer is a Grant: that we may wait for others of us to leave.
    """

    number: int
    host: str
    said_so: bool


@dataclass(frozen=True, slots=True)
class HungUp:
    """A connection that was granted is gone, or never stood."""

    host: str


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a Ping; `cpu`: the seconds of work that it has done since it began."""

    cpu: float


@dataclass(frozen=True, slots=True)
class Line:
    """A line for the log."""

    level: str
    event: str
    values: dict[str, Any]


Message = (
    Terms | Content | Parcel | Recall | Forget | Grant | Shed | Revive | Ping | Stop | Rest | Well
    | Outcomes | WantSeven | Dial | Refused | Opened | Crowded | HungUp | Pong | Line
)  # fmt: skip

KINDS: dict[str, type[Message]] = {kind.__name__: kind for kind in Message.__args__}
_PLAIN = {
    kind: [one.name for one in fields(kind) if one.type != "bytes"] for kind in KINDS.values()
}
_RAW = {kind: [one.name for one in fields(kind) if one.type == "bytes"] for kind in KINDS.values()}


def encode(message: Message) -> bytes:
    """One frame."""
    kind = type(message)
    raws: list[bytes] = [getattr(message, name) for name in _RAW[kind]]
    values = [getattr(message, name) for name in _PLAIN[kind]]
    head = json.dumps([kind.__name__, values, [len(raw) for raw in raws]]).encode("ascii")
    return b"".join((_SIZES.pack(len(head), sum(map(len, raws))), head, *raws))


class Frames:
    """Puts together what comes in pieces, and reads each whole frame."""

    def __init__(self) -> None:
        self._pieces = bytearray()
        self._wanted = _SIZES.size

    def feed(self, data: bytes) -> list[Message]:
        """The messages that are whole now; Garbled when the stream makes no sense."""
        self._pieces += data
        found = []
        at = 0
        while len(self._pieces) - at >= self._wanted:
            head, rest = _SIZES.unpack_from(self._pieces, at)
            size = _SIZES.size + head + rest
            if size > FRAME_MAX:
                raise Garbled("a frame is too long")
            if len(self._pieces) - at < size:
                self._wanted = size
                break
            begin = at + _SIZES.size
            found.append(
                decode(
                    bytes(self._pieces[begin : begin + head]),
                    bytes(self._pieces[begin + head : at + size]),
                )
            )
            at += size
            self._wanted = _SIZES.size
        del self._pieces[:at]
        return found


def decode(head: bytes, raw: bytes) -> Message:
    """The message of a frame; Garbled when it is none."""
    try:
        name, values, sizes = json.loads(head)
        kind = KINDS[name]
        named = dict(zip(_PLAIN[kind], values, strict=True))
        named.update(zip(_RAW[kind], _parts(raw, sizes), strict=True))
        return kind(**named)
    except (ValueError, TypeError, KeyError) as exc:
        raise Garbled(f"no message: {exc}") from exc


def _parts(raw: bytes, sizes: Sequence[int]) -> list[bytes]:
    parts = []
    at = 0
    for size in sizes:
        parts.append(raw[at : at + size])
        at += size
    if at != len(raw):
        raise Garbled("its bytes are not as long as it says")
    return parts
