"""How fast the copies of posts may begin in a lane, where there is a rate (`[delivery] rate`).

The rate is copies a minute, 0 where there is none, and may change at any time. Who finds no room
in the lane of a slow domain gets a time of his own, and leaves the room to other domains' copies.
"""

import asyncio
from collections import deque
from collections.abc import Callable

from listserv_py.delivery.copies import Copy
from listserv_py.delivery.office import Office
from listserv_py.delivery.replies import own

BURST = 1.0
"""Seconds whose copies may begin at once after a pause."""
AHEAD = 4.0
"""Seconds whose copies may wait in a lane: not so many that they are taken for stuck."""
FEW = 100
"""So many copies of a post at a time, as its first page has, go before whole pages."""


class Pace:
    """Of one lane; `wake` is called when copies may begin that had to wait."""

    def __init__(self, office: Office, wake: Callable[[], None]) -> None:
        self._office, self._wake = office, wake
        self._loop = asyncio.get_running_loop()
        self._next = 0.0
        self._last_slot = 0.0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to remember."""
        return not self._wait() and self._last_slot <= self._office.clock()

    def ready(self, many: int) -> int:
        """How many of so many copies may begin now, or very soon."""
        rate = self._office.rate
        if not rate or not many:
            return many
        return 0 if self._wait() else min(many, self._room(rate))

    def spend(self, many: int) -> None:
        """So many begin."""
        rate = self._office.rate
        if rate:
            self._next = max(self._next, self._loop.time() - BURST) + many * 60 / rate

    def wake_later(self) -> None:
        """Wake the lane when it is time."""
        if self._alarm is None:
            self._alarm = self._loop.call_later(self._wait(), self._woken)

    def thin_out(self, waiting: deque[Copy]) -> None:
        """Put off what cannot go out in some seconds, each copy to its own time."""
        rate = self._office.rate
        if not rate or self._office.router.has_relay:
            return
        late = [waiting.pop() for _ in range(len(waiting) - self._room(rate))]
        why = own("4.4.5", f"its domain gets no more than {rate:g} copies a minute")
        for copy in reversed(late):
            if copy in copy.batch.open:
                copy.batch.postpone(copy, self._slot(rate), why)

    def _slot(self, rate: float) -> int:
        first = self._office.clock() + self._wait() + self._room(rate) * 60 / rate
        self._last_slot = max(self._last_slot + 60 / rate, first)
        return int(self._last_slot)

    def _wait(self) -> float:
        return max(self._next - self._loop.time(), 0.0)

    def _room(self, rate: float) -> int:
        return max(int(rate * AHEAD / 60), 1)

    def _woken(self) -> None:
        self._alarm = None
        self._wake()
