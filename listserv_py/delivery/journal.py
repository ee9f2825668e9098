"""The journal of what is in hand: a file that says which copies were taken over.

Each batch has a section of it, which names its copies once, then holds one byte for each, written
through a shared mapping: what stands there outlives the death of the process, whoever it is that
sends (the server or one of its workers), without a system call a copy. SENT is noted before the
connection's next final dot, so that a kill -9 costs at most one copy a connection again. The file's
room is taken before the first copy goes out, so that a full disk cannot keep an outcome from being
noted. No place is ever used twice: after a power cut an old mark might stand beside a new name. A
section is blotted out once the store has recorded its batch, and the file goes with the last.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple
from zlib import crc32

_HEAD = struct.Struct("<4sII")
_MAGIC = b"LSJ3"
_BLOT = bytes(len(_MAGIC))
_KEY = struct.Struct("<QQ")
_FLAGS = os.O_RDWR | os.O_CLOEXEC
_GRID = 64
"""Sections begin at multiples of it: what a power cut garbled hides none that comes behind it."""
SUFFIX = ".journal"
FOLDER = "journal"
SIZE = 512 * 1024
"""Octets of a file: six times what is in hand of posts, so that two at most are in use at once."""

WAITING, BEGUN, SENT = 0, 1, 2
"""A copy's byte: its transaction has not begun; has begun; the other side took the copy over."""

Key = tuple[int, int | None]


class Journal:
    """One open file."""

    def __init__(self, path: Path, size: int = SIZE) -> None:
        """Make the file; OSError when the disk has no room for it."""
        self.path = path
        self._at, self._size = 0, size
        self._guard = threading.Lock()
        self._sections: set[Section] = set()
        self._is_last = True
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
            self.marks = mmap.mmap(descriptor, size)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._descriptor = descriptor

    def section(self, room: int) -> Section | None:
        """A section with room for so many copies; None: the file is full."""
        size = _room(room)
        if self._at + size > self._size:
            return None
        found = Section(self, self._at)
        self._at += size
        with self._guard:
            self._sections.add(found)
        return found

    def end(self) -> None:
        """It gives out no more sections."""
        self._is_last = False
        self._go_if_done()

    def done(self, section: Section) -> None:
        """The store has recorded what stands there."""
        with self._guard:
            self._sections.discard(section)
        self._go_if_done()

    def _go_if_done(self) -> None:
        if not self._sections and not self._is_last and self.is_open:
            self.close()
            self.path.unlink(missing_ok=True)

    def close(self) -> None:
        """Let go of the file and leave it."""
        with self._guard:
            if self.is_open:
                self.marks.close()
                os.close(self._descriptor)
                self._descriptor = -1

    # For the thread that syncs it, while another may close it.

    @property
    def is_open(self) -> bool:
        """Whether it is still written to."""
        return self._descriptor >= 0

    @property
    def is_in_use(self) -> bool:
        """Whether a batch has a section of it."""
        return self.is_open and bool(self._sections)

    @property
    def unsynced(self) -> int:
        """How many copies were taken over since the last sync began."""
        with self._guard:
            return sum(one.unsynced for one in self._sections) if self.is_open else 0

    def begin_sync(self) -> int | None:
        """A descriptor to sync, then to close: what is marked by now; None when all is over."""
        with self._guard:
            if not self.is_open:
                return None
            for one in self._sections:
                one.begin_sync()
            return os.dup(self._descriptor)


