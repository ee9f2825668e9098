"""The journal of a batch in hand: a small file that says which of its copies were taken over.

It names the copies once, then holds one byte for each, which is written through a shared mapping:
what stands there outlives the death of the process, whoever it is that sends (the server or one of
its workers), without a system call a copy. SENT is noted before the connection's next final dot, so
that a kill -9 costs at most one copy a connection again. The file's room is taken before the first
copy goes out, so that a full disk cannot keep an outcome from being noted; it is removed once the
store has recorded all its batches. `through.py` syncs it while it is written. Names that do not
check (a power cut's rest) end the reading.
"""

from __future__ import annotations

import mmap
import os
import struct
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

_HEAD = struct.Struct("<4sII")
_MAGIC = b"LSJ2"
_KEY = struct.Struct("<QQ")
_FLAGS = os.O_RDWR | os.O_CLOEXEC
SUFFIX = ".journal"
FOLDER = "journal"

WAITING, BEGUN, SENT = 0, 1, 2
"""A copy's byte: its transaction has not begun; has begun; the other side took the copy over."""

Key = tuple[int, int | None]


class Journal:
    """One open journal; a copy's `slot` is its place in the list given to `enter`."""

    __slots__ = ("_base", "_descriptor", "_end", "_guard", "_map", "_shares", "_synced", "path")

    def __init__(self, path: Path, room: int) -> None:
        """Make the file with room for so many copies; OSError when the disk has none."""
        self.path = path
        self._base = self._end = self._shares = self._synced = 0
        self._guard = threading.Lock()
        descriptor = os.open(path, _FLAGS | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            size = _HEAD.size + room * (_KEY.size + 1)
            os.posix_fallocate(descriptor, 0, size)
            self._map = mmap.mmap(descriptor, size)
        except OSError:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        self._descriptor = descriptor

    def enter(self, keys: Sequence[Key]) -> None:
        """Name the copies, not more than there is room for."""
        numbers = [number for mailing, person in keys for number in (mailing, person or 0)]
        packed = struct.pack(f"<{len(numbers)}Q", *numbers)
        self._map[: _HEAD.size] = _HEAD.pack(_MAGIC, len(keys), crc32(packed))
        base = _HEAD.size + len(packed)
        self._map[_HEAD.size : base] = packed
        self._base, self._end = base, base + len(keys)

    def mark(self, slot: int, state: int) -> None:
        """Note how far a copy has come."""
        self._map[self._base + slot] = state

    def state(self, slot: int) -> int:
        """How far a copy has come, whoever sends it."""
        return self._map[self._base + slot]

    def share(self) -> Journal:
        """The same journal for one more batch."""
        self._shares += 1
        return self

    @contextmanager
    def kept_on_success(self) -> Iterator[None]:
        """Remove it again when its batch could not be made."""
        try:
            yield
        except BaseException:
            self.remove()
            raise

    # For the thread that syncs it, while another may close it.

    @property
    def is_open(self) -> bool:
        """Whether it is still written to."""
        return self._descriptor >= 0

    @property
    def unsynced(self) -> int:
        """How many copies were taken over since the last sync began."""
        with self._guard:
            return self._taken() - self._synced if self.is_open else 0

    def begin_sync(self) -> int | None:
        """A descriptor to sync, then to close: what is marked by now; None when all is over."""
        with self._guard:
            if not self.is_open:
                return None
            self._synced = self._taken()
            return os.dup(self._descriptor)

    def _taken(self) -> int:
        return self._map[self._base : self._end].count(SENT)

    def close(self) -> None:
        """Let go of the file and leave it."""
        with self._guard:
            if self.is_open:
                self._map.close()
                os.close(self._descriptor)
                self._descriptor = -1

    def remove(self) -> None:
        """The store has recorded a batch: with the last one the file goes."""
        if self._shares:
            self._shares -= 1
            return
        self.close()
        self.path.unlink(missing_ok=True)


class Marks:
    """The journal of somebody else's batch, opened by who sends its copies."""

    __slots__ = ("_base", "_map")

    def __init__(self, path: str) -> None:
        """Open it; OSError or ValueError when there is no such journal."""
        descriptor = os.open(path, _FLAGS)
        try:
            self._map = mmap.mmap(descriptor, 0)
        finally:
            os.close(descriptor)
        many: int = _HEAD.unpack_from(self._map)[1]
        self._base = _HEAD.size + many * _KEY.size

    def mark(self, slot: int, state: int) -> None:
        """Note how far a copy has come."""
        self._map[self._base + slot] = state

    def state(self, slot: int) -> int:
        """How far a copy has come."""
        return self._map[self._base + slot]

    def close(self) -> None:
        """Let go of it."""
        self._map.close()


def read_all(folder: Path) -> tuple[list[Path], list[Key]]:
    """The journals that a crash left behind, and what they say was taken over."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    return files, [key for file in files for key in read(file.read_bytes())]


def read(raw: bytes) -> Iterator[Key]:
    """Which copies were taken over; none when the names are not sound."""
    if len(raw) < _HEAD.size:
        return
    magic, many, check = _HEAD.unpack_from(raw)
    base = _HEAD.size + many * _KEY.size
    names, states = raw[_HEAD.size : base], raw[base : base + many]
    if magic != _MAGIC or len(states) < many or crc32(names) != check:
        return
    for state, (mailing_id, number) in zip(states, _KEY.iter_unpack(names), strict=True):
        if state == SENT:
            yield mailing_id, number or None


def clear(data_dir: Path) -> None:
    """Forget all journals: what they say is of another database (after a restore)."""
    for file in (data_dir / FOLDER).glob(f"*{SUFFIX}"):
        file.unlink()
