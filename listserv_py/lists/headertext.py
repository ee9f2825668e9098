"""The text of a list header, cut into title, keyword assignments and faults.

Knows the syntax (LISTSERV's: `* Keyword= a,"b c" comment Next= d`), not the keywords. Nothing is
thrown away: a header keeps its lines, and a fault names its line and what would be allowed there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

SIZE_MAX = 100_000
LINES_MAX = 2000
LINE_MAX = 1000

_KEYWORD = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9_-]*)[ \t]*=", re.ASCII)
_NEXT_KEYWORD = re.compile(r"[ \t]*[A-Za-z][A-Za-z0-9_-]*[ \t]*=(?=[ \t]|$)", re.ASCII)
_ITEM = re.compile(r'[ \t]*((?:"[^"]*"|\([^()]*\)|[^\s,"()])+)')
_BROKEN_ITEM = re.compile(r"[ \t]*([^\s,]+)")
_COMMA = re.compile(r"[ \t]*,")
_COMMENT_WORD = re.compile(r"[ \t]*(\([^()]*\)|[^\s]+)")
_CARD = re.compile(r"\*[ \t]*\.([A-Za-z]{2})(?:[ \t]+(\S+))?", re.ASCII)
_PASSWORD = re.compile(r"((?:\*|[ \t])[Pp][Ww][ \t]*=).*", re.ASCII)
_BLANKS = " \t\r\u200b\u3000\ufeff"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Item:
    """One value of a keyword, unquoted; `comment` is what stands behind it, for owners' names."""

    text: str
    line: int
    comment: str = ""


@dataclass(frozen=True, slots=True)
class Assignment:
    """A keyword as it was written, and its values on this line."""

    keyword: str
    line: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong in a line of the header, and what is allowed there."""

    line: int
    text: str
    allowed: str

    def __str__(self) -> str:
        return f"Line {self.line}: {self.text}. Allowed: {self.allowed}."


@dataclass(frozen=True, slots=True)
class HeaderText:
    """A header cut into its parts; `lines` are those given, without line ends and blank ones."""

    title: str
    lines: tuple[str, ...]
    assignments: tuple[Assignment, ...]
    faults: tuple[Fault, ...]


def cut(text: str) -> HeaderText:
    """Cut the text of a header into its title, assignments and the faults of its syntax."""
    faults: list[Fault] = []
    numbered = [(at, line) for at, line in enumerate(_lines(text, faults), 1) if line]
    assignments: list[Assignment] = []
    for at, (number, line) in enumerate(numbered):
        fault = _line_fault(line, number)
        if fault:
            faults.append(fault)
        elif at > 0 and _KEYWORD.match(line[1:]):
            found = assignments_of(line[1:], number)
            assignments += found
            behind = numbered[at + 1][1] if at + 1 < len(numbered) else ""
            if _is_half(line, found) and _is_words(behind):
                text = "the line ends in a comma, and the next one has no keyword"
                allowed = f"{found[-1].keyword}= again: values of a repeated keyword are appended"
                faults.append(Fault(number, text, allowed))
    lines = tuple(line for _, line in numbered)
    title = lines[0][1:].strip() if lines else ""
    if not title:
        faults.append(Fault(1, "the header has no title", "a title on the first line, behind *"))
    return HeaderText(title, lines, tuple(assignments), tuple(faults))


def _is_half(line: str, found: Sequence[Assignment]) -> bool:
    """Whether its values seem to go on below."""
    items = found[-1].items if found else ()
    return bool(items) and line.endswith(",") and not items[-1].comment


def _is_words(line: str) -> bool:
    return bool(line[1:].strip()) and not (_KEYWORD.match(line[1:]) or _CARD.match(line))


def _lines(text: str, faults: list[Fault]) -> list[str]:
    """The lines of a text of bounded size, the blank ones too: they count in a fault's number."""
    if len(text.encode("utf-8", "replace")) > SIZE_MAX:
        faults.append(Fault(1, "the header is too large", f"{SIZE_MAX // 1000} kB"))
        text = text[:SIZE_MAX]
    # A no-break space is what mail programs make of the second blank in a row.
    lines = [line.replace("\u00a0", " ").rstrip(_BLANKS) for line in text.split("\n")]
    if len(lines) > LINES_MAX + 1:
        faults.append(Fault(LINES_MAX, "the header is too long", f"{LINES_MAX} lines"))
    return lines[:LINES_MAX]


