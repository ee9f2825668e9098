"""The form language, read: which line of a form is text, and which is a command to the filler.

A line that begins with a dot and a command's word is a command (LISTSERV 16.0, mail templates); any
other line is text, also one that only begins with dots.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from listserv_py.texts.slots import names_in

NESTING_MAX = 20

_COMMAND = re.compile(r"\.(\*|[A-Za-z]{2,4})(?:[ \t]+(.*)|[ \t]*$)")
FORM_NAME = re.compile(r"[A-Z$][A-Z0-9_$]{0,39}")


class Word(Enum):
    """The commands, with what they do."""

    TEXT = ""
    BEGIN = "BB"
    ELSE = "ELSE"
    END = "EB"
    CENTRE = "CE"
    DATA = "DD"
    FILLING = "FO"
    IMBED = "IM"
    STOP = "QQ"
    STOP_IF = "QUIF"
    REPLY = "RE"
    SUBJECT = "SJ"
    NOTHING = "*"


WITHOUT_EFFECT = {
    "CS": "mails of this server are UTF-8",
    "TO": "a form does not choose who gets it",
    "CC": "a form does not choose who gets it",
    "BC": "a form does not choose who gets it",
    "US": "",
    "CO": "",
    "NA": "",
    "QU": "",
    "TY": "",
    "ASIS": "",
}
"""Commands that are read over, and why where it is worth a sentence."""

_WORDS = {word.value: word for word in Word if word.value}
_BLOCKS = (Word.BEGIN, Word.ELSE, Word.END)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a form: its number in the body from 0, the command, and what stands behind."""

    number: int
    word: Word
    text: str


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line of a template, for people; `line` counts from 1."""

    line: int
    text: str


@lru_cache(maxsize=2000)
def read_lines(body: str) -> tuple[Line, ...]:
    """The lines of a form's body."""
    return tuple(_read(number, line) for number, line in enumerate(body.split("\n")))


@lru_cache(maxsize=2000)
def is_text(body: str) -> bool:
    """Whether no line of a form's body is a command."""
    return all(line.word is Word.TEXT for line in read_lines(body))


def _read(number: int, line: str) -> Line:
    found = _COMMAND.match(line) if line.startswith(".") else None
    if found is None:
        return Line(number, Word.TEXT, line)
    name = found[1].upper()
    if name in _WORDS:
        return Line(number, _WORDS[name], (found[2] or "").strip())
    known = name in WITHOUT_EFFECT
    return Line(number, Word.NOTHING if known else Word.TEXT, line)


def faults(body: str) -> Iterator[Fault]:
    """What is wrong with the commands of a form; lines from 1."""
    lines = read_lines(body)
    for line in lines:
        text = _fault(line)
        if text:
            yield Fault(line.number + 1, text)
    yield from _unbalanced(lines)


def without_effect(body: str) -> Iterator[Fault]:
    """The commands of a form that are read over, with the reason."""
    for line in read_lines(body):
        found = _COMMAND.match(line.text) if line.word is Word.NOTHING else None
        if found and found[1].upper() in WITHOUT_EFFECT:
            name = found[1].upper()
            reason = WITHOUT_EFFECT[name]
            text = f".{name} has no effect here" + (f": {reason}" if reason else "")
            yield Fault(line.number + 1, text)


def _fault(line: Line) -> str:
    """What is wrong with one line, "" where nothing is."""
    word, text = line.word, line.text
    if word is Word.TEXT and _COMMAND.match(text):
        return f"{text.split()[0][:10]} is no command of templates"
    if word in {Word.BEGIN, Word.STOP_IF} and not text:
        return f".{word.value} needs a condition, such as &LISTNAME = TEST-L"
    if word in {Word.ELSE, Word.END, Word.STOP} and text:
        return f".{word.value} stands alone on its line"
    if word is Word.FILLING and text.upper() not in {"ON", "OFF"}:
        return ".FO is followed by ON or OFF"
    if word is Word.REPLY and text.upper() != "OWNERS":
        return ".RE is followed by OWNERS"
    if word is Word.DATA and (not names_in(text) or " " in text):
        return ".DD is followed by one slot, such as &LISTHDR"
    if word is Word.IMBED and not FORM_NAME.fullmatch(text):
        return ".IM is followed by the name of a form"
    return ""


def _unbalanced(lines: Sequence[Line]) -> Iterator[Fault]:
    open_blocks: list[tuple[int, bool]] = []
    for line in lines:
        if line.word is Word.BEGIN:
            open_blocks.append((line.number, False))
            if len(open_blocks) == NESTING_MAX + 1:
                yield Fault(line.number + 1, f".BB stands more than {NESTING_MAX} deep")
        elif line.word in _BLOCKS and not open_blocks:
            yield Fault(line.number + 1, f".{line.word.value} without a .BB above it")
        elif line.word is Word.ELSE:
            at, has_else = open_blocks[-1]
            if has_else:
                yield Fault(line.number + 1, "a second .ELSE for one .BB")
            open_blocks[-1] = (at, True)
        elif line.word is Word.END:
            open_blocks.pop()
    for at, _ in open_blocks:
        yield Fault(at + 1, ".BB without an .EB below it")
