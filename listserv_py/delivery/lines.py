"""Lanes that wait for a place: each host has so many connections, and all hosts together.

Who waits longest is next; nobody opens one more to a host while another lane waits for its place
there. Who has most gives one up, an idle one first. Where all have one only, one of them changes
hands each second, and at once for an urgent mail.
"""

import random
from collections.abc import Collection, Mapping

from listserv_py.delivery.lane import Lane
from listserv_py.delivery.permits import Permits


class Lines:
    """Of one process; `lanes` are all its lanes by name."""

    def __init__(self, lanes: Mapping[str, Lane], permits: Permits) -> None:
        self._lanes, self._permits = lanes, permits
        self._waiting: dict[str, dict[str, None]] = {}

    async def ask(self, lane: Lane, host: str) -> bool:
        """Whether this lane may open one more connection; if not it stands in line."""
        line = self._waiting.get(host, {})
        if next(iter(line), lane.name) == lane.name and await self._permits.ask(host):
            self._leave(lane.name)
            return True
        self._waiting.setdefault(host, {})[lane.name] = None
        self._make_room(lane, host)
        return False

    def has_room(self, host: str) -> None:
        """A connection to the host is gone: the next may ask."""
        if not self._call(host):
            # It may have been the number of all connections that somebody waited for.
            any(self._call(other) for other in list(self._waiting))

    def tick(self) -> None:
        """Once a second: places change hands."""
        for host in list(self._waiting):
            self._call(host)
            first = self._lanes.get(next(iter(self._waiting.get(host, {})), ""))
            if first is not None and not first.count():
                _shed_of(*self._rivals(first, host))

    def _call(self, host: str) -> bool:
        """Have the first of a line ask once more; whether there is one."""
        line = self._waiting.get(host, {})
        for name in list(line):
            lane = self._lanes.get(name)
            if lane is not None and lane.seek():
                return True
            line.pop(name, None)
        self._waiting.pop(host, None)
        return False

    def _leave(self, name: str) -> None:
        for host, line in list(self._waiting.items()):
            line.pop(name, None)
            if not line:
                del self._waiting[host]

    def _make_room(self, lane: Lane, host: str) -> None:
        """One of those who have more than this lane gives one up."""
        rivals, where = self._rivals(lane, host)
        if any(rival.leave_idle(where) for rival in rivals):
            return
        most = max((rival.count(where) for rival in rivals), default=0)
        if most > lane.count(where) + 1 or (not lane.count() and lane.is_urgent):
            _shed_of(rivals, where)

    def _rivals(self, lane: Lane, host: str) -> tuple[list[Lane], str]:
        """Who has what this lane waits for: a place at the host, or "": one of all."""
        others = [one for one in self._lanes.values() if one is not lane and one.count()]
        there = [one for one in others if one.count(host)]
        if there or lane.count() or self._permits.is_crowded(host):
            return there, host
        return others, ""


def _shed_of(rivals: Collection[Lane], where: str) -> None:
    """Who has most gives one up; the last one not while small mails of its own wait for it."""
    willing = [one for one in rivals if not one.is_urgent or one.count() > 1]
    most = max((one.count(where) for one in willing), default=0)
    found = [one for one in willing if one.count(where) == most]
    if found:
        random.choice(found).shed(where)  # noqa: S311 - only who of equals
