"""Slots in a line of a form: `&NAME`, `&KWD(keyword)`, `&MBX(&NAME)`, `&DAYSEQ(n)`.

A closing `;` may follow. A slot's value is never searched for slots again, so nothing that a
stranger wrote can pull out another value; there is no code and no way to reach into anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from html import escape as html_escape

from listserv_py.errors import Broken, ListservError

# Only capitals: `&amp;` and its like are HTML.
_SLOT = re.compile(
    r"&(?:(KWD|MBX|DAYSEQ)\([ \t]*&?([A-Za-z0-9_-]{1,40});?[ \t]*\)|([A-Z][A-Z0-9_]*));?"
)
_COMPARED = re.compile(r"\^=|>=|<=|=|>|<")


OUTPUT_MAX = 64 * 1024
COMPARED_MAX = 200
"""How much of a condition, and of a value in it, is looked at."""


class BrokenForm(ListservError):
    """A form that cannot be filled in; its text says why."""


def no_keyword(_: str) -> str:
    """What `&KWD()` is where no list is meant."""
    return ""


@dataclass(frozen=True, slots=True)
class Slots:
    """What stands for each name.

    `keyword` tells a list header's keyword, `day` counts days for `&DAYSEQ`. `strict`: a name
    without a value is our fault, else it stays as it is written.
    """

    values: Mapping[str, str]
    keyword: Callable[[str], str] = no_keyword
    day: int = 0
    strict: bool = False
    html: bool = False

    def fill(self, text: str) -> str:
        """The text with every slot's value in its place."""
        if "&" not in text:
            return text
        size = 0

        def value(found: re.Match[str]) -> str:
            nonlocal size
            said = self._value(found)
            size += len(said)
            if size > OUTPUT_MAX and not self.strict:
                raise BrokenForm(f"it grows to more than {OUTPUT_MAX // 1024} kB")
            return said

        return _SLOT.sub(value, text)

    def alone(self, text: str) -> str | None:
        """The value of a text that is nothing but one slot; None for any other."""
        found = _SLOT.fullmatch(text.strip())
        return self._value(found) if found else None

    def holds(self, condition: str) -> bool:
        """Whether a condition is met: two texts compared, or one that says anything at all."""
        if len(condition) > COMPARED_MAX:
            raise BrokenForm(f"a condition has more than {COMPARED_MAX} characters")
        sign = _COMPARED.search(condition)
        if sign is None:
            return self._side(condition) not in {"", "0", "NO"}
        # Cut before it is filled in, so that a value with a sign in it cannot turn it round.
        left, right = condition[: sign.start()], condition[sign.end() :]
        return compare(self._side(left), sign[0], self._side(right))

    def _side(self, text: str) -> str:
        filled = _SLOT.sub(lambda found: self._value(found)[:COMPARED_MAX], text)
        return filled.strip().strip("'\"").upper()

    def _value(self, found: re.Match[str]) -> str:
        value = self._function(found[1], found[2]) if found[1] else self.values.get(found[3])
        if value is None and self.strict:
            raise Broken(f"a form wants the slot {found[0]}")
        if value is None:
            return found[0]
        return html_escape(value) if self.html else value

    def _function(self, name: str, argument: str) -> str | None:
        if name == "KWD":
            return self.keyword(argument)
        if name == "MBX":
            return self.values.get(argument)
        days = int(argument) if argument.isascii() and argument.isdigit() else 0
        return str(self.day % days + 1) if days else None


def names_in(text: str) -> frozenset[str]:
    """The names of the slots in a text, those inside `&MBX()` too."""
    found = _SLOT.findall(text)
    return frozenset(
        argument if function == "MBX" else name
        for function, argument, name in found
        if name or function == "MBX"
    )


def compare(left: str, sign: str, right: str) -> bool:
    """Whether two texts in capitals stand so to each other."""
    order = _order(left, right)
    return {
        "=": order == 0,
        "^=": order != 0,
        ">": order > 0,
        "<": order < 0,
        ">=": order >= 0,
        "<=": order <= 0,
    }[sign]


def _order(left: str, right: str) -> int:
    """Below, at or above zero; numbers by their size, all else by its letters."""
    if _is_number(left) and _is_number(right):
        return int(left) - int(right)
    return (left > right) - (left < right)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19
