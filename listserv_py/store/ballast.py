"""Room on the disk that is taken while there is plenty, and given up when there is none left.

Another program may fill the disk to its last octet. What is under way must still be recorded, or
it would stop after a few thousand copies: a file that holds nothing is removed then, and the door,
which goes by what is free, stays shut. It is taken again once there is plenty.
"""

from __future__ import annotations

import os
from pathlib import Path

NAME = "reserve"
SIZE = 8_000_000
PART = 16
"""On a small disk no more than such a part of it."""
LEAST = 1_000_000
PLENTY = 8
"""It is taken where so many times as much is free."""


class Ballast:
    """The file; `folder` is the data folder."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / NAME

    def take(self) -> None:
        """Take the room, if there is plenty and it is not taken yet."""
        found = os.statvfs(self._path.parent)
        size = min(SIZE, found.f_blocks * found.f_frsize // PART)
        if self._path.exists() or found.f_bavail * found.f_frsize < PLENTY * size:
            return
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        descriptor = os.open(self._path, flags, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, size)
        except OSError:
            self.drop()
            raise
        finally:
            os.close(descriptor)

    def drop_if_needed(self) -> None:
        """Before a start: on a full disk nothing could even be opened."""
        found = os.statvfs(self._path.parent)
        if found.f_bavail * found.f_frsize < LEAST:
            self.drop()

    def drop(self) -> bool:
        """Give the room up; whether there was any."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        return True
