"""Old archives as they come: mbox files, Maildirs, pipermail's monthly texts, a mail at a time.

Nothing is left out in silence: what is no mail is told with its reason. A line `From …` begins a
mail only where it looks like one of an mbox file, with a time and a year, and stands behind an
empty line or above a header; for many an old archiver quoted none of those that people wrote.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from errno import ENOENT, ENOTDIR
from itertools import chain, pairwise
from pathlib import Path
from typing import IO

MAIL_MAX = 64_000_000
LINE_MAX = 1_000_000

_BEGINS = re.compile(
    rb"From .{0,300}\b\d{1,2}:\d\d(?::\d\d)?\b.{0,60}\b(?:19|20)\d\d\b|From \S+(?:\s+\S+)?\s*$"
)
_STRICT = re.compile(rb"From .{0,300}\b\d{1,2}:\d\d(?::\d\d)?\b.{0,60}\b(?:19|20)\d\d\b")
_FIELD = re.compile(rb"[!-9;-~]{1,60}:[ \t]")
_QUOTED = re.compile(rb"^>(?=>*From )", re.MULTILINE)
_DATE = re.compile(
    rb"([A-Z][a-z]{2}) +([A-Z][a-z]{2}) +(\d{1,2}) +(\d\d?:\d\d(?::\d\d)?)[^\n]*?((?:19|20)\d\d)"
)
_VEILED = re.compile(rb"^From: *(\S+) at (\S+\.\S+?)(?: +\(([^\r\n]*)\))? *(\r?)$", re.MULTILINE)
_MONTHS = ("Ja", "F", "Mar", "Ap", "May", "Jun", "Jul", "Au", "S", "O", "N", "D")
_PIPERMAIL = re.compile(r"(\d{4})-?(\w*)")

Show = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail, CRLF line ends; `at` is when it was filed, None where nothing says so."""

    where: str
    raw: bytes
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Lost:
    """What cannot be taken in, and why."""

    where: str
    reason: str


def read_mbox(path: Path, show: Show) -> Iterator[Mail | Lost]:
    """The mails of an mbox file; `show` hears how many octets have been read."""
    with path.open("rb") as file:
        yield from _split(file, path.name, show)


def read_maildir(path: Path, show: Show) -> Iterator[Mail | Lost]:
    """The mails of a Maildir, by their names, which begin with their times."""
    if not any((path / sub).is_dir() for sub in ("cur", "new")):
        raise NotADirectoryError(ENOTDIR, "no Maildir: no folders cur and new in it", str(path))
    found = [file for sub in ("cur", "new") for file in (path / sub).glob("*") if file.is_file()]
    done = 0
    for file in sorted(found, key=lambda one: (_seconds(one.name), one.name)):
        try:
            if file.stat().st_size > MAIL_MAX:
                yield Lost(file.name, _too_large())
                continue
            raw = file.read_bytes()
        except OSError as exc:
            yield Lost(file.name, exc.strerror or str(exc))
            continue
        done += len(raw)
        show(done)
        at = datetime.fromtimestamp(_seconds(file.name) or file.stat().st_mtime, UTC)
        yield _mail(file.name, raw, at)


def read_pipermail(path: Path, show: Show) -> Iterator[Mail | Lost]:
    """The mails of pipermail's `.txt` and `.txt.gz` files: one of them, or a folder's, by month."""
    files = [path] if path.is_file() else [*path.glob("*.txt"), *path.glob("*.txt.gz")]
    if not files:
        raise FileNotFoundError(ENOENT, "no archive of pipermail: no *.txt in it", str(path))
    plain = {file.name for file in files}
    done = 0
    for file in sorted(files, key=_month):
        if file.name.endswith(".gz") and file.name.removesuffix(".gz") in plain:
            continue  # the same month twice
        opener = gzip.open if file.name.endswith(".gz") else open
        try:
            with opener(file, "rb") as content:
                for found in _split(content, file.name, lambda _: None):
                    yield _unveiled(found)
        except (OSError, EOFError, zlib.error) as exc:
            yield Lost(file.name, f"cannot be read on: {exc}")
        done += file.stat().st_size
        show(done)


