import os
from pathlib import Path
from types import SimpleNamespace

import pytest

from listserv_py.daemon.mailroom import Room


@pytest.mark.parametrize(
    ("total", "free", "is_enough"),
    [
        (10**12, 10**9, True),
        (10**12, 20_000_000, False),
        (10**7, 3_000_000, True),
        (10**7, 10, False),
    ],
)
def test_a_large_disk_keeps_a_reserve_and_a_small_one_a_quarter(
    monkeypatch: pytest.MonkeyPatch, total: int, free: int, is_enough: bool
) -> None:
    found = SimpleNamespace(f_frsize=1, f_blocks=total, f_bavail=free)
    monkeypatch.setattr(os, "statvfs", lambda _: found)

    assert Room(Path()).is_enough(10_000_000) is is_enough
