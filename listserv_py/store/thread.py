"""One writing thread, a few reading ones, all awaitable: where `async` stops.

What waits together is committed together: one fdatasync for all of them, and no caller goes on
before it. A function that fails undoes only itself: where several share a transaction, each runs in
a savepoint of its own. SQLite copies every page that is changed in one, so there are few of them.
"""

from __future__ import annotations

import asyncio
import queue
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from sqlite_utils import Database

from listserv_py.errors import Broken
from listserv_py.maillog import get_logger
from listserv_py.store.ballast import Ballast
from listserv_py.store.connect import BUSY_MS, SqliteError, connect
from listserv_py.store.disk import has_no_room
from listserv_py.store.open import FILE, open_database
from listserv_py.store.store import Tx

P = ParamSpec("P")
R = TypeVar("R")

BATCH = 200
READERS = 2
WAITED_LONG = 0.5
"""Seconds behind other jobs that shorten the wait for whoever else holds the database."""
SCRUB_TRIES = 50
SCRUB_PAUSE = 0.2
_FULL = "SQLITE_FULL"
_NOT_WRITTEN = ("SQLITE_IOERR", "SQLITE_IOERR_WRITE", "SQLITE_IOERR_SHMSIZE")
"""Where there is no room for another reason than a full disk (a quota), or the disk fails; the
first is all that pysqlite3 says."""
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED")

log = get_logger("store")


class StoreFull(Broken):
    """The disk is full: nothing of this turn was kept; it may be tried again later."""


class StoreBusy(Broken):
    """Somebody else holds the database; it may be tried again later."""


class StoreFailed(Broken):
    """The disk or the file is at fault: the process must end and be started anew."""


@dataclass(frozen=True, slots=True)
class _Job:
    work: Callable[[Tx], Any]
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Any]
    alone: bool = False
    """Outside every transaction: for what SQLite does in none."""
    is_note: bool = False
    again: Callable[[Tx], Any] | None = None
    """The same, for when `work` has failed and was undone."""
    since: float = field(default_factory=time.monotonic)


_Ended = tuple[_Job, Any, Exception | None]
"""A job with its result, or with why there is none."""


