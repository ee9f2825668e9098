"""Long runs of single ADD or DELETE lines, read as what they mean: a dataset.

Line by line a hundred thousand would take a turn of twenty seconds, in which no other mail is
decided on. So they are cut out of the text before the turn, where line by line they begin with the
same words. Each still counts for itself: one that cannot be done does not undo the others. Short
runs stay as they are, and each of their lines has its answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from listserv_py.commands.body import cleaned
from listserv_py.commands.bulk import LINES, TOLD_MAX
from listserv_py.mail.passwords import password_in, without_password

RUN_MIN = 200
"""With fewer lines than this, nothing is gained."""
TOLD_LINES_MAX = 5000
"""So many lines whose people are told of it are done; a longer run needs QUIET, as a dataset."""

_BEGINNING = re.compile(
    r"[ \t]*(QUIET[ \t]+)?(ADD(?:H|HE|HER|HERE)?|DEL(?:E|ET|ETE)?)[ \t]+[A-Z0-9._-]{1,32}[ \t]+",
    re.IGNORECASE | re.ASCII,
)
_DATASET = re.compile(r"(?:^|[ \t])DD=", re.IGNORECASE | re.ASCII)
_OR_PATTERN = re.compile(rf"[*(]|{_DATASET.pattern}", re.IGNORECASE | re.ASCII)


def cut_out(lines: Sequence[str]) -> tuple[list[str], dict[str, tuple[str, ...]]]:
    """The lines with each long run as one command, and the datasets that those name."""
    left: list[str] = []
    datasets: dict[str, tuple[str, ...]] = {}
    at = 0
    while at < len(lines):
        beginning = _BEGINNING.match(lines[at])
        end = max(_end(lines, at, beginning), at + 1) if beginning else at + 1
        if beginning is None or end - at < RUN_MIN:
            left += lines[at:end]
        else:
            for command, people in _parts(beginning, lines[at:end]):
                name = f"{LINES}{len(datasets) + 1}"
                datasets[name] = people
                left.append(command.format(name))
        at = end
    return left, datasets


def _end(lines: Sequence[str], at: int, beginning: re.Match[str]) -> int:
    """Where the lines end that begin alike, have the same proof, and are about one person each."""
    start, length = beginning[0], len(beginning[0])
    other = _DATASET if beginning[2].upper().startswith("ADD") else _OR_PATTERN
    proof = password_in(lines[at])
    while (
        at < len(lines)
        and lines[at].startswith(start)
        and not other.search(lines[at], length - 1)
        and password_in(lines[at]) == proof
    ):
        at += 1
    return at


def _parts(beginning: re.Match[str], run: Sequence[str]) -> Iterator[tuple[str, tuple[str, ...]]]:
    """The command of each part, with a place for the dataset's name, and its people."""
    proof = password_in(run[0])
    command = f"{beginning[0].strip()} DD={{}}{f' PW={proof}' if proof else ''}"
    is_told = beginning[1] is None and len(run) <= TOLD_LINES_MAX
    size = TOLD_MAX if is_told else len(run)
    people = [cleaned(line[len(beginning[0]) :]) for line in run]
    if proof:
        people = [without_password(one) for one in people]
    for start in range(0, len(people), size):
        yield command, tuple(people[start : start + size])
