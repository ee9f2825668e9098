"""What may stand behind three words of SET: `NOMAIL UNTIL`, `DIGEST AT`, `MAX 10/day`.

The words are taken off the line as they are read, so that what is left is the next option.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

from listserv_py.errors import BadOptionValue
from listserv_py.lists.digests import OwnHour, find_zone, read_hour

_MAX = re.compile(r"([1-9][0-9]{0,2})(?:/DAY)?", re.ASCII | re.IGNORECASE)
# Of four digits the years at both ends are none that every zone has.
_DATE = re.compile(r"[1-8][0-9]{3}-[0-9]{2}-[0-9]{2}", re.ASCII)
_COLLECTED = frozenset(("DIGESTS", "INDEX"))


def timing(option: str, words: list[str]) -> dict[str, Any]:
    """The fields of `Options` that the words behind an option set; those words are taken away."""
    following = words[0].upper() if words else ""
    if option == "MAX":
        return {"max_a_day": _read_max(words.pop(0) if words else "")}
    if option == "NOMAIL" and following == "UNTIL":
        return {"until": _read_date(_behind(words))}
    if option in _COLLECTED and following == "AT":
        return {"at": _read_hour(option, _behind(words), words)}
    return {}


def _behind(words: list[str]) -> str:
    """The word behind the one that says what it is; both are taken away."""
    del words[0]
    return words.pop(0) if words else ""


def _read_max(text: str) -> int:
    found = _MAX.fullmatch(text)
    if found is None:
        raise BadOptionValue(f"MAX {text}".strip()[:60], "MAX 10/DAY")
    return int(found[1])


def _read_date(text: str) -> date:
    try:
        if _DATE.fullmatch(text):
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise BadOptionValue(f"NOMAIL UNTIL {text}".strip()[:60], "NOMAIL UNTIL 2027-01-07")


def _read_hour(option: str, text: str, words: list[str]) -> OwnHour:
    found = read_hour(text)
    if found is None:
        allowed = f"{option} AT 07:00 Europe/Vienna"
        raise BadOptionValue(f"{option} AT {text}".strip()[:60], allowed)
    zone = find_zone(words[0]) if words else None
    if zone is not None:
        del words[0]
    elif words and "/" in words[0]:
        raise BadOptionValue(words[0][:60], "a time zone such as Europe/Vienna")
    return OwnHour(*found, zone or "")
