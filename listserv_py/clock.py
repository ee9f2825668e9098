"""The time that the server goes by: the machine's, but a clock that leaps is not believed at once.

Somebody sets the date wrong for a minute, and every code has expired, every post has waited too
long, every mail sent again is new. So between two looks the time goes on by the machine's own
counter; what the date says beside it counts once it has said so for an hour. At once it counts
where it is some days ahead, as after a pause of a virtual machine, whose counter stood still; where
that is taken back; and where ours is older than this program. A leap is logged. At a start there is
nothing to compare with: what the store holds of a later time is set right by `store/setback.py`.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime

from listserv_py.maillog import get_logger

log = get_logger("daemon")

SLACK = 60.0
"""Seconds that a clock may be put right by, without a word."""
BELIEVED_AFTER = 3600.0
PAUSE_MAX = 10 * 86_400.0
"""Seconds that a machine may have stood still for."""
WRITTEN = datetime(2026, 1, 1, tzinfo=UTC).timestamp()


def _counter() -> float:
    """Seconds since the machine started, those of its sleep included."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


class SteadyClock:
    """See the module; `setbacks` counts how often it was believed that it is earlier than said."""

    def __init__(
        self, date: Callable[[], float] = time.time, counter: Callable[[], float] = _counter
    ) -> None:
        self._date, self._counter = date, counter
        self._gap = self._former = date() - counter()
        self._leap: tuple[float, float] | None = None
        """The gap that the date claims, and since when."""
        self.setbacks = 0

    def __call__(self) -> float:
        """Seconds since 1970."""
        count = self._counter()
        gap = self._date() - count
        if abs(gap - self._gap) <= SLACK:
            self._gap, self._leap = gap, None
        else:
            self._wonder(gap, count)
        return count + self._gap

    def now(self) -> datetime:
        """The same, as most rooms want it."""
        return datetime.fromtimestamp(self(), UTC)

    @property
    def is_astray(self) -> bool:
        """Whether the date says otherwise."""
        return self._leap is not None

    def _wonder(self, gap: float, count: float) -> None:
        leap = self._leap
        if leap is None or abs(gap - leap[0]) > SLACK:
            log.warning("clock.leapt", seconds=round(gap - self._gap))
            leap = self._leap = (gap, count)
        if count - leap[1] >= BELIEVED_AFTER or self._is_likely(gap, count):
            log.warning("clock.believed", seconds=round(gap - self._gap))
            self.setbacks += gap < self._gap
            self._former, self._gap, self._leap = self._gap, gap, None

    def _is_likely(self, gap: float, count: float) -> bool:
        is_pause = 0 < gap - self._gap <= PAUSE_MAX
        is_taken_back = abs(gap - self._former) <= SLACK
        return is_pause or is_taken_back or count + self._gap < WRITTEN
