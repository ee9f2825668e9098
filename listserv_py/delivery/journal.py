"""The journal of a batch in hand: a small file that says which of its copies were taken over.

Written, though not synced, before the connection's next final dot, so that a kill -9 costs at most
one copy a connection again; removed once the store has recorded the batch. Its room is taken before
the first copy goes out, so that a full disk cannot keep an outcome from being noted. A record has
its own checksum: what does not check (room not used, or a power cut's rest) ends the reading.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from zlib import crc32

_KEY = struct.Struct("<QQ")
_RECORD = struct.Struct("<QQI")
_SEED = 0x4C53524A
SUFFIX = ".journal"
FOLDER = "journal"

Key = tuple[int, int | None]


class Journal:
    """One open journal."""

    __slots__ = ("_at", "_descriptor", "path")

    def __init__(self, path: Path, room: int) -> None:
        """Make the file with room for so many copies; OSError when the disk has none."""
        self.path = path
        self._at = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        self._descriptor = os.open(path, flags, 0o600)
        try:
            os.posix_fallocate(self._descriptor, 0, max(room, 1) * _RECORD.size)
        except OSError:
            self.remove()
            raise

    def note(self, mailing_id: int, subscriber_id: int | None) -> None:
        """Write down that a copy was taken over."""
        number = subscriber_id or 0
        check = crc32(_KEY.pack(mailing_id, number), _SEED)
        record = _RECORD.pack(mailing_id, number, check)
        self._at += os.pwrite(self._descriptor, record, self._at)

    @contextmanager
    def kept_on_success(self) -> Iterator[None]:
        """Remove it again when its batch could not be made."""
        try:
            yield
        except BaseException:
            self.remove()
            raise

    def close(self) -> None:
        """Let go of the file and leave it: the store could not record the batch."""
        os.close(self._descriptor)

    def remove(self) -> None:
        """The store has recorded the batch."""
        self.close()
        self.path.unlink(missing_ok=True)


def read_all(folder: Path) -> tuple[list[Path], list[Key]]:
    """The journals that a crash left behind, and what they say."""
    files = sorted(folder.glob(f"*{SUFFIX}"))
    return files, [key for file in files for key in read(file.read_bytes())]


def read(raw: bytes) -> Iterator[Key]:
    """The sound records from the front; the first bad one ends it."""
    for at in range(0, len(raw) - _RECORD.size + 1, _RECORD.size):
        mailing_id, number, check = _RECORD.unpack_from(raw, at)
        if crc32(_KEY.pack(mailing_id, number), _SEED) != check:
            return
        yield mailing_id, number or None


def clear(data_dir: Path) -> None:
    """Forget all journals: what they say is of another database (after a restore)."""
    for file in (data_dir / FOLDER).glob(f"*{SUFFIX}"):
        file.unlink()
