"""Fills a form in: conditions, imbedded forms, paragraphs, slots.

All of it is bounded: how deep forms take in each other, how many lines are looked at, and how much
comes out. A form that goes beyond is refused, whoever wrote it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from textwrap import wrap

from listserv_py.texts.language import NESTING_MAX, Line, Word, is_text, read_lines
from listserv_py.texts.slots import OUTPUT_MAX, BrokenForm, Slots, names_in

WIDTH = 72
DEPTH_MAX = 8
LINES_MAX = 5000
SUBJECT_MAX = 500


@dataclass(frozen=True, slots=True)
class Form:
    """A text with slots; the body has no blank line at either end and no final newline.

    `line`: where its body begins in the file, from 1. `fills`: lines are filled into paragraphs
    until `.FO OFF`. `is_ours`: it came with the program and may be of any size.
    """

    name: str
    subject: str
    body: str
    line: int = 1
    fills: bool = False
    is_ours: bool = True

    @property
    def slots(self) -> frozenset[str]:
        """The names that the form wants filled."""
        return names_in(self.subject) | names_in(self.body)


@dataclass(frozen=True, slots=True)
class Filled:
    """A form with its slots filled; the subject is one line.

    `to_owners`: answers go to the list's owners. `silent`: no mail is to be sent at all.
    """

    subject: str
    body: str
    to_owners: bool = False
    silent: bool = False


def fill(form: Form, slots: Slots, find: Callable[[str], Form | None]) -> Filled:
    """The form with its slots filled; `find` knows the forms that `.IM` takes in."""
    if slots.strict and not form.fills and is_text(form.body):
        return Filled(_subject(form.subject, slots), slots.fill(form.body))
    filler = _Filler(slots, find, is_ours=form.is_ours)
    filler.run(form, 0)
    filler.break_paragraph()
    subject = form.subject if filler.subject is None else filler.subject
    return Filled(_subject(subject, slots), "\n".join(filler.out), filler.to_owners, filler.silent)


def _subject(subject: str, slots: Slots) -> str:
    return " ".join(slots.fill(subject).split())[:SUBJECT_MAX]


class _Filler:
    """What has come out so far, and how much may still come."""

    def __init__(self, slots: Slots, find: Callable[[str], Form | None], *, is_ours: bool) -> None:
        self.out: list[str] = []
        self.subject: str | None = None
        self.to_owners = False
        self.silent = False
        self._slots = slots
        self._find = find
        self._is_ours = is_ours
        self._paragraph: list[str] = []
        self._lines = 0
        self._size = 0
        self._fills = False

    def run(self, form: Form, depth: int) -> None:
        """Take in a whole form."""
        if depth > DEPTH_MAX:
            raise BrokenForm(f".IM goes more than {DEPTH_MAX} forms deep")
        outer, self._fills = self._fills, form.fills
        blocks: list[bool] = []
        for line in read_lines(form.body):
            self._lines += 1
            if self._lines > LINES_MAX:
                raise BrokenForm(f"more than {LINES_MAX} lines are taken in")
            if self.silent:
                return
            if line.word in (Word.BEGIN, Word.ELSE, Word.END):
                self._block(line, blocks)
            elif all(blocks):
                self._take(line, depth)
        self.break_paragraph()
        self._fills = outer

    def _block(self, line: Line, blocks: list[bool]) -> None:
        if line.word is Word.BEGIN:
            if len(blocks) >= NESTING_MAX:
                raise BrokenForm(f".BB stands more than {NESTING_MAX} deep")
            blocks.append(self._slots.holds(line.text))
        elif not blocks:
            raise BrokenForm(f".{line.word.value} without a .BB above it")
        elif line.word is Word.ELSE:
            blocks[-1] = not blocks[-1]
        else:
            blocks.pop()

    def _take(self, line: Line, depth: int) -> None:
        match line.word:
            case Word.TEXT:
                self._text(line.text)
            case Word.SUBJECT:
                self.subject = line.text
            case Word.REPLY:
                self.to_owners = True
            case Word.STOP:
                self.silent = True
            case Word.STOP_IF:
                self.silent = self._slots.holds(line.text)
            case Word.IMBED:
                self._imbed(line.text, depth)
            case Word.CENTRE | Word.DATA | Word.FILLING:
                self._set_apart(line)

    def _set_apart(self, line: Line) -> None:
        """Commands that end a paragraph."""
        self.break_paragraph()
        if line.word is Word.FILLING:
            self._fills = line.text.upper() == "ON"
        elif line.word is Word.CENTRE:
            self._put(self._slots.fill(line.text).center(WIDTH).rstrip())
        else:
            self._put(self._slots.fill(line.text))

    def _imbed(self, name: str, depth: int) -> None:
        form = self._find(name)
        if form is None:
            raise BrokenForm(f".IM {name}: no form is called so")
        self.break_paragraph()
        self.run(form, depth + 1)

    def _text(self, text: str) -> None:
        if not self._fills:
            self._put(self._slots.fill(text))
            return
        filled = self._slots.fill(text)
        has_lines = "\n" in filled and self._slots.alone(text) is not None
        if not text.strip() or text[0] in " \t" or has_lines:
            self.break_paragraph()
            self._put(filled)
        else:
            self._count(filled)
            self._paragraph.append(filled)

    def break_paragraph(self) -> None:
        """End the paragraph that is being filled."""
        if self._paragraph:
            text = " ".join(self._paragraph)
            self.out += wrap(text, WIDTH, break_long_words=False, break_on_hyphens=False)
            self._paragraph.clear()

    def _put(self, text: str) -> None:
        self._count(text)
        self.out.append(text)

    def _count(self, text: str) -> None:
        self._size += len(text) + 1
        if self._size > OUTPUT_MAX and not self._is_ours:
            raise BrokenForm(f"it grows to more than {OUTPUT_MAX // 1024} kB")
