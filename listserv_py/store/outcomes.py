"""What can become of a copy, and how a page of outcomes is packed into one ledger row.

Packed: for each copy, in the order of subscriber ids, a varint of (distance to the id before) * 8 +
fate: about a byte a copy. The numbers of `Fate` lie in ledgers and journals: they never change.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

ON_ITS_WAY = "on its way, no reply yet"
"""What the row of a copy says that is past its dot while the rest of its page is recorded."""


class Fate(IntEnum):
    """What became of a copy."""

    SENT = 1
    """The other side took it over."""
    LATER = 2
    """Tried, and put off, or nobody knows: it is tried again."""
    UNTRIED = 3
    """Its host rests; the copy itself was not tried."""
    REFUSED = 4
    """The recipient was refused for good."""
    REJECTED = 5
    """The mail was refused for good; no recipient is to blame."""
    EXPIRED = 6
    """It waited longer than `max_message_age`."""
    GONE = 7
    """The person unsubscribed before the copy's turn came."""
    HELD = 8
    """It is set aside until the operator retries or drops it. In no ledger: it is not over."""

    @property
    def is_final(self) -> bool:
        """Whether nothing more will happen to the copy."""
        return self not in (Fate.LATER, Fate.UNTRIED, Fate.HELD)

    @property
    def is_failure(self) -> bool:
        """Whether a bounce record is kept of it."""
        return self in (Fate.REFUSED, Fate.REJECTED, Fate.EXPIRED)


class Settled(NamedTuple):
    """What became of one copy, as the store is told.

    `subscriber_id` None: a single mail. `next_at` counts only where the copy goes on waiting;
    `blames` says that the recipient's own host spoke about this recipient.
    """

    mailing_id: int
    subscriber_id: int | None
    rcpt: str
    fate: Fate
    code: int = 0
    status: str = ""
    text: str = ""
    next_at: int = 0
    blames: bool = False

    @property
    def reply(self) -> str:
        """What was said, as it is kept."""
        return f"{self.code or ''} {self.status} {self.text}".strip()[:500]


@dataclass(frozen=True, slots=True)
class RestingHost:
    """A domain (or the smarthost) whose hosts are left alone until `next_at`."""

    name: str
    failures: int
    next_at: int
    reason: str


def pack(outcomes: Iterable[tuple[int, Fate]]) -> bytes:
    """Pack (subscriber id, fate), ids rising; `unpack` is the twin."""
    packed = bytearray()
    before = 0
    for subscriber_id, fate in outcomes:
        number = (subscriber_id - before) << 3 | fate
        before = subscriber_id
        while number > 127:
            packed.append(number & 127 | 128)
            number >>= 7
        packed.append(number)
    return bytes(packed)


def unpack(packed: bytes) -> Iterator[tuple[int, Fate]]:
    """Read what `pack` wrote."""
    number = shift = subscriber_id = 0
    for byte in packed:
        number |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            subscriber_id += number >> 3
            yield subscriber_id, Fate(number & 7)
            number = shift = 0
