"""Journals are synced while they are written: by how many, how soon, and in which order."""

import asyncio
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from delivery_rig import Clock, House, Sink, numbered, relay

from listserv_py.delivery.journal import BEGUN, SENT, Journals, marks
from listserv_py.delivery.through import LOOK_EVERY, MANY, WITHIN, Through

COPIES = 30_000
CHILD = "import sys, delivery_child as d; d.run(d.Path(sys.argv[1]), sys.argv[2], 4, 1)"


class Disk:
    """Syncs that take so long, while copies are taken over at so many a second: a clock as well."""

    def __init__(self, folder: Path, batches: int, *, each: float = 0.0, rate: float = 0.0) -> None:
        self.journals = Journals(folder)
        copies = COPIES // batches
        self.sections = [self.journals.section(copies) for _ in range(batches)]
        self.slots = [iter(one.enter([(1, 1)] * copies)) for one in self.sections]
        self.now, self.each, self.rate, self.syncs = 0.0, each, rate, 0
        self.unsynced: list[float] = []
        self.taken = 0
        self.worst_age, self.worst_many = 0.0, 0
        self.through = Through(
            folder, self.journals.in_use, lambda: None, sync=self.sync, clock=lambda: self.now
        )

    def take(self, many: int, state: int = SENT) -> None:
        """So many copies of each batch in turn are taken over now."""
        for _ in range(many):
            self.taken += 1
            at = self.taken % len(self.sections)
            self.sections[at].mark(next(self.slots[at]), state)
            self.unsynced += [self.now] if state == SENT else []

    def sync(self, _: int) -> None:
        """What is taken over meanwhile is not in it."""
        self.syncs += 1
        safe, self.unsynced = self.unsynced, []
        self.advance(self.each)
        self.worst_age = max([self.worst_age, *(self.now - one for one in safe)])
        self.worst_many = max(self.worst_many, len(safe) + len(self.unsynced))

    def advance(self, seconds: float) -> None:
        """Time goes on, millisecond by millisecond."""
        for _ in range(round(seconds * 1000)):
            self.now += 0.001
            self.take(int(self.now * self.rate) - int((self.now - 0.001) * self.rate))

    def run(self, seconds: float) -> int:
        """As the thread does; how many looks synced."""
        due = 0
        while self.now < seconds:
            before = self.syncs
            pause = self.through.look()
            due += self.syncs > before
            self.advance(pause)
        return due


@pytest.mark.parametrize("batches", [1, 50])
@pytest.mark.parametrize(
    ("each", "rate", "most"),
    [(0.001, 27_000, 500), (0.005, 20_000, 500), (0.005, 300, 500), (0.02, 4_000, 500),
     (0.03, 15_000, 2000)],
)  # fmt: skip
def test_what_a_power_cut_repeats_is_bounded_however_many_posts_there_are(
    tmp_path: Path, batches: int, each: float, rate: float, most: int
) -> None:
    """Where a sync is slow and the rate high at once: what goes out within 100 ms."""
    disk = Disk(tmp_path, batches, each=each, rate=rate)
    looks = disk.run(0.9)
    assert looks > 3
    assert disk.syncs == looks, "one for all the posts"
    assert disk.worst_age <= WITHIN + 0.001
    assert disk.worst_many <= most


def test_a_slow_disk_is_left_to_the_store_as_well(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 3, each=0.2, rate=1000)
    disk.run(4.0)
    assert disk.syncs * disk.each <= 2.2, "half of it"


def test_a_sync_is_due_after_so_many_copies_or_so_long(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 2)
    disk.take(2, BEGUN)
    assert (disk.through.look(), disk.syncs) == (LOOK_EVERY, 0)
    disk.take(MANY - 1)
    disk.through.look()
    assert disk.syncs == 0
    disk.take(1)
    disk.through.look()
    assert disk.syncs == 1
    disk.take(1)
    for _ in range(7):
        disk.advance(LOOK_EVERY)
        disk.through.look()
    assert disk.syncs == 1
    disk.advance(LOOK_EVERY * 2)
    disk.through.look()
    assert disk.syncs == 2
    disk.take(1)
    for section in disk.sections:
        section.remove()
    disk.advance(1.0)
    disk.through.look()
    assert disk.syncs == 2, "the store has all"


def test_two_journals_are_in_use_around_a_change(tmp_path: Path) -> None:
    disk = Disk(tmp_path, 1)
    second = disk.journals.section(COPIES)
    disk.sections.append(second)
    disk.slots.append(iter(second.enter([(1, 1)] * COPIES)))
    assert len(disk.journals.in_use()) == 2
    disk.take(4)
    disk.advance(1.0)
    disk.through.look()
    assert disk.syncs == 2
    disk.take(1)
    disk.advance(1.0)
    disk.through.look()
    assert disk.syncs == 3


def test_a_sync_that_fails_is_told_and_never_tried_again(tmp_path: Path) -> None:
    failed, syncs = threading.Event(), []

    def sync(descriptor: int) -> None:
        syncs.append(descriptor)
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    journals = Journals(tmp_path)
    section = journals.section(MANY)
    for slot in section.enter([(1, 1)] * MANY):
        section.mark(slot, SENT)
    through = Through(tmp_path, journals.in_use, failed.set, sync=sync)
    through.wake()
    assert failed.wait(60)
    through.wake()
    through.stop()
    assert len(syncs) == 1
    assert section.path.exists()


def test_workers_marks_are_seen_and_a_folder_that_cannot_be_synced_stops_nothing(
    tmp_path: Path,
) -> None:
    disk = Disk(tmp_path, 1)
    through = Through(tmp_path / "no", disk.journals.in_use, lambda: None, clock=lambda: disk.now)
    journal = marks(str(disk.sections[0].path))
    journal[next(disk.slots[0])] = SENT
    assert disk.sections[0].unsynced == 1
    disk.advance(1.0)
    through.look()
    assert disk.sections[0].unsynced == 0


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
