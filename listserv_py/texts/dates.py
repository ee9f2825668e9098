"""Times and days as people read them, in UTC; the months' names are English everywhere."""

from __future__ import annotations

from datetime import datetime


def moment(when: datetime) -> str:
    """A time: `22 Nov 2026, 12:00 UTC`."""
    return f"{day(when)}, {when:%H:%M} UTC"


def day(when: datetime) -> str:
    """A day: `2 Nov 2026`."""
    return f"{when.day} {when:%b %Y}"
