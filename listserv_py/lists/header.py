"""A list header: its text read into a title and typed keywords, and a new list's text.

`read_header` takes any text and tells all its faults at once; what is stored was read without any
by `parse_header`. A keyword that is repeated appends its values.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from listserv_py.errors import HeaderFaults
from listserv_py.lists.headertext import (
    Assignment,
    Fault,
    HeaderText,
    Item,
    assignments_of,
    cut,
    quoted,
)
from listserv_py.lists.keywords import KEYWORDS, find_keyword
from listserv_py.lists.values import Keywords
from listserv_py.mail.mailbox import Mailbox

_NAMES = tuple(keyword.name for keyword in KEYWORDS)


@dataclass(frozen=True, slots=True)
class Header:
    """A list header: its title, its keywords, and the lines that it was read from."""

    title: str
    keywords: Keywords
    lines: tuple[str, ...]

    def __str__(self) -> str:
        return "\n".join(self.lines) + "\n"


def parse_header(text: str) -> Header:
    """Read a header; HeaderFaults tells all its faults at once."""
    header, faults = read_header(text)
    if faults:
        raise HeaderFaults("\n".join(str(fault) for fault in faults))
    return header


def read_header(text: str) -> tuple[Header, tuple[Fault, ...]]:
    """Read a header and collect its faults, in the order of the lines."""
    parts = cut(text)
    faults = list(parts.faults)
    items = _gathered(parts, faults)
    keywords = _keywords(items, faults)
    faults += _no_topics(items.get("Default-Topics", ()), keywords)
    if not any(not owner.quiet for owner in keywords.owners) and not _has_owner_fault(
        faults, parts
    ):
        allowed = "Owner= with a person's address, not behind Quiet:"
        faults.append(Fault(max(1, len(parts.lines)), "no owner reads the list's mail", allowed))
    header = Header(parts.title, keywords, parts.lines)
    return header, tuple(sorted(faults, key=lambda fault: fault.line))


def _no_topics(wanted: Iterable[Item], keywords: Keywords) -> Iterator[Fault]:
    """The words of Default-Topics= that Topics= does not know."""
    allowed = ", ".join(("All", "Other", *keywords.topics))
    known = {word.strip().upper() for word in allowed.split(",")}
    for item in wanted:
        if item.text.lstrip("+-").upper() not in known:
            text = f'"{item.text[:60]}" is none of the topics of Topics='
            yield Fault(item.line, text, f"{allowed}, and with - in front all but that one")


def _has_owner_fault(faults: list[Fault], parts: HeaderText) -> bool:
    lines = {a.line for a in parts.assignments if a.keyword.lower() == "owner"}
    return any(fault.line in lines for fault in faults)


def _gathered(parts: HeaderText, faults: list[Fault]) -> dict[str, tuple[Item, ...]]:
    """The items of each keyword, those of a repeated one appended."""
    found: dict[str, tuple[Item, ...]] = {}
    for assignment in parts.assignments:
        keyword = find_keyword(assignment.keyword)
        if keyword is None:
            faults.append(_unknown(assignment))
        else:
            found[keyword.name] = found.get(keyword.name, ()) + assignment.items
    return found


def _unknown(assignment: Assignment) -> Fault:
    near = difflib.get_close_matches(assignment.keyword, _NAMES, n=1)
    allowed = f"{near[0]}=, or another keyword" if near else "the keywords of a list header"
    return Fault(assignment.line, f'"{assignment.keyword[:40]}=" is no keyword', allowed)


def _keywords(found: Mapping[str, tuple[Item, ...]], faults: list[Fault]) -> Keywords:
    changes: dict[str, Any] = {}
    for keyword in KEYWORDS:
        items = found.get(keyword.name)
        if items:
            changes |= keyword.reader(items, faults)
    return replace(Keywords(), **changes)


# Safe first; the owner loosens them.
_NEW_LIST: tuple[tuple[str, str], ...] = (
    ("Subscription", "Open,Confirm"),
    ("Validate", "All,Confirm"),
    ("Send", "Private"),
    ("Review", "Owner"),
    ("Confidential", "No"),
    ("Reply-To", "None"),
    ("X-Tags", "Keep"),
    ("Notify", "No"),
    ("Daily-Threshold", "50"),
)


def new_header(name: str, title: str, owners: Iterable[Mailbox], sets: Sequence[str] = ()) -> str:
    """The text of a new list's header; each of `sets` is a line such as `Send= Public`.

    A keyword that `sets` names is theirs alone, but for Owner=, to which they append. What is wrong
    in the result is found by `parse_header`, as in a header that an owner sends.
    """
    said = frozenset[str]().union(*(_names_in(line) for line in sets))
    lines = [title or name.upper(), ""]
    lines += [f"Owner= {quoted(str(owner))}" for owner in owners]
    lines += [f"{key}= {value}" for key, value in _NEW_LIST if key.lower() not in said]
    lines += sets
    return "".join(f"* {line}".rstrip(" ") + "\n" for line in lines)


def sets_keyword(line: str) -> bool:
    """Whether a header line, given without its `*`, sets a keyword; else it is a comment."""
    return bool(_names_in(line))


def missing_defaults(text: str) -> tuple[str, ...]:
    """The lines that a new list's header gets from us, for what its text says nothing about."""
    said = {assignment.keyword.lower() for assignment in cut(text).assignments}
    return tuple(f"* {key}= {value}" for key, value in _NEW_LIST if key.lower() not in said)


def _names_in(line: str) -> frozenset[str]:
    """The keywords, in lower case, that a line sets; the line is given without its `*`."""
    return frozenset(a.keyword.lower() for a in assignments_of(line, 1))