def octets(path: Path) -> int:
    """How much there is to read, for a bar."""
    if path.is_file():
        return path.stat().st_size
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file())


READERS: dict[str, Callable[[Path, Show], Iterator[Mail | Lost]]] = {
    "mbox": read_mbox,
    "maildir": read_maildir,
    "pipermail": read_pipermail,
}


def _split(file: IO[bytes] | gzip.GzipFile, name: str, show: Show) -> Iterator[Mail | Lost]:
    begun: bytes | None = None
    lines: list[bytes] = []
    number = size = read = 0
    is_blank = True
    for line, behind in pairwise(chain(iter(lambda: file.readline(LINE_MAX), b""), (b"",))):
        read += len(line)
        if _begins(line, behind, is_blank=is_blank, is_first=begun is None):
            if begun is not None or any(one.strip() for one in lines):
                number += 1
                yield _from_lines(f"{name}: mail {number}", begun, lines, size)
                show(read)
            begun, lines, size = line, [], 0
            is_blank = False
            continue
        size += len(line)
        if size <= MAIL_MAX:
            lines.append(line)
        is_blank = line in (b"\n", b"\r\n")
    if begun is not None or any(one.strip() for one in lines):
        number += 1
        yield _from_lines(f"{name}: mail {number}", begun, lines, size)
    show(read)


def _begins(line: bytes, behind: bytes, *, is_blank: bool, is_first: bool) -> bool:
    """Whether a mail begins; some archivers left out the empty line, others the time."""
    if not line.startswith(b"From "):
        return False
    is_above_header = _FIELD.match(behind) is not None
    if is_blank and (is_first or is_above_header):
        return _BEGINS.match(line) is not None
    return (is_blank or is_above_header) and _STRICT.match(line) is not None


def _from_lines(where: str, begun: bytes | None, lines: list[bytes], size: int) -> Mail | Lost:
    if size > MAIL_MAX:
        return Lost(where, _too_large())
    if lines and lines[-1] in (b"\n", b"\r\n"):
        lines = lines[:-1]  # the empty line in front of the next
    raw = _QUOTED.sub(b"", b"".join(lines))
    return _mail(where, raw, _date(begun or b""))


def _mail(where: str, raw: bytes, at: datetime | None) -> Mail | Lost:
    if not raw.strip():
        return Lost(where, "is empty")
    return Mail(where, raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n"), at)


def _too_large() -> str:
    return f"is larger than {MAIL_MAX // 1_000_000} MB"


def _date(line: bytes) -> datetime | None:
    """The time in a line that begins a mail of an mbox file."""
    found = _DATE.search(line)
    if found is None:
        return None
    _, month, day, clock, year = (one.decode("ascii") for one in found.groups())
    try:
        return parsedate_to_datetime(f"{day} {month} {year} {clock} +0000").astimezone(UTC)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _unveiled(found: Mail | Lost) -> Mail | Lost:
    """`joe at example.org (Joe Doe)` in From as the address that it was."""
    if isinstance(found, Lost):
        return found
    head, mark, body = found.raw.partition(b"\r\n\r\n")

    def address(match: re.Match[bytes]) -> bytes:
        name = (match[3] or b"").replace(b'"', b"")
        known = match[1] + b"@" + match[2]
        coded = name if name.startswith(b"=?") else b'"' + name + b'"'
        return b"From: " + (coded + b" <" + known + b">" if name else known) + match[4]

    return Mail(found.where, _VEILED.sub(address, head, count=1) + mark + body, found.at)


def _seconds(name: str) -> int:
    head = re.match(r"(\d{9,10})\b", name)
    return int(head[1]) if head else 0


def _month(file: Path) -> tuple[int, int, str]:
    """Where `2005-January.txt.gz` stands among its like."""
    found = _PIPERMAIL.match(file.name)
    if found is None:
        return 0, 0, file.name
    word = found[2].title()
    month = next((at for at, begins in enumerate(_MONTHS) if word and word.startswith(begins)), 0)
    return int(found[1]), month, file.name
