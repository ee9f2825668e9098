"""A process that dies while it makes or upgrades the database: the next one finishes the work."""

import os
import resource
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from forked import Forked
from fresh_rig import put_database

from listserv_py.store.open import FILE, open_database


def tables(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / FILE)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        return dict(db.execute("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL"))


def die_at(folder: Path, octets: int) -> None:
    """Open it, and be killed by the write that makes any file longer than so many octets."""
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (octets, octets))
    open_database(folder)
    os._exit(0)


@pytest.mark.parametrize("octets", [5_000, 40_000, 100_000, 160_000, 300_000])
def test_killed_at_any_write_it_is_finished_by_the_next(tmp_path: Path, octets: int) -> None:
    fresh, killed = tmp_path / "fresh", tmp_path / "killed"
    fresh.mkdir()
    killed.mkdir()
    put_database(fresh)
    said = tmp_path / "said"
    child = Forked(die_at, killed, octets, output=said, errors=said)
    assert child.wait(30) == -signal.SIGXFSZ, said.read_text()
    open_database(killed).close()
    assert tables(killed) == tables(fresh)
