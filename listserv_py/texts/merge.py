"""Texts that are filled in for each reader: `&FIELD;`, `&*TO;`, `&*NAME;`, and `.BB` blocks.

`read` compiles a text once; what a copy costs is then to fill its few lines that have a slot. As in
forms, a value is never searched for slots again and no condition is read out of one. A name that
the mail does not have stays as it is written, as `&nbsp;` and `&amp;` must.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html.entities import html5
from urllib.parse import quote

from listserv_py.texts.language import NESTING_MAX
from listserv_py.texts.slots import COMPARED_MAX, BrokenForm, compare

SLOTS_MAX = 1000
"""Places of one mail that are filled in; and so many blocks."""
VALUE_MAX = 500
"""Characters of one value."""

TO, NAME = "*TO", "*NAME"
ALWAYS = (TO, NAME)
"""The values that every mail has, in front of its columns."""

_NAME = r"\*(?:TO|NAME)|[A-Z][A-Z0-9_]{0,39}"
_SLOT = re.compile(
    rf"&(?:\*URLENC\([ \t]*&?({_NAME});?[ \t]*\)|({_NAME}));", re.IGNORECASE | re.ASCII
)
_COLUMN = re.compile(r"[A-Z][A-Z0-9_]{0,39}", re.ASCII)
_BLOCK = re.compile(r"\.(BB|ELSE|EB|\*)(?:[ \t]+(.*)|[ \t]*$)", re.IGNORECASE | re.ASCII)
_HINT = re.compile(r"^\.BB[ \t]|&[*A-Z]", re.IGNORECASE | re.ASCII | re.MULTILINE)
_OR, _AND = (re.compile(rf"[ \t]+{word}[ \t]+", re.IGNORECASE) for word in ("OR", "AND"))
_SIGN = re.compile(r"\^=|>=|<=|=|>|<")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ENTITIES = frozenset(name.rstrip(";").upper() for name in html5 if len(name) < 6)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place for the value of this number; `is_url`: as a part of a URL."""

    number: int
    is_url: bool = False


Parts = tuple[str | Slot, ...]


@dataclass(frozen=True, slots=True)
class Test:
    """Two texts compared; without a sign, whether the left one says anything."""

    left: Parts
    sign: str = ""
    right: Parts = ()


@dataclass(frozen=True, slots=True)
class Block:
    """Lines that stand where all tests of one row hold, and those that stand otherwise."""

    tests: tuple[tuple[Test, ...], ...]
    then: tuple[Node, ...]
    otherwise: tuple[Node, ...]


Node = str | Parts | Block
"""Whole lines without a slot, ended; one line with slots, not ended; a block."""

Names = Mapping[str, int]
"""Which value a name, in capitals, means."""


def names_of(columns: Sequence[str], *, of_list: bool) -> Names:
    """The names in a mail with these columns; `&NAME;` alone means a column, or a job's names."""
    found = {name: number for number, name in enumerate((*ALWAYS, *columns))}
    if not of_list:
        found.setdefault("NAME", found[NAME])
        found.setdefault("TO", found[TO])
    return found


def is_column(name: str) -> bool:
    """Whether a column may be called so: by no word that HTML has for a character."""
    return _COLUMN.fullmatch(name) is not None and name not in _ENTITIES


def cleaned(value: str) -> str:
    """A value as it is kept: on one line, and bounded."""
    return " ".join(_CONTROL.sub(" ", value[: VALUE_MAX * 2]).split())[:VALUE_MAX]


def may_merge(text: str) -> bool:
    """Whether a text may have anything to be filled in."""
    return _HINT.search(text) is not None


def parts_of(text: str, names: Names) -> Parts:
    """A text on one line, cut at its slots; the even ones are texts, the odd ones slots."""
    found: list[str | Slot] = []
    at = 0
    for slot in _SLOT.finditer(text):
        number = names.get((slot[1] or slot[2]).upper())
        if number is None:
            continue
        found += (text[at : slot.start()], Slot(number, slot[1] is not None))
        at = slot.end()
    return (*found, text[at:])


def filled(parts: Parts, values: Sequence[str]) -> str:
    """The text with its values."""
    return "".join([one if isinstance(one, str) else value(one, values) for one in parts])


def value(slot: Slot, values: Sequence[str]) -> str:
    """What stands in a slot's place; a value that was not given is empty."""
    said = values[slot.number] if slot.number < len(values) else ""
    return quote(said, safe="") if slot.is_url else said


