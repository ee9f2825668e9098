"""What a worker was given: rendered variants, and copies that it tells the outcomes of.

To its lanes these look like the letters and batches of the server.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from mmap import mmap

from listserv_py.delivery import messages
from listserv_py.delivery.copies import Copy
from listserv_py.delivery.form import Caps, Form
from listserv_py.delivery.journal import SENT as TAKEN
from listserv_py.delivery.replies import Reply
from listserv_py.delivery.sign import Signers
from listserv_py.store.outcomes import Fate


class Received:
    """A variant that was sent to us."""

    __slots__ = ("_ask", "main", "seven", "seven_is_here", "signers")

    def __init__(self, main: Form, signers: Signers, ask: Callable[[], None]) -> None:
        self.main, self.signers, self._ask = main, signers, ask
        self.seven: Form | None = None
        self.seven_is_here = asyncio.Event()

    def form(self, caps: Caps) -> Form | None:
        """See wire.Letter."""
        main = self.main
        if not main.eight_bit or (caps.eight_bit and (caps.utf8 or not main.utf8_head)):
            return main
        return self.seven

    async def want_seven(self) -> None:
        """Have the server make it."""
        self._ask()
        await self.seven_is_here.wait()


class Given:
    """What we were given of a batch; the Home of its copies. `marks` is its journal."""

    __slots__ = ("_marks", "_said", "_tell", "number", "open", "others", "sent", "urgent")

    def __init__(self, number: int, marks: mmap, tell: Callable[[Given], None]) -> None:
        self.number, self._marks, self._tell = number, marks, tell
        self.urgent = False
        self.open: set[Copy] = set()
        self.sent: list[int] = []
        self._said: Reply | str = ""
        self.others: list[tuple[int, Fate, int, str, str, int, bool]] = []

    def mark(self, copy: Copy, state: int) -> None:
        """See Home."""
        self._marks[copy.slot] = state

    def state(self, copy: Copy) -> int:
        """See Home."""
        return self._marks[copy.slot]

    def settle(self, copy: Copy, fate: Fate, reply: Reply, *, blames: bool = False) -> None:
        """See Home."""
        if fate is Fate.SENT:
            self._marks[copy.slot] = TAKEN
            self.sent.append(copy.slot)
            self._said = reply
        else:
            self._other(copy, fate, reply, 0, blames)
        self.open.discard(copy)
        self._tell(self)

    def postpone(self, copy: Copy, next_at: int, reply: Reply) -> None:
        """See Home."""
        self._other(copy, Fate.UNTRIED, reply, next_at, False)
        self.open.discard(copy)
        self._tell(self)

    def report(self) -> messages.Outcomes:
        """What was not told yet."""
        slots, fates, codes, statuses, texts, next_ats, blames = (
            list(column) for column in (zip(*self.others, strict=True) if self.others else [()] * 7)
        )
        told = messages.Outcomes(
            self.number, self.sent, slots, [int(one) for one in fates], codes, statuses, texts,
            next_ats, blames, str(self._said),
        )  # fmt: skip
        self.sent, self.others, self._said = [], [], ""
        return told

    def _other(self, copy: Copy, fate: Fate, reply: Reply, next_at: int, blames: bool) -> None:
        row = (copy.slot, fate, reply.code, reply.status, reply.text, next_at, blames)
        self.others.append(row)


def copies_of(parcel: messages.Parcel, given: Given, contents: dict[int, Received]) -> list[Copy]:
    """The copies of a parcel."""
    personal = _personal(parcel)
    rcpts, senders = parcel.rcpts.decode().split("\n"), parcel.senders.split(b"\n")
    return [
        Copy(0, None, rcpt, sender, contents[content], 0, given, own_, slot)
        for slot, rcpt, sender, content, own_ in zip(
            parcel.slots, rcpts, senders, parcel.contents, personal, strict=True
        )
    ]


def _personal(parcel: messages.Parcel) -> list[bytes]:
    if not parcel.personal:
        return [b""] * len(parcel.slots)
    at = 0
    found = []
    for size in parcel.personal:
        found.append(parcel.fields[at : at + size])
        at += size
    return found
