"""The names of an archive's files: which posts LOG2611, LOG2611B or 26-00042 mean.

The archive is one table; a file is the part of it that a name means, so any of these names serves,
whatever interval the list has chosen for its index. Times are UTC; week A is the first seven days
of a month, E what is left after four times seven.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from listserv_py.lists.values import Interval

NOTEBOOK = "NOTEBOOK"
CENTURY = 70
"""From this year on two digits mean the last century."""

_LOG = re.compile(r"LOG([0-9]{2})(?:([0-9]{2})([0-9]{2}|[A-E])?)?", re.ASCII)
_ONE = re.compile(r"[0-9]{2}-([0-9]{5,9})", re.ASCII)
WEEKS = "ABCDE"
_EPOCH = datetime.fromtimestamp(0, UTC)
_END = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Span:
    """The posts of a file: from `since` on, before `until`; or with `number` that one alone."""

    name: str
    since: datetime = _EPOCH
    until: datetime = _END
    number: int | None = None


def read_name(name: str) -> Span | None:
    """The posts that a file's name in capitals means, or None when it is no such name."""
    if name == NOTEBOOK:
        return Span(name)
    one = _ONE.fullmatch(name)
    if one:
        return Span(name, number=int(one[1]))
    found = _LOG.fullmatch(name)
    if found is None:
        return None
    year, month, part = found.groups()
    century = 1900 if int(year) >= CENTURY else 2000
    try:
        first = datetime(century + int(year), int(month or 1), 1, tzinfo=UTC)
        return Span(name, *within(first, bool(month), part))
    except ValueError:
        return None


def name_of(interval: Interval, when: datetime, number: int = 0) -> str:
    """The file in which a post of that time stands; `read_name` is the twin."""
    return {
        Interval.SINGLE: NOTEBOOK,
        Interval.YEARLY: f"LOG{when:%y}",
        Interval.MONTHLY: f"LOG{when:%y%m}",
        Interval.WEEKLY: f"LOG{when:%y%m}{WEEKS[(when.day - 1) // 7]}",
        Interval.DAILY: f"LOG{when:%y%m%d}",
        Interval.SEPARATE: f"{when:%y}-{number:05}",
    }[interval]


def within(first: datetime, has_month: bool, part: str | None) -> tuple[datetime, datetime]:
    """From when to when a year, a month, or a week (`A`) or day (`07`) of one lasts."""
    if not has_month:
        return first, first.replace(year=first.year + 1)
    end = (first + timedelta(days=31)).replace(day=1)
    if part is None:
        return first, end
    if part in WEEKS:
        since = first + timedelta(days=7 * WEEKS.index(part))
        return since, max(since, min(end, since + timedelta(days=7)))
    since = first.replace(day=int(part))
    return since, since + timedelta(days=1)
