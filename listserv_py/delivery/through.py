"""Writes the journals through to the disk, so that a power cut repeats few copies.

A thread of the server looks at all open journals while there are any; what workers have marked in
their mappings of the same files it sees as well. It syncs when `MANY` copies were taken over since
the last time, or the first of them `LONG` ago. Nobody who sends waits for it: a slow disk makes the
steps between two syncs larger, not the sending slower.
"""

from __future__ import annotations

import contextlib
import os
import threading
import time
from collections.abc import Iterable
from pathlib import Path

from listserv_py.delivery.journal import Journal
from listserv_py.maillog import get_logger

log = get_logger("delivery")

LOOK_EVERY = 0.02
MANY = 200
"""With what comes in between two looks no more than 500 at 15,000 copies a second."""
LONG = 0.08
"""Seconds; with the look before it 100 ms."""

REST = 3
"""On a slow disk so many times longer than the last sync took: the store needs it as well."""


class Through:
    """See the module; made by the hand, which tells it of each journal."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._guard = threading.Lock()
        self._journals: set[Journal] = set()
        self._named: set[Journal] = set()
        self._since: float | None = None
        self._some = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None

    def add(self, journal: Journal) -> None:
        """Look after this one until it is closed."""
        with self._guard:
            self._journals.add(journal)
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

    def look(self, now: float) -> int:
        """Sync what is due; how many copies are safe now that were not."""
        with self._guard:
            self._journals = {journal for journal in self._journals if journal.is_open}
            journals = list(self._journals)
            if not journals and not self._over.is_set():
                self._some.clear()
        self._named.intersection_update(journals)
        unsynced = sum(journal.unsynced for journal in journals)
        if not unsynced:
            self._since = None
            return 0
        if self._since is None:
            self._since = now
        if unsynced < MANY and now - self._since < LONG:
            return 0
        self._since = None
        self._sync(journals)
        return unsynced

    def _run(self) -> None:
        while True:
            self._some.wait()
            if self._over.is_set():
                return
            began = time.monotonic()
            self.look(began)
            # No plain sleep: after a sync of many seconds nobody could stop.
            self._over.wait(max(LOOK_EVERY, REST * (time.monotonic() - began)))

    def _sync(self, journals: Iterable[Journal]) -> None:
        changed = [journal for journal in journals if journal.unsynced]
        for journal in changed:
            descriptor = journal.begin_sync()
            if descriptor is None:
                continue
            try:
                os.fdatasync(descriptor)
            except OSError as exc:
                # The copies go on; after a power cut more of them would come again.
                log.error("delivery.journal_not_synced", error=str(exc))  # noqa: TRY400 - no fault of ours
            finally:
                os.close(descriptor)
        if not self._named.issuperset(changed):
            with contextlib.suppress(OSError):
                _sync_folder(self._folder)
            self._named.update(changed)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
