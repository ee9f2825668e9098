"""How many connections there are to each host, over all our processes."""

import time
from collections import Counter
from collections.abc import Callable

from listserv_py.delivery.permits import CONNECTIONS_MAX

SERVER = 0
"""The number under which the server's own connections count."""
KEPT_IN_ALL = 50
"""How many of all connections are the server's alone."""

LEFT = 2.0
"""Seconds for which a host may count a connection that has ended."""
DIALLED = 5.0
"""Seconds after one stood in which another's attempt may be what we are refused for."""
FOR_A_WORKER = 1.0
"""Seconds that a small mail waits for what a worker finds out about a host."""


class Connections:
    """The server keeps a few for urgent mail, and all workers get the same share of a smarthost."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ends: dict[str, dict[int, float]] = {}
        self.limit = self.share = self.workers = 1
        self._open: dict[str, Counter[int]] = {}
        self._stand: dict[str, Counter[int]] = {}
        self._granted: dict[str, float] = {}

    @property
    def kept(self) -> int:
        """How many of a host's are the server's alone."""
        return 0 if self.limit < 2 else 1 if self.limit < 10 else 2

    @property
    def total(self) -> int:
        """How many there are, of all processes."""
        return sum(one.total() for one in self._open.values())

    def may(self, host: str, who: int) -> bool:
        """Whether one more is within bounds; counts it if so.

        Nobody dials a host that another process dials, until one stands: a host that is dead is
        found so by one.
        """
        if self.is_dialled(host, who):
            return False
        of_host = self._open.setdefault(host, Counter())
        workers = of_host.total() - of_host[SERVER]
        free = of_host.total() < self.limit
        if who != SERVER:
            free = free and workers < self.limit - self.kept and of_host[who] < self.share
            in_all = sum(one[who] for one in self._open.values())
            free = free and in_all < (CONNECTIONS_MAX - KEPT_IN_ALL) // self.workers
        free = free and self.total < CONNECTIONS_MAX
        if free:
            of_host[who] += 1
            self._granted[host] = self._clock()
        return free

    def is_dialled(self, host: str, who: int) -> bool:
        """Whether others open a connection to a host, and nobody has any yet.

        The server has small mails, and waits for a worker a moment only: it may hang.
        """
        of_host = self._open.get(host, Counter())
        stand = self._stand.get(host, Counter())
        if of_host.total() <= of_host[who] or stand.total() > 0:
            return False
        return who != SERVER or self._clock() - self._granted[host] < FOR_A_WORKER

    def gone(self, host: str, who: int) -> None:
        """One less."""
        of_host, stand = self._open.get(host, Counter()), self._stand.get(host, Counter())
        of_host[who] -= 1
        if stand[who] > of_host[who]:
            stand[who] = of_host[who]
            self._note_end(host, who)
        if of_host.total() <= 0:
            self._forget(host)

    def _forget(self, host: str) -> None:
        for table in (self._open, self._stand, self._granted):
            table.pop(host, None)

    def too_many(self, who: int) -> list[str]:
        """The hosts to which a process has more than its share, each so often as it must close."""
        return [
            host for host, open_now in self._open.items() for _ in range(self.share, open_now[who])
        ]

    def opened(self, host: str, who: int) -> None:
        """One that was counted stands."""
        self._stand.setdefault(host, Counter())[who] += 1

    def elsewhere(self, host: str, who: int) -> int | None:
        """Who else has most connections that stand; None: nobody has any."""
        others = self._stand.get(host, Counter()).copy()
        del others[who]
        return max(others, key=lambda one: others[one]) if others.total() > 0 else None

    def was_there(self, host: str, who: int) -> bool:
        """Whether somebody else had one that stood a moment ago: the host may still count it.

        Or dials as well, and so soon after one stood is not the proof that nobody is wanted.
        """
        now, ends = self._clock(), self._ends.get(host, {})
        others = self._open.get(host, Counter()).total() - self._open.get(host, Counter())[who]
        left = any(now - at < LEFT for one, at in ends.items() if one != who)
        return left or (others > 0 and any(now - at < DIALLED for at in ends.values()))

    def _note_end(self, host: str, who: int) -> None:
        now = self._clock()
        if len(self._ends) > CONNECTIONS_MAX:
            self._ends = {
                one: ends
                for one, ends in self._ends.items()
                if now - max(ends.values()) < max(LEFT, DIALLED)
            }
        self._ends.setdefault(host, {})[who] = now

    def lost(self, who: int) -> None:
        """All of a process that is dead."""
        for host in list(self._open):
            del self._open[host][who]
            stand = self._stand.get(host, Counter())
            if stand[who]:
                self._note_end(host, who)
            del stand[who]
            if not self._open[host].total():
                self._forget(host)


class Ours:
    """The server's permits."""

    def __init__(self, connections: Connections, crowded: Callable[[str, int], bool]) -> None:
        """`crowded(host, who)` has somebody else give up a connection; whether anybody has."""
        self._connections, self._crowded = connections, crowded

    async def ask(self, host: str) -> bool:
        """See Permits."""
        return self._connections.may(host, SERVER)

    def opened(self, host: str) -> None:
        """See Permits."""
        self._connections.opened(host, SERVER)

    def gone(self, host: str) -> None:
        """See Permits."""
        self._connections.gone(host, SERVER)

    def is_crowded(self, host: str) -> bool:
        """See Permits."""
        return self._crowded(host, SERVER)

    async def is_too_many(self, host: str, *, said_so: bool) -> bool:
        """See Permits."""
        crowded = self._crowded(host, SERVER)
        return crowded or (said_so and self._connections.was_there(host, SERVER))