def _line_fault(line: str, number: int) -> Fault | None:
    if _CONTROL.search(line):
        return Fault(number, "control characters", "letters, digits, signs and blanks")
    if len(line) > LINE_MAX:
        return Fault(number, "the line is too long", f"{LINE_MAX} characters")
    if not line.startswith("*"):
        text = f'"{line[:40]}" does not begin with *'
        allowed = "lines that begin with * (a mail program may have broken the line above)"
        return Fault(number, text, allowed)
    card = _CARD.match(line)
    if card and card[1].upper() == "IK":
        return Fault(number, ".IK takes in no other file", "the keywords themselves")
    if card and card[1].upper() == "HH" and (card[2] or "").upper() not in {"ON", "OFF"}:
        return Fault(number, ".HH without ON or OFF", ".HH ON, .HH OFF")
    return None


def shown_lines(lines: Iterable[str]) -> Iterator[str]:
    """The lines that everybody may see: no passwords, and nothing between `.HH ON` and `.HH OFF`.

    Where lines are left out, one says how many.
    """
    depth = hidden = 0
    for line in lines:
        switch = _switch(line)
        depth = max(0, depth + switch)
        if depth:
            hidden += not switch
            continue
        if hidden:
            yield _note(hidden)
        hidden = 0
        if not switch:
            yield without_password(line)
    if hidden:
        yield _note(hidden)


def _switch(line: str) -> int:
    """1 for `.HH ON`, -1 for `.HH OFF`, 0 for any other line."""
    card = _CARD.match(line)
    if card is None or card[1].upper() != "HH":
        return 0
    return 1 if str(card[2]).upper() == "ON" else -1


def _note(count: int) -> str:
    return f"* ({count} {'line is' if count == 1 else 'lines are'} hidden here.)"


def without_password(line: str) -> str:
    """A header line whose `PW=` shows no password, nor what stands behind it."""
    return _PASSWORD.sub(r"\1 ********", line)


def assignments_of(line: str, number: int) -> list[Assignment]:
    """The assignments of one keyword line, given without its `*`."""
    found: list[Assignment] = []
    at = 0
    while at < len(line):
        keyword = _KEYWORD.match(line, at)
        if keyword:
            items, at = _items(line, keyword.end(), number)
            found.append(Assignment(keyword[1], number, items))
        else:
            word = _COMMENT_WORD.match(line, at)
            at = word.end() if word else len(line)
    return found


def _items(line: str, at: int, number: int) -> tuple[tuple[Item, ...], int]:
    items: list[Item] = []
    while not _NEXT_KEYWORD.match(line, at):
        found = _ITEM.match(line, at) or _BROKEN_ITEM.match(line, at)
        if found:
            at = found.end()
            items.append(Item(_unquoted(found[1]), number))
        comma = _COMMA.match(line, at)
        if not comma:
            break
        at = comma.end()
    comment, at = _comment(line, at)
    if items and comment:
        items[-1] = Item(items[-1].text, number, comment)
    return tuple(items), at


def _comment(line: str, at: int) -> tuple[str, int]:
    """The words up to the next keyword, which are no values."""
    start = at
    while at < len(line) and not _KEYWORD.match(line, at):
        word = _COMMENT_WORD.match(line, at)
        at = word.end() if word else len(line)
    return line[start:at].strip(), at


def _unquoted(text: str) -> str:
    if len(text) >= 2 and text[0] == text[-1] == '"' and '"' not in text[1:-1]:
        return text[1:-1]
    return text


def quoted(text: str) -> str:
    """A value as the header writes it: in quotes where it would be cut otherwise."""
    return f'"{text}"' if re.search(r"[\s,=()]", text) and '"' not in text else text
