"""Files of subscribers: read in the three forms that lists come in, written in one of them.

Pure: text in, rows and faults out. A file with any fault is not imported at all, so a fault names
its line and the reader goes on, to name all of them at once. What only the server knows of a row is
judged where the rows are taken in, by the same line numbers.
"""

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import takewhile
from typing import TypeVarTuple

from listserv_py.control.rosters import Row
from listserv_py.errors import BadAddress, BadOptionValue, ListservError, UnknownOption
from listserv_py.lists.options import Options, apply_words
from listserv_py.mail.mailbox import parse_mailbox, read_author

Fields = TypeVarTuple("Fields")

COLUMNS = ("address", "name", "options", "subscribed")
NAME_MAX = 200
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
# A stored LISTSERV list has the name up to column 80 and LISTSERV's own coded data behind it.
_CODED = re.compile(r"(.{80})[A-Za-z0-9+/=]{8,20}")


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one line."""

    line: int
    text: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.text}"


class BadLine(ListservError):
    """A line that names nobody; the text says why."""


@dataclass(frozen=True, slots=True)
class Roster:
    """What a file held; `rows` counts for nothing when there are faults."""

    rows: tuple[Row, ...]
    faults: tuple[Fault, ...]


def read_roster(raw: bytes, on_line: Callable[[int], None] = lambda _line: None) -> Roster:
    """Read CSV, a LISTSERV list file or a Mailman 3 roster; `on_line` hears how far it is."""
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as exc:
        return Roster((), (Fault(raw.count(b"\n", 0, exc.start) + 1, "is not UTF-8"),))
    reader = _csv_lines if _is_csv(text) else _plain_lines
    rows: list[Row] = []
    faults: list[Fault] = []
    seen: dict[str, int] = {}
    for found in reader(text):
        on_line(found.number if isinstance(found, Row) else found.line)
        fault = found if isinstance(found, Fault) else _again(found, seen)
        if fault is not None:
            faults.append(fault)
        elif isinstance(found, Row):
            rows.append(found)
    return Roster(tuple(rows), tuple(faults))


def write_roster(rows: Iterable[Row]) -> Iterator[str]:
    """The CSV lines of a list, its header line first; `read_roster` reads them back exactly."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        when = row.subscribed.astimezone(UTC).isoformat() if row.subscribed else ""
        writer.writerow(
            (row.address, row.name, " ".join(row.options or ()), when.replace("+00:00", "Z"))
        )
        yield buffer.getvalue()
        buffer.seek(0)
        buffer.truncate()
    yield buffer.getvalue()


def _again(row: Row, seen: dict[str, int]) -> Fault | None:
    """The fault of a row whose address an earlier line has."""
    first = seen.setdefault(parse_mailbox(row.address).key, row.number)
    if first == row.number:
        return None
    return Fault(row.number, f"{row.address} stands on line {first}")


def _is_csv(text: str) -> bool:
    head = text.partition("\n")[0].strip().lower()
    return "address" in [column.strip(' "') for column in head.split(",")]


def _csv_lines(text: str) -> Iterator[Row | Fault]:
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        columns = [column.strip().lower() for column in next(reader)]
        unknown = [column for column in columns if column not in COLUMNS]
        if unknown or len(set(columns)) < len(columns):
            wanted = ",".join(COLUMNS)
            yield Fault(1, f"the columns are {','.join(columns)}; known are {wanted}, once each")
            return
        for cells in reader:
            if cells:
                yield _read(_cells, reader.line_num, columns, cells)
    except csv.Error as exc:
        yield Fault(reader.line_num, f"is not CSV: {exc}")


def _cells(line: int, columns: list[str], cells: list[str]) -> Row:
    if len(cells) != len(columns):
        raise BadLine(f"has {len(cells)} fields, the header line {len(columns)}")
    field = dict(zip(columns, cells, strict=True))
    return Row(
        number=line,
        address=_address(field["address"]),
        name=_name(field.get("name", "")),
        options=_options(field["options"]) if "options" in field else None,
        subscribed=_time(field.get("subscribed", "")),
    )


def _plain_lines(text: str) -> Iterator[Row | Fault]:
    """Lines `address name`, `Name <address>` or `address`; a LISTSERV header's begin with `*`."""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip() and not line.startswith(("*", "#")):
            yield _read(_plain, number, line.rstrip("\r"))


def _plain(line: int, text: str) -> Row:
    coded = _CODED.fullmatch(text)
    text = (coded[1] if coded else text).strip()
    author = read_author(text)
    if author is not None:
        return Row(line, str(author.mailbox), _name(author.name))
    address, _, name = text.partition(" ")
    return Row(line, _address(address), _name(name))


def _read(read: Callable[[int, *Fields], Row], line: int, *fields: *Fields) -> Row | Fault:
    try:
        return read(line, *fields)
    except BadLine as exc:
        return Fault(line, str(exc))


def _address(text: str) -> str:
    try:
        return str(parse_mailbox(text.strip(" \t")))
    except BadAddress as exc:
        raise BadLine(f"{exc.values[0]!r} is not an address") from exc


def _options(text: str) -> tuple[str, ...]:
    words = tuple(text.upper().split())
    # Which topics there are, the list knows.
    own = tuple(takewhile(lambda word: not word.startswith("TOPICS:"), words))
    try:
        apply_words(Options(), own, by_owner=True)
    except (UnknownOption, BadOptionValue) as exc:
        raise BadLine(f"{exc.values[0]!r}: no such option") from exc
    return words


def _name(text: str) -> str:
    text = text.strip(" \t")
    if len(text) > NAME_MAX:
        raise BadLine(f"the name is longer than {NAME_MAX} characters")
    if _CONTROL.search(text):
        raise BadLine("the name has a control character in it")
    return text


def _time(text: str) -> datetime | None:
    if not text.strip():
        return None
    try:
        when = datetime.fromisoformat(text.strip())
        return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
    except (ValueError, OverflowError) as exc:
        raise BadLine(f"{text[:40]!r} is no time; 2026-11-22T14:30:00Z is one") from exc
