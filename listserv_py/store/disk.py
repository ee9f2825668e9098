"""What ails the disk: it is full, which passes, or it fails, which does not.

A full disk keeps nothing, and is tried again once there is room. Of one that fails nobody knows
what it kept: the server ends, and the next one reads what is really there.
"""

from __future__ import annotations

import errno
import os
import resource
import tempfile
from pathlib import Path

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_FAILING = frozenset({errno.EIO, errno.EROFS, errno.EUCLEAN, errno.ENXIO, errno.ENODEV})
_TRIAL = 1_000_000
"""Octets that must fit where there is room."""


def is_full(exc: BaseException) -> bool:
    """Whether this says that there is no room."""
    return isinstance(exc, OSError) and exc.errno in _FULL


def is_failing(exc: BaseException) -> bool:
    """Whether this says that the disk is broken, or has been made read-only because it is."""
    return isinstance(exc, OSError) and exc.errno in _FAILING


def has_no_room(folder: Path) -> bool:
    """Whether a write here failed for want of room: a quota, or a limit to the size of files."""
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)[0]
    sizes = [file.stat().st_size for file in folder.iterdir()]
    if limit != resource.RLIM_INFINITY and max(sizes, default=0) + _TRIAL > limit:
        return True
    try:
        with tempfile.TemporaryFile(dir=folder) as trial:
            os.posix_fallocate(trial.fileno(), 0, _TRIAL)
    except OSError as exc:
        return is_full(exc)
    return False
