"""The people of a DISTRIBUTE: `address Full Name` a line, or a table with columns of their own.

A table's first line begins with `*TO` and names its columns, `*TO,*NAME,CITY`; the others are as
spreadsheets write them (RFC 4180), between commas, semicolons or tabs. Read before the turn, like
the people of any dataset.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass

from listserv_py.commands.body import BLANKS, cleaned
from listserv_py.commands.roster import FAULT_SHOWN, read_roster
from listserv_py.errors import BadAddress
from listserv_py.mail.mailbox import known_mailbox, parse_mailbox
from listserv_py.store.recipients import Row
from listserv_py.texts import merge

COLUMNS_MAX = 50
LINE_MAX = 10_000

_TABLE = re.compile(r"[ \t]*\"?\*TO\"?[ \t]*([,;\t]|$)", re.IGNORECASE)
_IGNORED = re.compile(r"BSMTP|\(.*", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Recipients:
    """Each address once, with its name and the columns; and the lines that hold none.

    `fault` says why the table as a whole cannot be read, "" where it can. `is_whole` is as in a
    Roster.
    """

    rows: tuple[Row, ...]
    columns: tuple[str, ...] = ()
    faults: tuple[tuple[int, str], ...] = ()
    fault: str = ""
    is_whole: bool = True


def read_recipients(lines: Sequence[str], *, is_whole: bool = True) -> Recipients:
    """The people of a dataset; of an address that stands there twice the first line counts."""
    first = next((at for at, line in enumerate(lines) if line.strip()), 0)
    table = _TABLE.match(lines[first]) if lines else None
    if table is None:
        roster = read_roster([cleaned(line) for line in lines])
        rows = tuple(_row(address, [_name(name)]) for address, name in roster.rows)
        return Recipients(rows, (), roster.faults, is_whole=is_whole)
    sign = table[1] or ","
    names = [name.strip().upper() for name in _cells(lines[first], sign) or ()]
    fault = _fault(names)
    if fault:
        return Recipients((), fault=fault, is_whole=is_whole)
    return _table(lines, first + 1, (sign, names), is_whole=is_whole)


def _table(
    lines: Sequence[str], start: int, head: tuple[str, list[str]], *, is_whole: bool
) -> Recipients:
    sign, names = head
    columns = tuple(name for name in names if name not in merge.ALWAYS)
    places = [names.index(name) if name in names else -1 for name in (merge.NAME, *columns)]
    rows: dict[str, Row] = {}
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(lines[start:], start + 1):
        if not line.strip():
            continue
        cells = _cells(line, sign)
        address = _address(cells[0]) if cells and len(cells) <= len(names) else ""
        if not cells or not address:
            faults.append((number, cleaned(line)[:FAULT_SHOWN]))
            continue
        said = [cells[at] if 0 <= at < len(cells) else "" for at in places]
        row = _row(address, said)
        rows.setdefault(row[1], row)
    return Recipients(tuple(rows.values()), columns, tuple(faults), is_whole=is_whole)


def _address(cell: str) -> str:
    """The address in a cell, "" when it is none."""
    try:
        return str(parse_mailbox(cell.strip(BLANKS)))
    except BadAddress:
        return ""


def _row(address: str, said: Sequence[str]) -> Row:
    return address, known_mailbox(address).key, tuple(merge.cleaned(one) for one in said)


def _name(name: str) -> str:
    """What stands behind an address is his name, but for words about the form of the mail."""
    return "" if _IGNORED.fullmatch(name) else name


def _cells(line: str, sign: str) -> list[str] | None:
    """One line of a table; None when its quotes do not close, or it is too long."""
    if len(line) > LINE_MAX:
        return None
    try:
        return next(csv.reader([line.rstrip("\r")], delimiter=sign, strict=True), [])
    except csv.Error:
        return None


def _fault(names: Sequence[str]) -> str:
    if not names or names[0] != merge.TO:
        return "its first column is not *TO"
    if len(names) > COLUMNS_MAX:
        return f"it has more than {COLUMNS_MAX} columns"
    wrong = [name for name in names if name not in merge.ALWAYS and not merge.is_column(name)]
    if wrong:
        return f"no column can be called {wrong[0][:40]!r}"
    twice = [name for name in names if names.count(name) > 1]
    return f"two columns are called {twice[0]}" if twice else ""
