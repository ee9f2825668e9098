"""CONTENT_FILTER: an owner's rules about what posts may hold, read and tried (LISTSERV 16.0).

A rule is a line `[header:] pattern`, perhaps with an `Action:` line below it. Patterns know `*` and
nothing else, and are tried in time that grows with the mail and the rules only.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from listserv_py.lists.filters import glob

RULES_MAX = 100
PATTERN_MAX = 200
REASON_MAX = 300
LINES_TRIED = 5000
"""How many lines a pattern with a star inside is tried on; others are looked for everywhere."""

_PREFIX = re.compile(r"([A-Za-z][A-Za-z0-9-]{0,75}):(:?)(?:[ \t]+(.*)|$)")
_ACTION = re.compile(r"action:[ \t]*([a-z]*)[ \t]*(.*)", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t]+")
TEXT = "text"
HEADER = "header"


class Action(StrEnum):
    """What becomes of a post that a rule matches."""

    REJECT = "REJECT"
    DISCARD = "DISCARD"
    MODERATE = "MODERATE"
    ALLOW = "ALLOW"


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; `where` is a header's name in small letters, TEXT or HEADER.

    `exact`: the whole value must be `pattern`; an empty one means that the header is missing or
    says nothing. `line`: where it stands, from 1.
    """

    line: int
    where: str
    pattern: str
    exact: bool = False
    action: Action = Action.REJECT
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Looked:
    """What of a mail rules look at: its header as names in small letters and values, its text."""

    header: Sequence[tuple[str, str]]
    text: str


def read_rules(body: str) -> tuple[tuple[Rule, ...], tuple[tuple[int, str], ...]]:
    """The rules of a form, and its faults as line and text."""
    rules: list[Rule] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate((one.strip() for one in body.split("\n")), 1):
        if not line:
            continue
        action = _ACTION.fullmatch(line)
        fault = _act(rules, number, action) if action else _add(rules, number, line)
        if fault:
            faults.append((number, fault))
    return tuple(rules), tuple(faults)


def _act(rules: list[Rule], number: int, found: re.Match[str]) -> str:
    """Give the rule above its action; what is wrong, or ""."""
    word = found[1].upper()
    if not rules or rules[-1].line != number - 1:
        return "Action: stands on the line below its rule"
    if word not in list(Action):
        return f"an action is one of {', '.join(Action)}"
    rules[-1] = replace(rules[-1], action=Action(word), reason=found[2][:REASON_MAX])
    return ""


def _add(rules: list[Rule], number: int, line: str) -> str:
    found = _PREFIX.fullmatch(line)
    where, exact, pattern = (
        (found[1], bool(found[2]), found[3] or "") if found else (TEXT, False, line)
    )
    if len(rules) >= RULES_MAX:
        return f"there are more than {RULES_MAX} rules"
    if len(pattern) > PATTERN_MAX:
        return f"a pattern has at most {PATTERN_MAX} characters"
    if exact and where.lower() in (TEXT, HEADER):
        return f"{where}:: names no header"
    if not exact and not pattern.strip("* "):
        return "the pattern would match everything"
    rules.append(Rule(number, where.lower(), " ".join(pattern.lower().split()), exact))
    return ""


def first_match(rules: Sequence[Rule], looked: Looked) -> Rule | None:
    """The first rule that the mail matches, None when none does."""
    header = [(name, " ".join(value.lower().split())) for name, value in looked.header]
    text = _BLANKS.sub(" ", looked.text.lower())
    lines = text.split("\n", LINES_TRIED)[:LINES_TRIED]
    return next((rule for rule in rules if _matches(rule, header, text, lines)), None)


def _matches(
    rule: Rule, header: Sequence[tuple[str, str]], text: str, lines: Sequence[str]
) -> bool:
    if rule.where == TEXT:
        if "*" not in rule.pattern:
            return rule.pattern in text
        return _any(rule.pattern, lambda: iter(lines), text)
    if rule.where == HEADER:
        return any(_fits(rule.pattern, f"{name}: {value}") for name, value in header)
    values = [value for name, value in header if name == rule.where]
    if rule.exact:
        return rule.pattern in (values or [""])
    return any(_fits(rule.pattern, value) for value in values)


def _any(pattern: str, lines: Callable[[], Iterator[str]], text: str) -> bool:
    """Whether a line matches; most mails lack one of the words, which is quick to see."""
    if not all(word in text for word in pattern.split("*")):
        return False
    return any(glob(pattern, line) for line in lines())


def _fits(pattern: str, text: str) -> bool:
    """Whether a text matches a pattern; one without a star is looked for anywhere in it."""
    return glob(pattern, text) if "*" in pattern else pattern in text
