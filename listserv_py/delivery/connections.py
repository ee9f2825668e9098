"""How many connections there are to each host, over all our processes."""

from collections import Counter

from listserv_py.delivery.courier import CONNECTIONS_MAX

SERVER = 0
"""The number under which the server's own connections count."""


class Connections:
    """The server keeps a few for urgent mail, and all workers get the same share of a smarthost."""

    def __init__(self) -> None:
        self.limit = self.share = 1
        self._open: dict[str, Counter[int]] = {}

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
        free = free and self.total < CONNECTIONS_MAX
        if free:
            of_host[who] += 1
        return free

    def gone(self, host: str, who: int) -> None:
        """One less."""
        of_host = self._open.get(host, Counter())
        of_host[who] -= 1
        if of_host.total() <= 0:
            self._open.pop(host, None)

    def lost(self, who: int) -> None:
        """All of a process that is dead."""
        for host in list(self._open):
            del self._open[host][who]
            if not self._open[host].total():
                del self._open[host]


class Ours:
    """The server's permits."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections

    async def ask(self, host: str) -> bool:
        """See Permits."""
        return self._connections.may(host, SERVER)

    def gone(self, host: str) -> None:
        """See Permits."""
        self._connections.gone(host, SERVER)
