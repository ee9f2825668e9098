"""`Renewal=`: who has to say again that he wants to stay, by the time when he was last active.

A period runs from each subscriber's own last activity. A date concerns everybody at once; it counts
for a month after it, so that a header written in November asks nobody because of last January.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from listserv_py.lists.values import Renewal

DATE_COUNTS_FOR = timedelta(days=30)

_PERIOD = re.compile(r"(?:([1-9][0-9]{0,2})-)?(Yearly|Monthly|Weekly|Daily)", re.ASCII | re.I)
_DATE = re.compile(r"(?:([0-9]{4})/)?([0-9]{2})/([0-9]{2})", re.ASCII)
_MONTHS = {"yearly": 12, "monthly": 1}
_DAYS = {"weekly": 7, "daily": 1}


def is_period(text: str) -> bool:
    """Whether a word of the header is a period, or a date that there is."""
    if _PERIOD.fullmatch(text):
        return True
    found = _DATE.fullmatch(text)
    # A leap year: 02/29 comes round, if not in each year.
    return found is not None and _date(int(found[1] or 2028), found) is not None


def inactive_since(renewal: Renewal, now: datetime) -> datetime | None:
    """Who was last active before this time is to be asked now; None: nobody is."""
    found = [when for text in renewal.periods for when in _before(text, now)]
    return max(found, default=None)


def removed_if_asked_before(renewal: Renewal, now: datetime) -> datetime:
    """Who was asked before this time and has not answered is taken off now."""
    return now - timedelta(days=max(1, renewal.delay))


def _before(text: str, now: datetime) -> Iterator[datetime]:
    period = _PERIOD.fullmatch(text)
    if period:
        many, unit = int(period[1] or 1), period[2].lower()
        yield (
            _months_ago(now, many * _MONTHS[unit])
            if unit in _MONTHS
            else (now - timedelta(days=many * _DAYS[unit]))
        )
        return
    found = _DATE.fullmatch(text)
    years = [int(found[1])] if found and found[1] else [now.year - 1, now.year]
    for year in years if found else ():
        date = _date(year, found)
        if date is not None and date <= now < date + DATE_COUNTS_FOR:
            yield date


def _date(year: int, found: re.Match[str] | None) -> datetime | None:
    try:
        return datetime(year, int(found[2]), int(found[3]), tzinfo=UTC) if found else None
    except ValueError:
        return None


def _months_ago(now: datetime, months: int) -> datetime:
    """The same day so many months before, or the last of its month; no earlier than 1970."""
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    first = now.replace(year=max(year, 1970), month=month + 1, day=1)
    last = (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
    return first.replace(day=min(now.day, last.day))
