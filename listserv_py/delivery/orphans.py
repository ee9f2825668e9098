"""Workers that outlive a server which was killed: the next one sends nothing before they are gone.

Each worker holds a lock on a file of its own from before it lives until it is dead; nothing else
says so for certain.
"""

import asyncio
import contextlib
import fcntl
import os
import signal
from pathlib import Path

from listserv_py.delivery.process import LOCK
from listserv_py.maillog import get_logger

log = get_logger("delivery")

ORPHANS_MAY_TAKE = 5.0
LOOK_EVERY = 0.05


async def orphans_gone(folder: Path, patience: float = ORPHANS_MAY_TAKE) -> None:
    """Wait for workers whose server was killed; those that take too long are killed as well."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + patience
    for path in await asyncio.to_thread(lambda: sorted(folder.glob(f"*{LOCK}"))):
        descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        try:
            while not _is_free(descriptor):
                if loop.time() >= deadline:
                    _kill(descriptor)
                await asyncio.sleep(LOOK_EVERY)
        finally:
            os.close(descriptor)
        path.unlink(missing_ok=True)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _kill(descriptor: int) -> None:
    """Kill who holds the lock: the file names it, and while it is held it is alive."""
    words = os.pread(descriptor, 32, 0).split()
    if words:
        log.warning("delivery.orphan_killed", pid=int(words[0]))
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(int(words[0]), signal.SIGKILL)
