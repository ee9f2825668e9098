"""Lines that a mail program wrapped: one command again, however it was broken (RFC 3676 4).

A flowed text says where it was wrapped: the line ends in a blank. People's own lines may end so as
well, and not every program takes that blank off; so what begins anew for us, a header line, a card,
a command behind a line that was too short to be wrapped, stays a line of its own.
"""

from __future__ import annotations

import re

from listserv_py.commands.body import BLANKS, is_ok
from listserv_py.commands.command import shortest
from listserv_py.commands.syntax import fold
from listserv_py.commands.table import COMMANDS, QUIET
from listserv_py.mail.mime import Part

WRAPPED_FROM = 60
"""No program breaks a line that would be shorter with the next word in it."""

_CARD = re.compile(r"\*(?:[\s.]|$|[A-Za-z-]+[ \t]*=)|/[/*]|>|\.[A-Za-z*]")
_SIGNATURE = "-- "
_NAMES = (name for unit in COMMANDS.units for name in (unit.keyword, *unit.synonyms))
# All abbreviations at once: a hostile mail has hundreds of thousands of short lines.
_COMMANDS = frozenset(
    [QUIET, *(fold(name)[:end] for name in _NAMES for end in range(shortest(name), len(name) + 1))]
)


def unwrapped(text: str, part: Part | None) -> str:
    """The text of a part, its wrapped lines joined where it says that it is flowed."""
    if part is None or part.params.get("format", "").lower() != "flowed":
        return text
    is_spaced = part.params.get("delsp", "").lower() == "yes"
    found: list[str] = []
    pieces: list[str] = []
    for raw in text.split("\n"):
        line = raw.rstrip("\r")
        is_quote = line.startswith(">")
        if not is_quote:
            line = line.removeprefix(" ")
        if pieces and (is_quote or _begins_anew(pieces[-1], line)):
            found.append(_joined(pieces))
        pieces.append(line if is_quote or not _is_wrapped(line) or not is_spaced else line[:-1])
        if is_quote or not _is_wrapped(line):
            found.append(_joined(pieces))
    return "\n".join([*found, _joined(pieces)] if pieces else found)


def _joined(pieces: list[str]) -> str:
    line = "".join(pieces)
    pieces.clear()
    return line


def _is_wrapped(line: str) -> bool:
    return line.endswith(" ") and line != _SIGNATURE and not is_ok(line.strip(BLANKS))


def _begins_anew(above: str, line: str) -> bool:
    """Whether a line that could go on another one does not."""
    word = line.partition(" ")[0].strip(BLANKS)
    if not word or line == _SIGNATURE or _CARD.match(line):
        return True
    if len(above) + len(word) >= WRAPPED_FROM or above.endswith(", "):
        return False
    return "@" in word or fold(word) in _COMMANDS
