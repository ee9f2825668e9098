"""The parts that readers of keywords are made of: words, numbers, addresses, access levels.

Nothing here raises: what cannot be read becomes a `Fault`, so that an owner learns of all his
faults at once. Words are compared as ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from listserv_py.errors import BadAddress
from listserv_py.lists.access import ALLOWED, Access, AccessLevel, read_access
from listserv_py.lists.headertext import Fault, Item
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

Items = tuple[Item, ...]
Change = Mapping[str, object]
"""The fields of `Keywords` that a keyword sets."""
Reader = Callable[[Items, list[Fault]], Change]
Words = tuple[str, ...]
"""Words that may be said; `Delay(n)` takes a number in its parentheses."""

Word = TypeVar("Word", bound=StrEnum)
ADDRESS_ALLOWED = "an address like joe@example.org"
ANYTHING = re.compile(r"[^\x00-\x1f]+")
_NUMBER = re.compile(r"[0-9]{1,9}", re.ASCII)
_WITH_NUMBER = re.compile(r"([A-Za-z-]+)\(([0-9]{1,9})\)", re.ASCII)


def lower(item: Item) -> str:
    """The item as a word for comparing; "" when it is no ASCII word."""
    return item.text.lower() if item.text.isascii() else ""


def not_allowed(item: Item, allowed: str) -> Fault:
    """The fault of an item that is none of what is allowed."""
    return Fault(item.line, f'"{item.text[:60]}" is not known here', allowed)


def read_mailbox(item: Item, faults: list[Fault], allowed: str = ADDRESS_ALLOWED) -> Mailbox | None:
    """An address, or None and a fault."""
    try:
        return parse_mailbox(item.text)
    except BadAddress:
        faults.append(not_allowed(item, allowed))
        return None


def one_of(words: Iterable[Word], item: Item, faults: list[Fault], more: str = "") -> Word | None:
    """The word that the item is, or None and a fault."""
    known = {word.value.lower(): word for word in words}
    found = known.get(lower(item))
    if found is None:
        allowed = ", ".join(word.value for word in known.values())
        faults.append(not_allowed(item, f"{allowed}{more}"))
    return found


def modifiers(
    items: Items,
    allowed: Words,
    faults: list[Fault],
    others: re.Pattern[str] | None = None,
    described: str = "",
) -> dict[str, int]:
    """The words of `items`, lower-case, each with its number (0 where it takes none).

    What is none of `allowed` has to match `others`, which a fault calls `described`.
    """
    known = {word.lower(): word for word in allowed}
    found: dict[str, int] = {}
    for item in items:
        number = _WITH_NUMBER.fullmatch(item.text)
        if lower(item) in known and "(" not in item.text:
            found[lower(item)] = 0
        elif number and f"{number[1]}(n)".lower() in known:
            found[number[1].lower()] = int(number[2])
        elif others is None or not others.fullmatch(item.text):
            all_of_it = ", ".join(filter(None, (*allowed, described)))
            faults.append(not_allowed(item, all_of_it or "nothing more"))
    return found


def read_number(item: Item, faults: list[Fault], least: int, most: int) -> int:
    """A whole number, or the least one and a fault."""
    if _NUMBER.fullmatch(item.text) and least <= int(item.text) <= most:
        return int(item.text)
    faults.append(not_allowed(item, f"a number from {least} to {most}"))
    return least


def access_levels(items: Items, faults: list[Fault], more: str = "") -> tuple[AccessLevel, ...]:
    """A list of access levels; Public and Postmaster stand alone."""
    found: list[AccessLevel] = []
    for item in items:
        level = read_access(item.text)
        if level is None:
            faults.append(not_allowed(item, ALLOWED + more))
        else:
            found.append(level)
    alone = {Access.PUBLIC, Access.POSTMASTER}
    if len(found) > 1 and any(level.access in alone for level in found):
        text = "Public and Postmaster stand alone"
        faults.append(Fault(items[0].line, text, "one of them, or a list of the others"))
    return tuple(found)


def yes_no(field: str) -> Reader:
    """A reader for a keyword that says Yes or No."""

    def read(items: Items, faults: list[Fault]) -> Change:
        modifiers(items[1:], (), faults)
        return {field: "yes" in modifiers(items[:1], ("Yes", "No"), faults)}

    return read


def areas(field: str) -> Reader:
    """A reader for hosts and patterns of hosts; what is none means nobody."""

    def read(items: Items, _: list[Fault]) -> Change:
        return {field: tuple(lower(item) for item in items)}

    return read


def checked(
    first: Words, then: Words = (), others: re.Pattern[str] | None = None, described: str = ""
) -> Reader:
    """A reader for a keyword whose words are checked and go no further than the header."""

    def read(items: Items, faults: list[Fault]) -> Change:
        only = (others, described) if not first else (None, "")
        modifiers(items[:1], first or then, faults, *only)
        modifiers(items[1:], then, faults, others, described)
        return {}

    return read
