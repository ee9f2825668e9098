"""How many of the workers a smarthost's posts go to: one, until that one has no time left.

Two that share what one can do wake up twice as often for half as much, which is a sixth more CPU a
copy. A worker that is not needed keeps a connection's place, so that it can begin at once.
"""

from collections.abc import Sequence

FULL = 0.8
"""The part of a core from which on a worker is a bottleneck."""
SPARE = 0.6
"""Of what they could do with one less: below that there is one less."""


class Needed:
    """`many` of `workers` are in use."""

    def __init__(self) -> None:
        self.workers = self.many = 1

    def limit(self, workers: int, *, all_at_once: bool) -> None:
        """There are so many from now on."""
        self.workers = max(workers, 1)
        self.many = self.workers if all_at_once else min(self.many, self.workers)

    def share(self, connections: int) -> int:
        """How many of the workers' connections one may have."""
        return -(-(connections - self.workers + self.many) // self.many)

    def look(self, busy: Sequence[float]) -> bool:
        """Once a second, the part of a core that each in use had; whether `many` is another now."""
        before = self.many
        if busy and min(busy) >= FULL and len(busy) == self.many:
            self.many = min(self.many + 1, self.workers)
        elif self.many > 1 and sum(busy) < SPARE * (self.many - 1):
            self.many -= 1
        return self.many != before
