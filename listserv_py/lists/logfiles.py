"""The names of a change log's files: which time `CHANGELOG-yyyy`, `-yyyymm` and the like mean.

The log is one table; a file is the part of it that a name means. Weeks are those of LISTSERV's
notebooks: A is the first seven days of a month, E what is left after four times seven. All in UTC.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from listserv_py.lists.notebooks import WEEKS, within
from listserv_py.lists.values import Rotation

CHANGELOG = "CHANGELOG"

_NAME = re.compile(r"CHANGELOG(?:-([0-9]{4})(?:([0-9]{2})([0-9]{2}|[A-E])?)?)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class LogFile:
    """A file's name, and the time whose lines it has: from `since` on, before `until`."""

    name: str
    since: datetime
    until: datetime


def read_name(name: str, rotation: Rotation, now: datetime) -> LogFile | None:
    """The file that a name in capitals means; a bare CHANGELOG is the one being written now."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    if name == CHANGELOG:
        return current(rotation, now)
    year, month, part = found.groups()
    try:
        first = datetime(int(year), int(month or 1), 1, tzinfo=UTC)
        return LogFile(name, *within(first, bool(month), part))
    except (ValueError, OverflowError):
        return None


def current(rotation: Rotation, now: datetime) -> LogFile:
    """The file that is being written now."""
    if rotation is Rotation.SINGLE:
        return LogFile(CHANGELOG, datetime.fromtimestamp(0, UTC), now + timedelta(days=1))
    suffix = {
        Rotation.YEARLY: f"{now:%Y}",
        Rotation.MONTHLY: f"{now:%Y%m}",
        Rotation.WEEKLY: f"{now:%Y%m}{WEEKS[(now.day - 1) // 7]}",
    }[rotation]
    found = read_name(f"{CHANGELOG}-{suffix}", rotation, now)
    return found or current(Rotation.SINGLE, now)