def holds(block: Block, values: Sequence[str]) -> bool:
    """Whether the block's condition is met."""
    return any(all(_holds(test, values) for test in row) for row in block.tests)


def _holds(test: Test, values: Sequence[str]) -> bool:
    left = _side(test.left, values)
    if not test.sign:
        return left not in {"", "0", "NO"}
    return compare(left, test.sign, _side(test.right, values))


def _side(parts: Parts, values: Sequence[str]) -> str:
    return filled(parts, values).strip().strip("'\"").upper()


def read(text: str, names: Names) -> tuple[Node, ...]:
    """The text, LF line ends, compiled; BrokenForm says what is wrong with its blocks."""
    return _Reader(names).read(text)


def is_plain(nodes: Sequence[Node]) -> bool:
    """Whether nothing is to be filled in."""
    return all(isinstance(one, str) for one in nodes)


class _Open:
    """A block that has begun."""

    def __init__(self, tests: tuple[tuple[Test, ...], ...]) -> None:
        self.tests = tests
        self.then: list[Node] = []
        self.otherwise: list[Node] = []
        self.at_else = False

    @property
    def lines(self) -> list[Node]:
        return self.otherwise if self.at_else else self.then


class _Reader:
    """Reads a text line by line."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._blocks: list[_Open] = [_Open(())]
        self._run: list[str] = []
        self._count = 0

    def read(self, text: str) -> tuple[Node, ...]:
        """See `read`."""
        lines = text.split("\n")
        if lines[-1] == "":
            lines.pop()
        for line in lines:
            self._line(line)
        self._end_run()
        if len(self._blocks) > 1:
            raise BrokenForm("a .BB has no .EB below it")
        return tuple(self._blocks[0].then)

    def _line(self, line: str) -> None:
        command = _BLOCK.match(line) if line.startswith(".") else None
        if command is not None:
            self._command(command[1].upper(), (command[2] or "").strip())
            return
        parts = parts_of(line, self._names) if "&" in line else (line,)
        if len(parts) == 1:
            self._run.append(line)
            return
        self._more(len(parts) // 2)
        self._end_run()
        self._blocks[-1].lines.append(parts)

    def _command(self, word: str, condition: str) -> None:
        self._end_run()
        if word == "BB":
            if len(self._blocks) > NESTING_MAX:
                raise BrokenForm(f".BB stands more than {NESTING_MAX} deep")
            self._more(1)
            self._blocks.append(_Open(_tests(condition, self._names)))
        elif word != "*" and len(self._blocks) == 1:
            raise BrokenForm(f".{word} without a .BB above it")
        elif word == "ELSE":
            if self._blocks[-1].at_else:
                raise BrokenForm("a .BB has two .ELSE")
            self._blocks[-1].at_else = True
        elif word == "EB":
            done = self._blocks.pop()
            block = Block(done.tests, tuple(done.then), tuple(done.otherwise))
            self._blocks[-1].lines.append(block)

    def _more(self, slots: int) -> None:
        self._count += slots
        if self._count > SLOTS_MAX:
            raise BrokenForm(f"more than {SLOTS_MAX} places are filled in")

    def _end_run(self) -> None:
        if self._run:
            self._blocks[-1].lines.append("\n".join(self._run) + "\n")
            self._run = []


def _tests(condition: str, names: Names) -> tuple[tuple[Test, ...], ...]:
    if not condition:
        raise BrokenForm(".BB needs a condition, such as &CITY; = Berlin")
    if len(condition) > COMPARED_MAX:
        raise BrokenForm(f"a condition has more than {COMPARED_MAX} characters")
    rows = (_AND.split(row) for row in _OR.split(condition))
    return tuple(tuple(_test(one, names) for one in row) for row in rows)


def _test(text: str, names: Names) -> Test:
    sign = _SIGN.search(text)
    if sign is None:
        return Test(parts_of(text, names))
    left, right = text[: sign.start()], text[sign.end() :]
    return Test(parts_of(left, names), sign[0], parts_of(right, names))


def slots_in(nodes: Sequence[Node]) -> Iterator[Slot]:
    """All slots of lines, those in blocks too."""
    for one in nodes:
        if isinstance(one, Block):
            yield from slots_in((*one.then, *one.otherwise))
        elif not isinstance(one, str):
            yield from (part for part in one if isinstance(part, Slot))
