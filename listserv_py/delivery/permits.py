"""How many connections a process may open: so many as are within bounds, or as it is granted.

A worker asks the server, the server counts them all (connections.py); `Alone` is for one process.
"""

from collections import Counter
from typing import Protocol

CONNECTIONS_MAX = 500
"""At once to all hosts together, in all processes."""


class Permits(Protocol):
    """Says how many connections there may be."""

    async def ask(self, host: str) -> bool:
        """Whether one more may be opened; counts it if so."""

    def opened(self, host: str) -> None:
        """One that was granted stands."""

    def gone(self, host: str) -> None:
        """One that was granted is closed, or never stood."""

    def is_crowded(self, host: str) -> bool:
        """We were granted none: whether other processes have connections there.

        One of theirs is given up for us then.
        """

    async def is_too_many(self, host: str, *, said_so: bool) -> bool:
        """The host turned us away: whether our other processes are the reason, so that all is well.

        `said_so`: it answered, so it lives. One of theirs is given up for us then.
        """


class Alone:
    """The bounds where there is one process only."""

    def __init__(self) -> None:
        self.limit = 0
        self._open: Counter[str] = Counter()

    @property
    def total(self) -> int:
        """How many there are."""
        return self._open.total()

    async def ask(self, host: str) -> bool:
        """See Permits."""
        full = self._open[host] >= self.limit or self.total >= CONNECTIONS_MAX
        if not full:
            self._open[host] += 1
        return not full

    def opened(self, host: str) -> None:
        """See Permits."""

    def is_crowded(self, host: str) -> bool:
        """See Permits."""
        del host
        return False

    async def is_too_many(self, host: str, *, said_so: bool) -> bool:
        """See Permits."""
        del host, said_so
        return False

    def gone(self, host: str) -> None:
        """See Permits."""
        self._open[host] -= 1
        if not self._open[host]:
            del self._open[host]
