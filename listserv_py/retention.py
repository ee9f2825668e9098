"""The settings of how long what is kept.

What they rule stands in `store/lifetimes.py`, beside what has a lifetime that nobody sets.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field

from listserv_py import units
from listserv_py.units import Table


class Retention(Table):
    """How long is kept what sends no mail; docs/settings.md ends with all that is stored."""

    outcomes: units.Duration = Field(
        default=timedelta(days=30),
        description="What became of each mail: its decisions, deliveries and bounces. TRACE, WHY"
        " and `listserv-py trace` know no more.",
    )
    failures: units.Duration = Field(
        default=timedelta(days=90),
        description="What came back and is held against a subscriber (`Auto-Delete=`).",
    )
    changes: units.Duration = Field(
        default=timedelta(days=366),
        description="Lines of the change log, headers before their last change, and who was shut"
        " out for invalid commands. With a year, a year's file is whole when it ends.",
    )
    issues: units.Duration = Field(
        default=timedelta(days=366), description="The numbers of digests that went out."
    )
    aside: units.Duration = Field(
        default=timedelta(days=90),
        description="Mail that waits, held or set aside, for the operator (`queue`), from the day"
        " it came; then it is thrown away.",
    )
    archive: units.Span = Field(
        default=None, description="Posts in lists' archives; empty: as long as the list is there."
    )