class Section:
    """A batch's part of a journal; a copy's slot is the place of its byte in the file."""

    __slots__ = ("_begin", "_first", "_journal", "_last", "_marks", "_shares", "_synced", "path")

    def __init__(self, journal: Journal, begin: int) -> None:
        self._journal, self._begin = journal, begin
        self.path, self._marks = journal.path, journal.marks
        self._first = self._last = self._shares = self._synced = 0

    def enter(self, keys: Sequence[Key]) -> range:
        """Name the copies, not more than there is room for; their slots."""
        numbers = [number for mailing, person in keys for number in (mailing, person or 0)]
        packed = struct.pack(f"<{len(numbers)}Q", *numbers)
        names = self._begin + _HEAD.size
        first = names + len(packed)
        self._marks[names:first] = packed
        self._marks[self._begin : names] = _HEAD.pack(_MAGIC, len(keys), crc32(packed))
        # In this order: whoever counts meanwhile must not count names.
        self._first, self._last = first, first + len(keys)
        return range(first, self._last)

    def mark(self, slot: int, state: int) -> None:
        """Note how far a copy has come."""
        self._marks[slot] = state

    def state(self, slot: int) -> int:
        """How far a copy has come, whoever sends it."""
        return self._marks[slot]

    def share(self) -> Section:
        """The same section for one more batch."""
        self._shares += 1
        return self

    @contextmanager
    def kept_on_success(self) -> Iterator[None]:
        """Let go of it when its batch could not be made."""
        try:
            yield
        except BaseException:
            self.remove()
            raise

    def remove(self) -> None:
        """The store has recorded a batch: with the last one this is of no use."""
        if self._shares:
            self._shares -= 1
            return
        if self._last:
            self._marks[self._begin : self._begin + len(_BLOT)] = _BLOT
        self._journal.done(self)

    @property
    def unsynced(self) -> int:
        """See Journal."""
        return self._taken() - self._synced

    def begin_sync(self) -> None:
        """See Journal."""
        self._synced = self._taken()

    def _taken(self) -> int:
        return self._marks[self._first : self._last].count(SENT)


class Journals:
    """The journals of one run, one behind the other; from the last one sections are given out."""

    def __init__(self, folder: Path, size: int = SIZE) -> None:
        self._folder, self._size = folder, size
        self._number = 0
        self._last: Journal | None = None
        self._all: list[Journal] = []

    def section(self, room: int) -> Section:
        """A new section; OSError when the disk has no room for one more file."""
        found = self._last.section(room) if self._last is not None else None
        if found is not None:
            return found
        last = self._begin(_room(room))
        if self._last is not None:
            self._last.end()
        self._last = last
        self._all = [one for one in self._all if one.is_open] + [last]
        found = last.section(room)
        if found is None:
            raise AssertionError("a new file has room")
        return found

    def in_use(self) -> list[Journal]:
        """Those that batches have sections of."""
        return [one for one in self._all if one.is_in_use]

    def close(self) -> None:
        """Give out no more; a file in which batches are left stays."""
        if self._last is not None:
            self._last.end()
            self._last = None

    def _begin(self, least: int) -> Journal:
        path = self._folder / f"{os.getpid()}-{self._number}{SUFFIX}"
        self._number += 1
        try:
            return Journal(path, max(self._size, least))
        except OSError as exc:
            if exc.errno not in (errno.ENOSPC, errno.EDQUOT):
                raise
        return Journal(path, least)


def _room(many: int) -> int:
    """Octets of a section for so many copies."""
    return -(-(_HEAD.size + many * (_KEY.size + 1)) // _GRID) * _GRID


def marks(path: str) -> mmap.mmap:
    """The bytes of somebody else's journal, for who sends its copies; OSError, ValueError."""
    descriptor = os.open(path, _FLAGS)
    try:
        return mmap.mmap(descriptor, 0)
    finally:
        os.close(descriptor)


class Left(NamedTuple):
    """What a run that was killed left behind: its copies that had begun, and those taken over."""

    files: list[Path]
    begun: frozenset[Key]
    taken: list[Key]


def read_all(folder: Path) -> Left:
    """The journals in a folder, and what they say."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    found = [pair for file in files for pair in read(file.read_bytes())]
    return Left(
        files,
        frozenset(key for key, state in found if state == BEGUN),
        [key for key, state in found if state == SENT],
    )


def read(raw: bytes) -> Iterator[tuple[Key, int]]:
    """How far each copy has come, of the sections whose names are sound."""
    at = raw.find(_MAGIC)
    while 0 <= at <= len(raw) - _HEAD.size:
        _, many, check = _HEAD.unpack_from(raw, at)
        base = at + _HEAD.size + many * _KEY.size
        names, states = raw[at + _HEAD.size : base], raw[base : base + many]
        if at % _GRID == 0 and len(states) == many and crc32(names) == check:
            for state, (mailing_id, number) in zip(states, _KEY.iter_unpack(names), strict=True):
                yield (mailing_id, number or None), state
            at = base + many - 1
        at = raw.find(_MAGIC, at + 1)


def clear(data_dir: Path) -> None:
    """Forget all journals: what they say is of another database (after a restore)."""
    for file in (data_dir / FOLDER).glob(f"*{SUFFIX}"):
        file.unlink()
