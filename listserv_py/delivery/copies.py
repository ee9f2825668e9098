"""Copies in hand and the batch they belong to: what goes to a lane, and what comes back.

A copy leaves a lane by exactly one `settle` of its batch. SENT is in the journal before this
returns, so a connection that settles before it writes its next final dot keeps the promise of
`journal.py`.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from listserv_py.delivery.journal import Journal
from listserv_py.delivery.replies import Reply
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.wire import Letter
from listserv_py.store.outcomes import Fate, Settled


@dataclass(slots=True, eq=False)
class Copy:
    """One copy on its way; `subscriber_id` None is a single mail.

    `sender` and `path` are what stands between the angle brackets of MAIL and RCPT. `personal` are
    the header fields that the copy has for itself, whole lines: copies that have some share no
    transaction, and `wire.wire_of` puts them in and signs, when the copy is sent. `losses` counts
    connections that broke under it before its dot, `taken` says whether its transaction has begun.
    """

    mailing_id: int
    subscriber_id: int | None
    rcpt: str
    sender: bytes
    letter: Letter
    created_at: int
    batch: Batch
    tries: int = 0
    blames: bool = False
    losses: int = 0
    taken: bool = False
    personal: bytes = b""

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


@dataclass(slots=True, eq=False)
class Batch:
    """Copies whose outcomes are recorded together, when the last of them has one."""

    patience: Patience
    clock: Callable[[], int]
    on_done: Callable[[Batch], None]
    journal: Journal
    urgent: bool = False
    open: set[Copy] = field(default_factory=set)
    settled: list[Settled] = field(default_factory=list)

    def settle(self, copy: Copy, fate: Fate, reply: Reply, *, blames: bool = False) -> None:
        """Note what became of a copy; one that can wait no longer has expired."""
        if fate is Fate.SENT:
            self.journal.note(copy.mailing_id, copy.subscriber_id)
        next_at = 0
        if fate is Fate.LATER:
            luck = random.random()  # noqa: S311 - jitter
            at = self.patience.next_attempt(copy.created_at, copy.tries + 1, self.clock(), luck)
            fate, next_at = (Fate.EXPIRED, 0) if at is None else (fate, at)
        self._close(copy, fate, reply, next_at, blames)

    def postpone(self, copy: Copy, next_at: int, reply: Reply) -> None:
        """A copy was not tried, because its host rests until then."""
        over = self.patience.is_over(copy.created_at, self.clock())
        fate = Fate.EXPIRED if over else Fate.UNTRIED
        self._close(copy, fate, reply, next_at, copy.blames)

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
