"""When digests are due: `Digest=` of a list, and the hour that a subscriber chose for himself.

Times are walls' times in a zone. Each date has its hour exactly once: where the clocks go forward
over it, it is as much later; where they go back and it comes twice, it is the first one.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from listserv_py.lists.values import Digest, Frequency

_TIME = re.compile(r"([0-9]{1,2}):([0-9]{2})", re.ASCII)
_YEAR_AHEAD = 368


@dataclass(frozen=True, slots=True)
class OwnHour:
    """When a subscriber wants his digests; `zone` "" is the site's."""

    hour: int
    minute: int
    zone: str = ""

    def __str__(self) -> str:
        return f"{self.hour:02}:{self.minute:02} {self.zone}".rstrip()


def next_issue(rule: Digest, zone: str, after: datetime) -> datetime:
    """When the next issue of a list is due, later than `after`."""
    clock = time(rule.hour, rule.minute)
    days = (day for day in _days(after, zone) if _is_on(rule, day))
    return _first(days, clock, zone, after)


def next_own(at: OwnHour, zone: str, after: datetime) -> datetime:
    """When a subscriber's own digest is due; `zone` is the site's."""
    zone = at.zone or zone
    return _first(_days(after, zone), time(at.hour, at.minute), zone, after)


def next_day(zone: str, after: datetime) -> datetime:
    """When the next day begins in a zone."""
    return _first(_days(after, zone), time(0), zone, after)


def begin_of(day: date, zone: str) -> datetime:
    """When a date begins in a zone."""
    return datetime.combine(day, time(0), ZoneInfo(zone)).astimezone(UTC)


def read_hour(text: str) -> tuple[int, int] | None:
    """`7:30` as hour and minute; None when it is no time of day."""
    found = _TIME.fullmatch(text)
    if found is None or int(found[1]) > 23 or int(found[2]) > 59:
        return None
    return int(found[1]), int(found[2])


@lru_cache(maxsize=1)
def _zones() -> dict[str, str]:
    return {name.upper(): name for name in available_timezones()}


def find_zone(text: str) -> str | None:
    """The zone of that name in any case, as it is written; None when there is none."""
    return _zones().get(text.upper())


def _days(after: datetime, zone: str) -> Iterator[date]:
    first = after.astimezone(ZoneInfo(zone)).date() - timedelta(days=1)
    return (first + timedelta(days=n) for n in range(_YEAR_AHEAD))


def _first(days: Iterator[date], clock: time, zone: str, after: datetime) -> datetime:
    # fold=0: of two the first; one that is skipped is read by the offset before it (PEP 495).
    moments = (datetime.combine(day, clock, ZoneInfo(zone)).astimezone(UTC) for day in days)
    return next(one for one in moments if one > after)


def _is_on(rule: Digest, day: date) -> bool:
    if rule.frequency is Frequency.DAILY:
        return True
    if rule.frequency is Frequency.WEEKLY:
        return day.weekday() == rule.weekday
    last = monthrange(day.year, day.month)[1]
    wanted = min(rule.day, last)
    return day.day == wanted and (rule.frequency is Frequency.MONTHLY or day.month == 1)
