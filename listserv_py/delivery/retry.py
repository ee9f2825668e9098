"""When a copy, or a host, is tried again (RFC 5321 4.5.4.1).

Pure: the dice are thrown by the caller and come in as `luck`, from 0 up to 1.
"""

from collections.abc import Sequence
from dataclasses import dataclass

JITTER = 0.2


@dataclass(frozen=True, slots=True)
class Patience:
    """The pauses between attempts and how long a mail may wait in all, in seconds."""

    pauses: Sequence[float]
    longest: float

    @property
    def longest_pause(self) -> int:
        """No pause is longer."""
        return round(max(self.pauses) * (1 + JITTER)) + 1

    def pause(self, failures: int, luck: float) -> int:
        """The seconds to wait after the `failures`-th failure in a row; the last pause repeats."""
        base = self.pauses[min(max(failures, 1), len(self.pauses)) - 1]
        return max(1, round(base * (1 - JITTER + 2 * JITTER * luck)))

    def next_attempt(self, created_at: int, failures: int, now: int, luck: float) -> int | None:
        """When to try a mail again, or None: its time is over.

        The last attempt falls on the very end of its time, not somewhere before it.
        """
        end = created_at + round(self.longest)
        return None if now >= end else min(now + self.pause(failures, luck), end)

    def is_over(self, created_at: int, now: int) -> bool:
        """Whether a mail that still waits has waited too long."""
        return now >= created_at + round(self.longest)
