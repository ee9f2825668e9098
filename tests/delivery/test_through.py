"""Journals are synced while they are written: by how many, how soon, and in which order."""

import asyncio
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from delivery_rig import Clock, House, Sink, numbered, relay

from listserv_py.delivery.journal import BEGUN, SENT, Journal
from listserv_py.delivery.through import LONG, MANY, Through

CHILD = "import sys, delivery_child as d; d.run(d.Path(sys.argv[1]), sys.argv[2], 4, 1)"


def test_a_sync_is_due_after_so_many_copies_or_so_long(tmp_path: Path) -> None:
    through = Through(tmp_path)
    first, second = (Journal(tmp_path / f"{n}.journal", MANY) for n in range(2))
    for journal in (first, second):
        journal.enter([(1, n) for n in range(MANY)])
        through.add(journal)
    through.stop()  # the thread: here we look ourselves
    for slot in range(MANY - 1):
        first.mark(slot, SENT)
    second.mark(0, BEGUN)
    assert through.look(10.0) == 0
    assert through.look(10.0 + LONG / 2) == 0
    second.mark(0, SENT)
    assert through.look(10.0 + LONG / 2) == MANY
    assert through.look(11.0) == 0
    second.mark(1, SENT)
    assert through.look(12.0) == 0
    assert through.look(12.0 + LONG) == 1
    second.mark(2, SENT)
    second.close()
    first.close()
    assert through.look(13.0) == 0


def test_workers_marks_are_seen_and_the_folder_is_synced_first(tmp_path: Path) -> None:
    """The journal's name must outlive a power cut as well as what stands in it."""
    through = Through(tmp_path / "gone")
    journal = Journal(tmp_path / "1.journal", 1)
    journal.enter([(1, 1)])
    through.add(journal)
    through.stop()
    journal.mark(0, SENT)
    through.look(1.0)
    assert through.look(1.0 + LONG) == 1, "a folder that cannot be synced stops nothing"
    journal.close()


@pytest.mark.skipif(not shutil.which("strace"), reason="needs strace")
async def test_a_journal_is_synced_before_its_page_is_recorded(tmp_path: Path) -> None:
    """By system calls: the journal and its folder, then the database with the page."""
    trace, readers = tmp_path / "trace", 600
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(readers))
            await house.post()
        strace = ["strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(trace)]
        child = await asyncio.to_thread(
            subprocess.Popen,
            [*strace, sys.executable, "-c", CHILD, str(tmp_path), str(sink.port)],
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(40):
                await sink.has_taken(readers)
        finally:
            os.killpg(child.pid, signal.SIGKILL)
            await asyncio.to_thread(child.wait)
    calls = re.findall(r"(\w+)\(\d+<.*?/([\w.-]+)>", trace.read_text())
    first = next(at for at, (_, name) in enumerate(calls) if name.endswith(".journal"))
    assert calls[first][0] == "fdatasync"
    assert ("fsync", "journal") in calls[first:]
