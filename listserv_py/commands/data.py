"""The data of a command: lines of a mail that belong to it and are no commands themselves.

PUT's are the header lines below it, which begin with `*`. A mail program breaks long lines, so that
the rest of one stands below it without any `*`: that is data as well, and a fault of it. If it were
not, half a header would be stored and its other half run as commands.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import takewhile

from listserv_py.commands.body import BLANKS
from listserv_py.commands.command import Line, shortest
from listserv_py.commands.syntax import first_word, fold
from listserv_py.commands.table import COMMANDS, QUIET

BROKEN_MAX = 20
"""How many lines a mail program may have made of one."""

_TAKERS = tuple(unit for unit in COMMANDS.units if unit.takes_data)
# What any of a mail's many lines has to begin with to be looked at closely.
_NAMES = (name for one in _TAKERS for name in (one.keyword, *one.synonyms))
_BEGINNINGS = (QUIET, *(fold(name)[: shortest(name)] for name in _NAMES))
_LONGEST = max(map(len, _BEGINNINGS))


TEXT_END = "/*"
HEADER = "LIST"
WITH_LIST = 3
"""Words of a line that stores a file: its name, its type, and the list's name."""
NAMES_MAX = 8
"""What has more words is a sentence."""
_PUT_NAMED = re.compile("|".join(("PUT", "CREATE")), re.IGNORECASE | re.ASCII)
_WORD = re.compile(r"[A-Z0-9][A-Z0-9._-]{0,31}", re.ASCII)
_NO_NAME = re.compile(r"PW=.*|\(.*", re.DOTALL)
_SIGNATURES = ("-- ", "-----BEGIN PGP SIGNATURE-----")
# A mail program that sends flowed text puts a blank before it (RFC 3676 4.4).
_STUFFED = re.compile(r" (?=>>> )")


def split_at_text(text: str) -> tuple[str, tuple[str, ...] | None]:
    """A mail down to a PUT of a text or file, and its lines; None where nothing puts one.

    They are taken as they stand, down to a `/*`: they may look like a quote, a signature or a
    command.
    """
    if not _PUT_NAMED.search(text):
        return text, None
    raw = text.replace("\u00a0", " ").split("\n")
    lines = [line.strip(BLANKS) for line in raw]
    at = next((at for at, line in enumerate(lines) if _puts(line, lines[at + 1 :])), None)
    if at is None:
        return text, None
    return "\n".join(raw[: at + 1]), _text_below(raw[at + 1 :])


def puts_text(line: str) -> bool:
    """Whether a command line means to store a text or file: PUT listname MAILTPL, not a header."""
    return bool(_names(line))


def _puts(line: str, below: Sequence[str]) -> bool:
    """The same for one of a mail's lines, among which may be somebody's sentence.

    One with wrong names is believed where an end mark below says that a text follows: else the
    lines of a file would be run as commands because its name has an umlaut.
    """
    names = _names(line)
    if not names:
        return False
    wrong = [name for name in names if not _WORD.fullmatch(name)]
    if len(names) <= WITH_LIST and not wrong:
        return True
    if len(names) == WITH_LIST and wrong == names[:1]:
        return True
    end = next((one for one in below if one == TEXT_END or one.startswith("//")), "")
    return end == TEXT_END


def _names(line: str) -> list[str]:
    """The words that name the text or file that a line stores; none where it stores no such."""
    if not _takes_data(line):
        return []
    words = [fold(word) for word in line.split()]
    words = words[2 if words[0] == QUIET else 1 :]
    names = list(takewhile(lambda word: not _NO_NAME.fullmatch(word), words))
    return names if 1 < len(names) <= NAMES_MAX and names[1] != HEADER else []


def _text_below(raw: Sequence[str]) -> tuple[str, ...]:
    """The lines of a text: to its end mark, or else to a signature below it."""
    ends = [line.strip() == TEXT_END for line in raw]
    if not any(ends):
        ends = [line.rstrip("\r") in _SIGNATURES for line in raw]
    end = ends.index(True) if any(ends) else len(raw)
    lines = [_STUFFED.sub("", line.rstrip("\r"), count=1) for line in raw[:end]]
    while lines and not lines[-1].strip(BLANKS):
        lines.pop()
    return _without_blank_head(lines)


def with_data(lines: Sequence[str]) -> tuple[Line, ...]:
    """The command lines among those of a mail, blank ones too, each with the data below it."""
    found: list[Line] = []
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if not line:
            continue
        end = _data_end(lines, at) if _takes_data(line) else at
        found.append(Line(line, line, data=_without_blank_head(lines[at:end])))
        at = end
    return tuple(found)


def _data_end(lines: Sequence[str], start: int) -> int:
    """Where the data ends that begins there: behind the last `*`, and what stands close below."""
    stop = start
    while stop < len(lines) and not _takes_data(lines[stop]):
        stop += 1
    last = max((at for at in range(start, stop) if lines[at].startswith("*")), default=None)
    if last is None:
        return start
    end = last + 1
    while end < min(stop, last + BROKEN_MAX) and lines[end] and not _is_command(lines[end]):
        end += 1
    return end


def _takes_data(line: str) -> bool:
    if not fold(line[:_LONGEST]).startswith(_BEGINNINGS):
        return False
    word = fold(_word(line))
    return any(unit.is_called(word) for unit in _TAKERS)


def _is_command(line: str) -> bool:
    return COMMANDS.find(_word(line)) is not None


def _word(line: str) -> str:
    word, rest = first_word(line)
    return first_word(rest)[0] if fold(word) == QUIET else word


def _without_blank_head(lines: Sequence[str]) -> tuple[str, ...]:
    first = next((at for at, line in enumerate(lines) if line.strip(BLANKS)), len(lines))
    return tuple(lines[first:])