class Store:
    """The state of the server; made by `Store.open`, ended by `close`."""

    def __init__(self, data_dir: Path, db: Database, domain: str) -> None:
        self._path = data_dir / FILE
        self._ballast = Ballast(data_dir)
        self._db = db
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._readers = ThreadPoolExecutor(READERS, "store-read")
        self._tx = Tx(db, domain)
        # Opened now and not when first needed: by then there may be no descriptor left.
        self._views = [Tx(connect(self._path, write=False), domain) for _ in range(1 + READERS)]
        self._idle: queue.SimpleQueue[Tx] = queue.SimpleQueue()
        self._views[0].lists.remember()
        for view in self._views[1:]:
            self._idle.put(view)
        self.failed = threading.Event()
        self._writer = threading.Thread(target=self._write, name="store-write", daemon=True)
        self._writer.start()

    @classmethod
    def open(cls, data_dir: Path, domain: str) -> Store:
        """Open or create the database in `data_dir`; the caller holds the folder's lock."""
        return cls(data_dir, open_database(data_dir), domain)

    async def run(self, fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kw: P.kwargs) -> R:
        """Run `fn(tx, …)` in a transaction; it is on stable storage when this returns.

        The caller's cancellation does not undo it: a client that hangs up must not take back what
        was decided.
        """
        return await self._do(lambda tx: fn(tx, *args, **kw))

    async def note(self, fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kw: P.kwargs) -> R:
        """Run `fn(tx, …)` in a transaction that a power cut may undo, the death of the process not.

        Whatever is committed later is never kept without it. Only for what nobody was promised.
        """
        return await self._do(lambda tx: fn(tx, *args, **kw), is_note=True)

    async def run_each(
        self, works: Sequence[Callable[[Tx], R]]
    ) -> list[tuple[R | None, Exception | None]]:
        """Run all in one transaction, one that fails undoing only itself; what each gave or raised.

        One job instead of many spares the loop as many futures and the threads as many turns. When
        one fails, which hardly one ever does, all are undone and run once more, each in a savepoint
        of its own.
        """
        return await self._do(
            lambda tx: [(work(tx), None) for work in works],
            again=lambda tx: [self._attempt(tx, work) for work in works],
        )

    async def _do(
        self,
        work: Callable[[Tx], R],
        *,
        alone: bool = False,
        is_note: bool = False,
        again: Callable[[Tx], R] | None = None,
    ) -> R:
        loop = asyncio.get_running_loop()
        future: asyncio.Future[R] = loop.create_future()
        self._jobs.put(_Job(work, loop, future, alone, is_note, again))
        return await asyncio.shield(future)

    async def read(self, fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kw: P.kwargs) -> R:
        """Run `fn(tx, …)` on a reading connection; what it returns must hold no cursor."""

        def work() -> R:
            tx = self._idle.get()
            try:
                return fn(tx, *args, **kw)
            except SqliteError as exc:
                raise self._passing(exc) from exc
            finally:
                self._idle.put(tx)

        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    def peek(self, fn: Callable[Concatenate[Tx, P], R], *args: P.args, **kw: P.kwargs) -> R:
        """Run `fn(tx, …)` here and now: look-ups of microseconds, from the loop's thread only.

        Lists are read once, and again when one has been changed.
        """
        try:
            return fn(self._views[0], *args, **kw)
        except SqliteError as exc:
            raise self._passing(exc) from exc

    def _passing(self, exc: Exception) -> Exception:
        """Who reads hears of what passes in our own words, too: his loop goes on then."""
        return self._ours(exc) if _name(exc).startswith((_FULL, "SQLITE_IOERR", *_BUSY)) else exc

    def rename(self, domain: str) -> None:
        """From now on the lists' addresses are in another domain."""
        for tx in (self._tx, *self._views):
            tx.domain = tx.lists.domain = domain
        self._views[0].lists.remember()

    async def keep_ballast(self) -> None:
        """Take room for hard times, when there is plenty; for a server, again and again."""
        await asyncio.to_thread(self._ballast.take)

    def drop_ballast(self) -> bool:
        """The disk is full: whether there is a little room now that there was not."""
        dropped = self._ballast.drop()
        if dropped:
            log.warning("store.ballast_dropped")
        return dropped

    async def scrub(self) -> None:
        """Empty the WAL into the file: what was deleted before is gone from the disk then.

        StoreBusy when a long reader (a backup) stands in the way all the while.
        """
        for _ in range(SCRUB_TRIES):
            if await self._do(_emptied, alone=True):
                return
            await asyncio.sleep(SCRUB_PAUSE)
        raise StoreBusy("deleted, but still in the write-ahead log: a long reader is in the way")

    async def close(self) -> None:
        """Finish what waits, then close the file; all state is in it then, and none in its WAL."""
        self._jobs.put(None)
        await asyncio.to_thread(self._writer.join)
        self._readers.shutdown()
        for view in self._views:
            view.db.close()
        # The writing connection last: only as such does it empty the WAL into the file.
        self._db.close()

    def _write(self) -> None:
        tx = self._tx
        closing = False
        while not closing:
            jobs = [self._jobs.get()]
            while len(jobs) < BATCH and not self._jobs.empty():
                jobs.append(self._jobs.get())
            closing = None in jobs
            batch = [job for job in jobs if job is not None and not job.alone]
            if batch:
                self._commit(tx, batch)
            for job in jobs:
                if job is not None and job.alone:
                    _tell([(job, *self._outside(tx, job))])

    def _outside(self, tx: Tx, job: _Job) -> tuple[Any, Exception | None]:
        try:
            return job.work(tx), None
        except Exception as exc:  # noqa: BLE001 - its caller must hear of it
            return None, self._ours(exc)

    def _commit(self, tx: Tx, batch: list[_Job]) -> None:
        outcomes: list[tuple[Any, Exception | None]] = []
        is_synced = not all(job.is_note for job in batch)
        try:
            with self._synced(is_synced):
                self._begin(batch)
                if len(batch) == 1:
                    outcomes = [self._by_itself(tx, batch[0])]
                else:
                    outcomes = [self._beside_others(tx, job) for job in batch]
                if self._db.conn.in_transaction:
                    self._db.conn.execute("COMMIT")
            self._tell_of_lists(tx)
        except Exception as exc:  # noqa: BLE001 - whatever it was, every caller must hear of it
            if self._db.conn.in_transaction:
                self._db.conn.execute("ROLLBACK")
            outcomes = [(None, self._ours(exc))] * len(batch)
        _tell([(job, *outcome) for job, outcome in zip(batch, outcomes, strict=True)])

    def _tell_of_lists(self, tx: Tx) -> None:
        if tx.lists.is_changed:
            tx.lists.is_changed = False
            self._views[0].lists.remember()

    @contextmanager
    def _synced(self, is_synced: bool) -> Iterator[None]:
        """Have a commit wait for the disk, or not."""
        if is_synced:
            yield
            return
        self._db.conn.execute("PRAGMA synchronous=NORMAL")
        try:
            yield
        finally:
            # Not heeded inside a transaction that failed: that one is rolled back first.
            if self._db.conn.in_transaction:
                self._db.conn.execute("ROLLBACK")
            self._db.conn.execute("PRAGMA synchronous=FULL")

    def _begin(self, batch: list[_Job]) -> None:
        """Take the database; who has waited for it already waits no longer than is promised."""
        if self.failed.is_set():
            raise StoreFailed("the disk fails")
        conn = self._db.conn
        waited = time.monotonic() - min(job.since for job in batch)
        if waited < WAITED_LONG:
            conn.execute("BEGIN IMMEDIATE")
            return
        conn.execute(f"PRAGMA busy_timeout={max(100, int(BUSY_MS - 1000 * waited))}")
        try:
            conn.execute("BEGIN IMMEDIATE")
        finally:
            conn.execute(f"PRAGMA busy_timeout={BUSY_MS}")

    def _by_itself(self, tx: Tx, job: _Job) -> tuple[Any, Exception | None]:
        """A job that has the transaction for itself: a failure ends that."""
        conn = self._db.conn
        try:
            return _anew(tx, job.work), None
        except Exception as exc:
            if not conn.in_transaction or _is_of_disk(exc):
                raise
            conn.execute("ROLLBACK")
            if job.again is None:
                return None, exc
        conn.execute("BEGIN IMMEDIATE")
        return self._attempt(tx, job.again)

    def _beside_others(self, tx: Tx, job: _Job) -> tuple[Any, Exception | None]:
        """A job that shares its transaction."""
        result, error = self._attempt(tx, job.work)
        if error is None or job.again is None:
            return result, error
        return self._attempt(tx, job.again)

    def _attempt(self, tx: Tx, work: Callable[[Tx], R]) -> tuple[R | None, Exception | None]:
        conn = self._db.conn
        conn.execute("SAVEPOINT turn")
        try:
            result = _anew(tx, work)
        except Exception as exc:
            if (
                not conn.in_transaction
            ):  # SQLITE_FULL: all of the batch has been rolled back already
                raise
            conn.execute("ROLLBACK TO turn")
            conn.execute("RELEASE turn")
            if _is_of_disk(exc):
                raise
            return None, exc
        conn.execute("RELEASE turn")
        return result, None

    def _ours(self, exc: Exception) -> Exception:
        if not isinstance(exc, SqliteError):
            return exc
        name = _name(exc)
        if name == _FULL or (name in _NOT_WRITTEN and has_no_room(self._path.parent)):
            log.error("store.full", error=name)
            self.drop_ballast()
            return StoreFull("the disk is full")
        if name.startswith(_BUSY):
            log.warning("store.busy", error=name)
            return StoreBusy("the database is held by somebody else")
        log.critical("store.failed", error=name, text=str(exc))
        self.fail()
        return StoreFailed(name)

    def fail(self) -> None:
        """Nobody goes on from here, as what was written may be lost: the process must end.

        After a failed sync the kernel drops what was to be written, and the next sync succeeds.
        """
        self.failed.set()


