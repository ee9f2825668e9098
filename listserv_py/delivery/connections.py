"""How many connections there are to each host, over all our processes."""

from collections import Counter
from collections.abc import Callable

from listserv_py.delivery.permits import CONNECTIONS_MAX

SERVER = 0
"""The number under which the server's own connections count."""
KEPT_IN_ALL = 50
"""How many of all connections are the server's alone."""


class Connections:
    """The server keeps a few for urgent mail, and all workers get the same share of a smarthost."""

    def __init__(self) -> None:
        self.limit = self.share = self.workers = 1
        self._open: dict[str, Counter[int]] = {}
        self._stand: dict[str, Counter[int]] = {}

    @property
    def kept(self) -> int:
        """How many of a host's are the server's alone."""
        return 0 if self.limit < 2 else 1 if self.limit < 10 else 2

    @property
    def total(self) -> int:
        """How many there are, of all processes."""
        return sum(one.total() for one in self._open.values())

    def may(self, host: str, who: int) -> bool:
        """Whether one more is within bounds; counts it if so."""
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
        return free

    def gone(self, host: str, who: int) -> None:
        """One less."""
        of_host, stand = self._open.get(host, Counter()), self._stand.get(host, Counter())
        of_host[who] -= 1
        stand[who] = min(stand[who], of_host[who])
        if of_host.total() <= 0:
            self._open.pop(host, None)
            self._stand.pop(host, None)

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

    def lost(self, who: int) -> None:
        """All of a process that is dead."""
        for host in list(self._open):
            del self._open[host][who]
            del self._stand.get(host, Counter())[who]
            if not self._open[host].total():
                del self._open[host]


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
