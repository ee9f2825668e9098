"""The data of a command: lines of a mail that belong to it and are no commands themselves.

PUT's are the header lines below it, which begin with `*`. A mail program breaks long lines, so that
the rest of one stands below it without any `*`: that is data as well, and a fault of it. If it were
not, half a header would be stored and its other half run as commands.
"""

from __future__ import annotations

from collections.abc import Sequence

from listserv_py.commands.command import Command, Line
from listserv_py.commands.table import COMMANDS, split


def with_data(lines: Sequence[str]) -> tuple[Line, ...]:
    """The command lines among those of a mail, blank ones too, each with the data below it."""
    found: list[Line] = []
    at = 0
    while at < len(lines):
        line, at = lines[at], at + 1
        if not line:
            continue
        command = _command(line)
        end = _data_end(lines, at) if command is not None and command.takes_data else at
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
    while end < stop and lines[end] and _command(lines[end]) is None:
        end += 1
    return end


def _takes_data(line: str) -> bool:
    command = _command(line)
    return command is not None and command.takes_data


def _command(line: str) -> Command | None:
    return COMMANDS.find(split(line)[1])


def _without_blank_head(lines: Sequence[str]) -> tuple[str, ...]:
    first = next((at for at, line in enumerate(lines) if line), len(lines))
    return tuple(lines[first:])
