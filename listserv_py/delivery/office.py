"""What a lane needs of its courier.

Its values are read each time they are needed, as settings may change.
"""

from collections.abc import Callable
from typing import Protocol

from listserv_py.delivery.client import Dialer, Timeouts
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.route import Host, Router
from listserv_py.store.outcomes import RestingHost


class Office(Protocol):
    """See the module."""

    router: Router
    dialer: Dialer
    timeouts: Timeouts
    patience: Patience
    limit: int
    rate: float
    clock: Callable[[], int]

    async def may_dial(self, host: Host, lane: str) -> bool:
        """Whether one more connection to the host is within bounds; counts it if so.

        If not, the lane is asked to `seek` when there is room.
        """

    def opened(self, host: Host) -> None:
        """A connection to the host stands."""

    def hung_up(self, host: Host) -> None:
        """A connection to the host is gone, or never stood."""

    async def is_too_many(self, host: Host, *, said_so: bool) -> bool:
        """Whether it refused us (in so many words) because our other processes are there."""

    def rests(self, host: RestingHost) -> None:
        """The lane failed: to be kept, so that a restart does not dial at once."""

    def is_well(self, name: str) -> None:
        """The lane takes mail again."""
