"""The people of a dataset, `user@host Full Name` a line, read at once and apart from any list.

Reading a hundred thousand lines takes a second, so it is done before the turn and kept with the
command: what waits for a code waits as it was read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from listserv_py.commands.manners import NAME_KEPT, kept_name
from listserv_py.commands.syntax import person_in
from listserv_py.errors import BadAddress
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

FAULT_SHOWN = 60

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Roster:
    """Addresses as they are written, each once, with names or ""; and the lines that hold none.

    A fault is the line's number and the line. `is_whole` is False where the dataset was cut off or
    there were two of its name: nothing may be done by half of it.
    """

    rows: tuple[Row, ...]
    faults: tuple[tuple[int, str], ...] = ()
    is_whole: bool = True

    def __len__(self) -> int:
        return len(self.rows)


def read_roster(lines: Sequence[str]) -> Roster:
    """The people in the lines; of an address that stands there twice the first line counts."""
    rows: dict[str, Row] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            mailbox, name = _person(line)
        except BadAddress:
            faults.append((number, line[:FAULT_SHOWN]))
        else:
            rows.setdefault(mailbox.key, (str(mailbox), name))
    return Roster(tuple(rows.values()), tuple(faults))


def _person(line: str) -> tuple[Mailbox, str]:
    if "<" in line or line.startswith('"'):
        mailbox, name = person_in(line)
        return mailbox, kept_name(name)
    word, _, name = line.partition(" ")
    return parse_mailbox(word), _kept(name)


def _kept(name: str) -> str:
    """`kept_name`, quickly for a plain name."""
    if name == "*":
        return ""
    if len(name) <= NAME_KEPT and name.replace(" ", "").isalpha():
        return " ".join(name.split())
    return kept_name("" if name.strip() == "*" else name)
