"""Collects the figures of all rooms when somebody asks for /metrics.

What only grows is counted where it happens, since the start or for ever; what waits is looked up in
the store, within bounds (`store/figures.py`).
"""

from __future__ import annotations

import resource
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from listserv_py.daemon.mailroom import House
from listserv_py.delivery.engine import Engine
from listserv_py.smtpd.limits import Census
from listserv_py.store.figures import Stored, look
from listserv_py.store.progress import Progress
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store
from listserv_py.web.listener import HttpDoor
from listserv_py.web.metrics import Figure

PAGE_SIZE = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Collection:
    """Where the values come from."""

    store: Store
    engine: Engine
    house: House
    census: Census
    web: HttpDoor

    async def __call__(self) -> list[Figure]:
        """All figures, as they are now."""
        stored = await self.store.read(_look)
        return [*self._live(), *_waiting(stored), *_grown(stored), *sending_processes()]

    def _live(self) -> list[Figure]:
        tally, house, census = self.engine.tally, self.house, self.census
        return [
            _counter("deliveries", "Copies by what became of them", "outcome", tally.outcomes),
            _counter("deferrals", "Copies put off, by status", "reason", tally.deferrals),
            Figure("copies_in_hand", "Copies on their way now", _one(self.engine.in_hand)),
            Figure("mails_taken", "Mails taken in", _one(house.taken), only_grows=True),
            Figure("mails_taken_octets", "Their size", _one(house.octets), only_grows=True),
            _gauge(
                "connections",
                "Open connections",
                "door",
                {"smtp in": census.live, "smtp out": self.engine.connections, "web": self.web.live},
            ),
            Figure(
                "connections_refused",
                "SMTP connections turned away for want of room",
                _one(census.turned_away),
                only_grows=True,
            ),
        ]


def _waiting(stored: Stored) -> list[Figure]:
    return [
        _gauge("spool_mails", "Mails that came in and wait", "state", stored.spool),
        Figure("spool_age_seconds", "Age of the oldest that is ready", _one(stored.spool_age)),
        _gauge("mailings", "Mails going out", "state", stored.mailings),
        _gauge("mailing_age_seconds", "Age of the oldest", "state", stored.mailing_age),
        _gauge("copies_waiting", "Single copies that wait", "state", stored.copies),
        Figure("copies_to_come", "Readers whom posts have not reached", _one(stored.to_come)),
        *_posts(stored.posts),
        Figure("hosts_resting", "Hosts left alone for a while", _one(stored.hosts_resting)),
        Figure("codes", "Codes that have not expired", stored.codes, labels=("kind", "state")),
    ]


def _posts(posts: Sequence[Progress]) -> list[Figure]:
    """How far each of the oldest posts has come, by its number: lists have no names here."""
    copies: dict[tuple[str, ...], float] = {
        (str(one.id), state): number
        for one in posts
        for state, number in (
            ("sent", one.sent),
            ("failed", one.failed),
            ("waiting", one.waiting),
            ("to come", one.to_come),
        )
    }
    rates: dict[tuple[str, ...], float] = {(str(one.id),): one.rate for one in posts}
    left: dict[tuple[str, ...], float] = {
        (str(one.id),): one.left for one in posts if one.left is not None
    }
    return [
        Figure("post_copies", "Copies of posts on their way", copies, labels=("post", "state")),
        Figure("post_copies_a_second", "How fast they go out", rates, labels=("post",)),
        Figure("post_seconds_left", "Until all readers are reached", left, labels=("post",)),
    ]


_MADE = {
    "spool": ("messages", "Mails ever taken in, once for each of their addresses here"),
    "mailing": ("mailings_made", "Mails ever sent out, posts and single ones"),
    "cookie": ("codes_made", "Codes ever asked for"),
    "bounce": ("bounces", "Copies ever returned or refused"),
    "subscriber": ("subscriptions_made", "Subscriptions ever made"),
}


def _grown(stored: Stored) -> list[Figure]:
    return [
        Figure(name, meaning, _one(stored.made.get(table, 0)), only_grows=True)
        for table, (name, meaning) in _MADE.items()
    ]


def _look(tx: Tx) -> Stored:
    return look(tx.db, int(time.time()))


def _one(value: float) -> dict[tuple[str, ...], float]:
    return {(): value}


def sending_processes() -> list[Figure]:
    """CPU and memory of our children, by their process ids: all of them send."""
    cpu: dict[tuple[str, ...], float] = {}
    memory: dict[tuple[str, ...], float] = {}
    for path in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            for pid in map(int, path.read_text(encoding="ascii").split()):
                pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
                # The clock of another process, as clock_getcpuclockid names it.
                cpu[(str(pid),)] = time.clock_gettime(~pid << 3 | 2)
                memory[(str(pid),)] = pages * PAGE_SIZE
    return [
        Figure("sender_cpu_seconds", "CPU of each sending process", cpu, ("pid",), only_grows=True),
        Figure("sender_resident_memory_bytes", "Memory of each sending process", memory, ("pid",)),
    ]


def _gauge(name: str, meaning: str, label: str, values: Mapping[str, int]) -> Figure:
    by_labels: dict[tuple[str, ...], float] = {(key,): value for key, value in values.items()}
    return Figure(name, meaning, by_labels, labels=(label,))


def _counter(name: str, meaning: str, label: str, values: Mapping[str, int]) -> Figure:
    by_labels: dict[tuple[str, ...], float] = {(key,): value for key, value in values.items()}
    return Figure(name, meaning, by_labels, labels=(label,), only_grows=True)
