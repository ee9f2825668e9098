"""The dates of a search: a day, a month or a year, as people write them, or how long ago.

What is meant has a first moment and one behind its last, so that `FROM 2024 TO 2024` is that year.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

LAST_YEAR = 9000
"""Behind it no day has a next one."""

_MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
_NAMED = re.compile(r"(?:([0-9]{1,2})-)?([A-Z]{3})[A-Z]*-([0-9]{4}|[0-9]{2})", re.ASCII)
_NUMBERED = re.compile(r"([0-9]{4}|[0-9]{2})[/-]([0-9]{1,2})(?:[/-]([0-9]{1,2}))?", re.ASCII)
_YEAR = re.compile(r"[0-9]{4}", re.ASCII)
_AGO = {"DAY": 1, "DAYS": 1, "WEEK": 7, "WEEKS": 7, "MONTH": 30, "MONTHS": 30}
_AGO |= {"YEAR": 365, "YEARS": 365}


def read_date(words: Sequence[str], now: datetime) -> tuple[datetime, datetime] | None:
    """What words in capitals mean: its first moment, and the first behind it; None: no date."""
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if words in (["TODAY"], ["YESTERDAY"]):
        return _day(today - timedelta(days=words == ["YESTERDAY"]))
    try:
        if len(words) == 3 and words[2] == "AGO" and words[1] in _AGO:
            return _day(today - timedelta(days=int(words[0][:5]) * _AGO[words[1]]))
        return _written("-".join(words))
    except (ValueError, OverflowError):
        return None


def _written(text: str) -> tuple[datetime, datetime] | None:
    if _YEAR.fullmatch(text):
        first = datetime(_year(text), 1, 1, tzinfo=UTC)
        return first, first.replace(year=first.year + 1)
    named, numbered = _NAMED.fullmatch(text), _NUMBERED.fullmatch(text)
    if named:
        day, name, year = named.groups()
        month = _MONTHS.index(name) + 1
    elif numbered:
        year, number, day = numbered.groups()
        month = int(number)
    else:
        return None
    first = datetime(_year(year), month, int(day or 1), tzinfo=UTC)
    return _day(first) if day else (first, (first + timedelta(days=31)).replace(day=1))


def _day(first: datetime) -> tuple[datetime, datetime]:
    return first, first + timedelta(days=1)


def _year(digits: str) -> int:
    if len(digits) == 4:
        return min(int(digits), LAST_YEAR)
    return int(digits) + (1900 if int(digits) >= 70 else 2000)
