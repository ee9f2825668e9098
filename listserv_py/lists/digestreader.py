"""The reader of `Digest=`: `Yes,where,frequency,when,when` with its size and its banner.

A number without a colon is a day where the frequency is a month or longer, and an hour elsewhere or
behind the day, as owners have always written it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from listserv_py.lists.digests import read_hour
from listserv_py.lists.headertext import Fault, Item
from listserv_py.lists.shapes import Change, Items, modifiers, not_allowed
from listserv_py.lists.values import Digest, Frequency

SIZE_MAX = 100_000
_NUMBER = re.compile(r"[0-9]{1,2}(?::[0-9]{2})?", re.ASCII)
_FREQUENCIES = tuple(Frequency)
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_MAX = 31


def digest(items: Items, faults: list[Fault]) -> Change:
    """What the keyword says of issues; None for a list without digests."""
    said = modifiers(items[:1], ("No", "Yes"), faults)
    words = (*(one.value for one in _FREQUENCIES), *_WEEKDAYS, "Size(n)", "BOTTOM_BANNER")
    described = "an hour such as 05:00, or a day of the month"
    more = modifiers(items[2:], words, faults, _NUMBER, described)
    if "yes" not in said:
        return {"digest": None}
    rule = Digest(bottom_banner="bottom_banner" in more)
    size = more.get("size")
    if size is not None:
        rule = replace(rule, size=max(1, min(size, SIZE_MAX)))
    return {"digest": _when(rule, items[2:], faults)}


def _when(rule: Digest, items: Items, faults: list[Fault]) -> Digest:
    """The rule with what the words say, in their order."""
    has_day = False
    for item in items:
        word = item.text.capitalize()
        if word in {one.value for one in _FREQUENCIES}:
            rule = replace(rule, frequency=Frequency(word))
        elif word in _WEEKDAYS:
            rule = replace(rule, weekday=_WEEKDAYS.index(word))
        elif _NUMBER.fullmatch(item.text):
            of_month = rule.frequency in {Frequency.MONTHLY, Frequency.YEARLY}
            if of_month and not has_day and ":" not in item.text:
                has_day = True
                rule = _on_day(rule, item, faults)
            else:
                rule = _at_hour(rule, item, faults)
    return rule


def _on_day(rule: Digest, item: Item, faults: list[Fault]) -> Digest:
    day = int(item.text)
    if not 1 <= day <= _DAYS_MAX:
        faults.append(not_allowed(item, "a day of the month, 1 to 31"))
        return rule
    return replace(rule, day=day)


def _at_hour(rule: Digest, item: Item, faults: list[Fault]) -> Digest:
    found = read_hour(item.text if ":" in item.text else f"{item.text}:00")
    if found is None:
        faults.append(not_allowed(item, "an hour, 00:00 to 23:59"))
        return rule
    return replace(rule, hour=found[0], minute=found[1])
