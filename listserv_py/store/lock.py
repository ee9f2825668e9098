"""The lock on the data folder: one process at a time writes the store.

The server holds it as long as it runs, the command line while it works without a server. The lock
belongs to the open file, not to its name: it goes with the process, however that ends.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from listserv_py.errors import ListservError


class FolderInUse(ListservError):
    """Another server or command is working on this data folder."""

    def __init__(self, data_dir: Path, holder: str) -> None:
        who = f"process {holder}" if holder else "another process"
        super().__init__(f"{data_dir}: in use by {who}")


@contextmanager
def lock(data_dir: Path) -> Iterator[None]:
    """Hold the folder's lock; FolderInUse when somebody else does."""
    descriptor = os.open(data_dir / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as exc:
            holder = os.pread(descriptor, 20, 0).decode("ascii", "replace").strip()
            raise FolderInUse(data_dir, holder) from exc
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)