def _anew(tx: Tx, work: Callable[[Tx], R]) -> R:
    """Run it on lists that are read anew."""
    tx.lists.remember()
    return work(tx)


def _is_of_disk(exc: Exception) -> bool:
    return isinstance(exc, SqliteError) and _name(exc).startswith((_FULL, "SQLITE_IOERR"))


def _emptied(tx: Tx) -> bool:
    """Whether the WAL could be emptied; does not wait for readers, as nobody else could write."""
    tx.db.execute("PRAGMA busy_timeout=0")
    try:
        busy = tx.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0]
    finally:
        tx.db.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    return not busy


def _name(exc: Exception) -> str:
    return str(getattr(exc, "sqlite_errorname", None) or _guessed(str(exc)))


def _guessed(text: str) -> str:
    """The error's name where the driver tells only its text (pysqlite3)."""
    known = {"full": _FULL, "I/O": "SQLITE_IOERR", "locked": "SQLITE_BUSY", "busy": "SQLITE_BUSY"}
    return next((name for word, name in known.items() if word in text), "SQLITE_ERROR")


def _tell(ended: list[_Ended]) -> None:
    """Wake each loop once for all that it waits for: every call of it costs a system call."""
    for loop in {job.loop for job, _, _ in ended}:
        try:
            loop.call_soon_threadsafe(_settle, [one for one in ended if one[0].loop is loop])
        except RuntimeError:  # the loop is closed: nobody waits any more
            log.warning("store.unheard")


def _settle(ended: list[_Ended]) -> None:
    for job, result, error in ended:
        if job.future.done():
            continue
        if error is None:
            job.future.set_result(result)
        else:
            job.future.set_exception(error)
