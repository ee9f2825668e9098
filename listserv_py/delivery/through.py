"""Writes the journals through to the disk, so that a power cut repeats few copies.

A thread of the server looks at the journals in use; what workers have marked in their mappings of
the same files it sees as well. It syncs when `MANY` copies were taken over since the last sync
began, or when the first of them could be older than `WITHIN` before the next one has ended: once,
however many posts are on their way. Nobody who sends waits for it. A sync that fails is never tried
again, for the second one would succeed and mean nothing: the server has to end (`failed`).
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path

from listserv_py.delivery.journal import Journal
from listserv_py.maillog import get_logger
from listserv_py.store.disk import is_failing

log = get_logger("delivery")

LOOK_EVERY = 0.01
MANY = 200
"""With what comes in between two looks no more than 500 at 27,000 copies a second, or at 20,000
where a sync takes 5 ms."""
WITHIN = 0.1
"""Seconds from when a copy was taken over until that is on the disk."""
REST = 3
"""On a slow disk so many times longer than the last sync took, as long as `WITHIN` allows, and once
as long at least: the store needs the disk as well."""


class Through:
    """See the module; made by the hand. `in_use` names the journals, `sync` is fdatasync."""

    def __init__(
        self,
        folder: Path,
        in_use: Callable[[], list[Journal]],
        failed: Callable[[], None],
        *,
        sync: Callable[[int], None] = os.fdatasync,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._in_use, self._failed = folder, in_use, failed
        self._fdatasync, self._clock = sync, clock
        self._named: set[Journal] = set()
        self._clean, self._took = clock(), 0.0
        self._some = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """A section was given out."""
        if not self._some.is_set():
            self._some.set()
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="journals", daemon=True)
            self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._over.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join()

    def look(self) -> float:
        """Sync what is due; the seconds until the next look."""
        now, journals = self._clock(), self._in_use()
        unsynced = sum(journal.unsynced for journal in journals)
        if not unsynced:
            self._clean = now
            return LOOK_EVERY
        if unsynced < MANY and now + LOOK_EVERY + self._took <= self._clean + WITHIN:
            return LOOK_EVERY
        self._sync(journals)
        self._clean = now
        took = self._took = self._clock() - now
        return max(LOOK_EVERY, min(REST * took, max(WITHIN - 2 * took, took)))

    def _run(self) -> None:
        pause = LOOK_EVERY
        while True:
            self._some.wait()
            if self._over.is_set():
                return
            # In this order: what is given out meanwhile sets it again.
            self._some.clear()
            if self._in_use():
                self._some.set()
            try:
                pause = self.look()
            except OSError as exc:
                log.critical("delivery.journal_not_synced", error=str(exc))
                self._failed()
                return
            # No plain sleep: after a sync of many seconds nobody could stop.
            self._over.wait(pause)

    def _sync(self, journals: Iterable[Journal]) -> None:
        changed = [journal for journal in journals if journal.unsynced]
        for journal in changed:
            descriptor = journal.begin_sync()
            if descriptor is None:
                continue
            try:
                self._fdatasync(descriptor)
            finally:
                os.close(descriptor)
        if not self._named.issuperset(changed):
            _sync_folder(self._folder)
        self._named = {*self._named.intersection(journals), *changed}


def _sync_folder(folder: Path) -> None:
    """So that the journal's name outlives a power cut; some file systems cannot, and need not."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
    except OSError as exc:
        if is_failing(exc):
            raise
