"""Where in an mbox file one mail ends and the next begins.

No two programs wrote these files alike, and many quoted no line `From …` that people had written.
Such a line begins a mail where it looks like the postmark of one: behind an empty line, above a
header, with a day and a time; the less of this there is, the more the rest has to say.
Content-Length is believed where every mail of the file has one, and each leads to the next: an
author may write any.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BufferedReader, FileIO
from os import SEEK_CUR, SEEK_END
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, BinaryIO, Protocol, cast

LINE_MAX = 1_000_000
HEAD = 65_536

_TIME, _YEAR = rb"\b\d{1,2}:\d\d(?::\d\d)?\b", rb"\b(?:19|20)\d\d\b"
_STRICT = re.compile(rb"From .{0,300}?(?:%b.{0,60}%b|%b.{0,60}%b)" % (_TIME, _YEAR, _YEAR, _TIME))
_DAY = re.compile(
    rb"From .{0,300}?\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?[ \t]+"
    rb"(?:[A-Z][a-z]{2}[ \t]+\d{1,2}|\d{1,2}[ \t]+[A-Z][a-z]{2})\b"
)
_LOOSE = re.compile(rb"From (?:\S+@\S+[ \t].{0,60}%b|\S+(?:[ \t]+\S+)?\s*$)" % _YEAR)
_FIELD = re.compile(
    rb">From |[!-9;-~]{1,60}:\s"
    rb"|(?i:return-path|received|message-id|date|from|to|subject|x-[!-9;-~]{1,40}):"
)
_LENGTH = re.compile(rb"content-length:[ \t]*(\d{1,12})\s*$", re.IGNORECASE)
_FROM, _BLANK = b"From ", (b"\n", b"\r\n")
_BOM = b"\xef\xbb\xbf"

Show = Callable[[int], None]


class Readable(Protocol):
    """What can be copied out of."""

    def read1(self, size: int, /) -> bytes:
        """So many octets or fewer, b"" at the end: what comes before a fault is had."""


_PACKED: dict[bytes, Callable[[BinaryIO], Readable]] = {
    b"\x1f\x8b": gzip.open,
    b"BZh": bz2.open,
    b"\xfd7zXZ": lzma.open,
}


@dataclass(frozen=True, slots=True)
class Piece:
    """What stands between two postmarks; `postmark` None: in front of the first one."""

    number: int
    postmark: bytes | None
    lines: tuple[bytes, ...]
    is_too_large: bool


@dataclass(frozen=True, slots=True)
class Box:
    """A file of mails as it can be read; `fault`: why it cannot be read to its end."""

    file: BinaryIO
    fault: str | None = None


@contextmanager
def opened(path: Path) -> Iterator[Box]:
    """A file of mails, unpacked where it is packed, its lines ended by LF or CRLF; or a pipe."""
    with BufferedReader(FileIO(path), HEAD) as file:
        head = file.peek()
        unpacked = next((to for mark, to in _PACKED.items() if head.startswith(mark)), None)
        if file.seekable() and unpacked is None and not _has_old_ends(head):
            yield Box(file)
            return
        with TemporaryFile() as copy:
            fault = _copy(unpacked(file) if unpacked else file, copy)
            copy.seek(0)
            yield Box(cast("BinaryIO", copy), fault)


def _has_old_ends(head: bytes) -> bool:
    """Whether lines end as they did on a Mac long ago: by CR alone."""
    return b"\r" in head and b"\n" not in head


def _copy(file: Readable, into: IO[bytes]) -> str | None:
    """Copy what can be read; why there is no more, None when that is all."""
    has_old_ends: bool | None = None
    try:
        while some := file.read1(HEAD):
            if has_old_ends is None:
                has_old_ends = _has_old_ends(some)
            into.write(some.replace(b"\r", b"\n") if has_old_ends else some)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as exc:
        return str(exc) or type(exc).__name__
    return None


def split(file: BinaryIO, show: Show, at_most: int) -> Iterator[Piece]:
    """The pieces of an mbox file, of more than `at_most` octets only the beginning."""
    splitter = _Splitter(file, at_most, _tells_lengths(file))
    for piece in splitter.pieces():
        yield piece
        show(splitter.read)
    show(splitter.read)


def _tells_lengths(file: BinaryIO) -> bool:
    """Whether each mail of the file has a Content-Length, and all of them lead to the next one.

    One alone proves nothing.
    """
    size, many = file.seek(0, SEEK_END), 0
    file.seek(0)
    while postmark := file.readline(LINE_MAX):
        if postmark in _BLANK:
            continue
        length = _length(file) if _STRICT.match(postmark) else None
        if length is None or file.seek(length, SEEK_CUR) > size:
            break
        many += 1
    ended = not postmark
    file.seek(0)
    return ended and many > 1


def _length(file: BinaryIO) -> int | None:
    """What the header that begins here says; the file is read to its end."""
    found = None
    while (line := file.readline(LINE_MAX)) and line not in _BLANK:
        found = _LENGTH.match(line) or found
    return int(found[1]) if found else None


@dataclass
class _Splitter:
    """How far the file is read, and the piece that is being read."""

    file: BinaryIO
    at_most: int
    tells_lengths: bool
    read: int = 0
    number: int = 0
    postmark: bytes | None = None
    lines: list[bytes] = field(default_factory=list)
    size: int = 0
    is_blank: bool = True
    in_header: bool = False
    length: int = 0
    until: int = 0

    def pieces(self) -> Iterator[Piece]:
        """All of them."""
        line = self.file.readline(LINE_MAX)
        ahead = len(line)
        line = line.removeprefix(_BOM)
        while line:
            behind = self.file.readline(LINE_MAX)
            start, self.read = self.read, ahead
            ahead += len(behind)
            if line.startswith(_FROM) and start >= self.until and self._begins(line, behind, start):
                yield from self._ended()
                self._begin(line)
            else:
                self._take(line)
            line = behind
        yield from self._ended()

    def _begins(self, line: bytes, behind: bytes, start: int) -> bool:
        is_first = self.postmark is None
        is_blank = self.is_blank or start == self.until > 0
        is_dated = _STRICT.match(line) is not None
        if _FIELD.match(behind):
            return is_dated or (is_blank and _LOOSE.match(line) is not None)
        if is_first and is_blank:
            return is_dated or _LOOSE.match(line) is not None
        return is_blank and is_dated and _DAY.match(line) is not None

    def _begin(self, postmark: bytes) -> None:
        self.postmark, self.lines, self.size = postmark, [], 0
        self.is_blank, self.in_header, self.length = False, True, 0

    def _take(self, line: bytes) -> None:
        self.size += len(line)
        if self.size <= self.at_most:
            self.lines.append(line)
        self.is_blank = line in _BLANK
        if self.in_header and self.tells_lengths:
            self._take_header(line)

    def _take_header(self, line: bytes) -> None:
        if self.is_blank:
            self.in_header = False
            self.until = self.read + self.length
        elif found := _LENGTH.match(line):
            self.length = int(found[1])

    def _ended(self) -> Iterator[Piece]:
        if self.postmark is None and not any(line.strip() for line in self.lines):
            return
        self.number += 1
        yield Piece(self.number, self.postmark, tuple(self.lines), self.size > self.at_most)
