"""How memory goes back to the system: a few large mails must not leave the process large.

glibc raises by itself the size from which a block is a mapping of its own, up to 32 MB, as soon as
one is freed. From then on large mails lie in heaps between small blocks, which hold the room fast.
"""

import contextlib
import ctypes

_M_MMAP_THRESHOLD = -3
LARGE = 1 << 20
"""Well above the 256 kB that asyncio asks for at each read: those must not become mappings."""


def give_back_large_blocks() -> None:
    """Keep large blocks apart for good; does nothing where the C library is another one."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).mallopt(_M_MMAP_THRESHOLD, LARGE)
