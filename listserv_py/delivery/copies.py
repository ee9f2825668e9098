"""Copies in hand and the batch they belong to: what goes to a lane, and what comes back.

A copy leaves a lane by exactly one `settle` or `postpone` of its home. SENT is in the journal
before this returns, so a connection that settles before it writes its next final dot keeps the
promise of `journal.py`. The home is a `Batch`, or in a worker what it was given of one.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

from listserv_py.delivery.form import Caps, Form
from listserv_py.delivery.journal import SENT, WAITING, Section
from listserv_py.delivery.replies import Reply
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.sign import Signers
from listserv_py.store.outcomes import Fate, Settled

SUSPECT, GUILTY = 2, 3
"""Workers that died while a copy was sent, after which it is put off, and is set aside."""
DIED = "sending processes died while it was sent"

_made = Settled._make
_SENT = Settled(0, 0, "", Fate.SENT)[3:]


class AnyLetter(Protocol):
    """One variant of one mailing, as lanes need it: made here, or sent to us."""

    @property
    def signers(self) -> Signers:
        """Who signs copies that have header fields of their own."""

    def form(self, caps: Caps) -> Form | None:
        """The form for such a host; None: its 7-bit form must be made first."""

    async def want_seven(self) -> None:
        """Have it made."""


class Home(Protocol):
    """Where a copy's outcome is told."""

    @property
    def urgent(self) -> bool:
        """Whether its copies go before all others."""

    @property
    def open(self) -> Collection[Copy]:
        """Those without an outcome."""

    def mark(self, copy: Copy, state: int) -> None:
        """Note in the journal how far a copy has come."""

    def state(self, copy: Copy) -> int:
        """How far it has come."""

    def settle(self, copy: Copy, fate: Fate, reply: Reply, *, blames: bool = False) -> None:
        """Note what became of a copy."""

    def postpone(self, copy: Copy, next_at: int, reply: Reply) -> None:
        """A copy was not tried, because its host rests until then."""


@dataclass(slots=True, eq=False)
class Copy:
    """One copy on its way; `subscriber_id` None is a single mail.

    `sender` and `path` are what stands between the angle brackets of MAIL and RCPT. `personal` are
    the header fields that the copy has for itself, whole lines: copies that have some share no
    transaction, and `wire.wire_of` puts them in and signs, when the copy is sent. `losses` counts
    connections that broke under it before its dot, `slot` is its place in the journal, `deaths`
    counts the workers that died while they sent it.
    """

    mailing_id: int
    subscriber_id: int | None
    rcpt: str
    sender: bytes
    letter: AnyLetter
    created_at: int
    batch: Home
    personal: bytes = b""
    slot: int = 0
    tries: int = 0
    blames: bool = False
    losses: int = 0
    deaths: int = 0

    @property
    def path(self) -> bytes:
        """The address as RCPT has it."""
        return self.rcpt.encode("utf-8")

    @property
    def needs_utf8(self) -> bool:
        """Whether the envelope itself is not ASCII (RFC 6531)."""
        return not (self.rcpt.isascii() and self.sender.isascii())

    @property
    def domain(self) -> str:
        """Where it goes."""
        return self.rcpt.rpartition("@")[2].lower()

    @property
    def waits(self) -> bool:
        """Whether its transaction has not begun, wherever it is."""
        return self in self.batch.open and self.batch.state(self) == WAITING


@dataclass(slots=True, eq=False)
class Batch:
    """Copies whose outcomes are recorded together, when the last of them has one.

    `journal` is their section of it.
    """

    patience: Patience
    clock: Callable[[], int]
    on_done: Callable[[Batch], None]
    journal: Section
    urgent: bool = False
    open: set[Copy] = field(default_factory=set)
    settled: list[Settled] = field(default_factory=list)

    def enter(self, copies: Collection[Copy]) -> None:
        """These are its copies; they get their places in the journal."""
        slots = self.journal.enter([(copy.mailing_id, copy.subscriber_id) for copy in copies])
        for slot, copy in zip(slots, copies, strict=True):
            copy.slot = slot
        self.open.update(copies)

    def mark(self, copy: Copy, state: int) -> None:
        """See Home."""
        self.journal.mark(copy.slot, state)

    def state(self, copy: Copy) -> int:
        """See Home."""
        return self.journal.state(copy.slot)

    def settle(
        self, copy: Copy, fate: Fate, reply: Reply, *, blames: bool = False, behind: int = 0
    ) -> None:
        """Note what became of a copy; one that can wait no longer has expired.

        `behind`: seconds more that it waits, so as to go behind others.
        """
        if fate is Fate.SENT:
            self.journal.mark(copy.slot, SENT)
        next_at = 0
        if fate is Fate.LATER:
            luck = random.random()  # noqa: S311 - jitter
            at = self.patience.next_attempt(copy.created_at, copy.tries + 1, self.clock(), luck)
            fate, next_at = (Fate.EXPIRED, 0) if at is None else (fate, at + behind)
        self._close(copy, fate, reply, next_at, blames)

    def postpone(self, copy: Copy, next_at: int, reply: Reply) -> None:
        """A copy was not tried, because its host rests until then."""
        over = self.patience.is_over(copy.created_at, self.clock())
        fate = Fate.EXPIRED if over else Fate.UNTRIED
        self._close(copy, fate, reply, next_at, copy.blames)

    def sent(self, copies: Collection[Copy], said: str = "") -> None:
        """These were taken over, and the journal says so already; `said` was the answer to one."""
        # As `Settled(…)` would make them, in a third of the time.
        self.settled += [
            _made((copy.mailing_id, copy.subscriber_id, copy.rcpt, *_SENT)) for copy in copies
        ]
        if said and copies:
            self.settled[-1] = self.settled[-1]._replace(text=said)
        self.open.difference_update(copies)
        if not self.open:
            self.on_done(self)

    def _close(self, copy: Copy, fate: Fate, reply: Reply, next_at: int, blames: bool) -> None:
        self.open.discard(copy)
        code, status, text = reply.code, reply.status, reply.text
        if fate is Fate.EXPIRED and not status.startswith("4.4.7"):
            text = f"not delivered in time; last: {reply}"
            code, status = 0, "4.4.7"
        self.settled.append(
            Settled(
                copy.mailing_id, copy.subscriber_id, copy.rcpt, fate,
                code, status, text, next_at, blames,
            )
        )  # fmt: skip
        if not self.open:
            self.on_done(self)


def recall(copy: Copy, fate: Fate, reply: Reply, next_at: int) -> None:
    """Keep a copy from being sent whose turn has not come."""
    if not copy.waits:
        return
    if fate is Fate.UNTRIED:
        copy.batch.postpone(copy, next_at, reply)
    else:
        copy.batch.settle(copy, fate, reply)
