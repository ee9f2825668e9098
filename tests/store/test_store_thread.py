import asyncio
import os
import resource
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from fresh_rig import fresh_store

from listserv_py.lists.header import new_header
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.ballast import NAME, Ballast
from listserv_py.store.connect import connect
from listserv_py.store.store import Tx
from listserv_py.store.thread import WAITED_LONG, Store, StoreBusy, StoreFull


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = fresh_store(tmp_path, "lists.example.org")
    yield opened
    await opened.close()


def note(tx: Tx, name: str) -> str:
    tx.db.execute("INSERT INTO meta VALUES (?, x'00')", (name,))
    return name


def names(tx: Tx) -> set[str]:
    rows = tx.db.execute("SELECT name FROM meta WHERE name NOT LIKE 'secret%'")
    return {row[0] for row in rows}


async def test_a_function_runs_in_a_transaction_and_is_kept(store: Store, tmp_path: Path) -> None:
    assert await store.run(note, "a") == "a"
    other = connect(tmp_path / "listserv.db", write=False)
    assert other.execute("SELECT count(*) FROM meta WHERE name = 'a'").fetchone() == (1,)
    other.close()


async def test_one_that_fails_undoes_only_itself(store: Store) -> None:
    def bad(tx: Tx) -> None:
        note(tx, "bad")
        raise ValueError("no")

    results = await asyncio.gather(
        store.run(note, "a"), store.run(bad), store.run(note, "b"), return_exceptions=True
    )
    assert results[0] == "a"
    assert isinstance(results[1], ValueError)
    assert await store.read(names) == {"a", "b"}


async def test_of_many_one_that_fails_undoes_only_itself(store: Store) -> None:
    def bad(tx: Tx) -> str:
        note(tx, "bad")
        raise ValueError("no")

    works = [partial(note, name="a"), bad, partial(note, name="b")]
    one, two, three = await store.run_each(works)
    assert (one, three) == (("a", None), ("b", None))
    assert isinstance(two[1], ValueError)
    both = await asyncio.gather(store.run_each([bad]), store.run(note, "c"))
    assert isinstance(both[0][0][1], ValueError)
    assert await store.read(names) == {"a", "b", "c"}


async def test_of_many_beside_other_jobs_one_that_fails_undoes_only_itself(store: Store) -> None:
    all_have_come = threading.Event()

    def bad(tx: Tx) -> str:
        note(tx, "bad")
        raise ValueError("no")

    jobs = [
        asyncio.create_task(store.run(lambda _: all_have_come.wait())),
        asyncio.create_task(store.run(note, "before")),
        asyncio.create_task(
            store.run_each([partial(note, name="a"), bad, partial(note, name="b")])
        ),
        asyncio.create_task(store.run_each([partial(note, name="c"), partial(note, name="d")])),
    ]
    await asyncio.sleep(0)  # each has begun: the others wait behind the first, or go with it
    all_have_come.set()
    _, _, mixed, good = await asyncio.gather(*jobs)
    assert [text for text, _ in mixed] == ["a", None, "b"]
    assert good == [("c", None), ("d", None)]
    assert await store.read(names) == {"before", "a", "b", "c", "d"}


async def test_one_alone_that_fails_leaves_nothing(store: Store) -> None:
    def bad(tx: Tx) -> None:
        note(tx, "bad")
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await store.run(bad)
    with pytest.raises(ValueError, match="no"):
        await store.note(bad)
    await store.run(note, "a")
    assert await store.read(names) == {"a"}


async def test_a_caller_that_goes_away_does_not_take_it_back(store: Store) -> None:
    task = asyncio.ensure_future(store.run(note, "a"))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await store.run(note, "b")
    assert await store.read(names) == {"a", "b"}


async def test_readers_cannot_write(store: Store) -> None:
    with pytest.raises(Exception, match="attempt to write"):
        await store.read(note, "a")


async def test_a_full_disk_keeps_nothing_and_heals(store: Store) -> None:
    def fill(tx: Tx) -> None:
        pages = tx.db.execute("PRAGMA page_count").fetchone()[0]
        tx.db.execute(f"PRAGMA max_page_count = {pages}")

    def big(tx: Tx) -> None:
        tx.db.execute("INSERT INTO message (raw) VALUES (zeroblob(1000000))")

    def room(tx: Tx) -> None:
        tx.db.execute("PRAGMA max_page_count = 1000000")

    await store.run(fill)
    results = await asyncio.gather(store.run(note, "a"), store.run(big), return_exceptions=True)
    assert isinstance(results[1], StoreFull)
    await store.run(room)
    await store.run(big)
    assert not store.failed.is_set()


async def test_a_full_disk_costs_the_ballast(store: Store, tmp_path: Path) -> None:
    def fill(tx: Tx) -> None:
        tx.db.execute("PRAGMA max_page_count = 1")
        tx.db.execute("INSERT INTO message (raw) VALUES (zeroblob(1000000))")

    ballast = tmp_path / NAME
    await store.keep_ballast()
    size = ballast.stat().st_size
    with pytest.raises(StoreFull):
        await store.run(fill)
    assert size > 0
    assert not ballast.exists()
    assert not store.drop_ballast(), "there is no more"
    await store.keep_ballast()
    assert store.drop_ballast()


def test_ballast_is_taken_where_there_is_plenty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = os.statvfs(tmp_path)
    monkeypatch.setattr("listserv_py.store.ballast.PLENTY", disk.f_blocks * disk.f_frsize)
    ballast = Ballast(tmp_path)
    ballast.take()
    assert list(tmp_path.iterdir()) == []
    monkeypatch.undo()
    ballast.take()
    ballast.drop_if_needed()
    assert ballast.drop(), "there is room"
    ballast.take()
    monkeypatch.setattr("listserv_py.store.ballast.LEAST", disk.f_blocks * disk.f_frsize)
    ballast.drop_if_needed()
    assert not ballast.drop(), "at a start without room it goes first"


async def test_a_held_database_is_a_passing_trouble(store: Store, tmp_path: Path) -> None:
    await store.run(lambda tx: tx.db.execute("PRAGMA busy_timeout = 50").fetchone())
    other = connect(tmp_path / "listserv.db", write=True)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy):
        await store.run(note, "a")
    other.execute("ROLLBACK")
    other.close()
    assert await store.run(note, "b") == "b"


async def test_readers_hear_of_passing_trouble_in_our_words(store: Store, tmp_path: Path) -> None:
    def look(tx: Tx) -> None:
        tx.db.execute("PRAGMA busy_timeout = 50")
        tx.db.execute("ATTACH ? AS other", (str(tmp_path / "other.db"),))
        try:
            tx.db.execute("SELECT * FROM other.t").fetchall()
        finally:
            tx.db.execute("DETACH other")

    other = connect(tmp_path / "other.db", write=True)
    other.execute("PRAGMA journal_mode=DELETE")
    other.execute("CREATE TABLE t (a)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreBusy):
        await store.read(look)
    with pytest.raises(StoreBusy):
        store.peek(look)
    other.execute("ROLLBACK")
    await store.read(look)
    other.close()


async def test_what_waits_together_is_committed_together(store: Store) -> None:
    def version(tx: Tx) -> int:
        return int(tx.db.execute("PRAGMA data_version").fetchone()[0])

    before = store.peek(version)
    await asyncio.gather(*(store.run(note, f"n{number}") for number in range(500)))
    assert len(await store.read(names)) == 500
    assert store.peek(version) > before


async def test_a_list_that_is_changed_is_seen_at_once_where_it_was_looked_at(store: Store) -> None:
    def look(tx: Tx) -> tuple[bool, str] | None:
        found = tx.lists.find("test-l")
        return (found.held, str(found.address)) if found else None

    def change(verb: str) -> Callable[[Tx], None]:
        def work(tx: Tx) -> None:
            made = tx.lists.get("TEST-L")
            {"hold": lambda: tx.lists.hold(made, "why"), "free": lambda: tx.lists.free(made),
             "remove": lambda: tx.lists.remove(made)}[verb]()  # fmt: skip
            if verb == "free":
                raise ValueError(verb)

        return work

    header = new_header("TEST-L", "T", [Mailbox("ann", "example.org")])
    assert store.peek(look) is None
    await store.run(lambda tx: tx.lists.add("TEST-L", header, datetime.now(UTC)))
    assert store.peek(look) == (False, "test-l@lists.example.org")
    await store.run(change("hold"))
    assert store.peek(look) == (True, "test-l@lists.example.org")
    with pytest.raises(ValueError, match="free"):
        await store.run(change("free"))
    assert store.peek(look) == (True, "test-l@lists.example.org")
    store.rename("lists.example.net")
    assert store.peek(look) == (True, "test-l@lists.example.net")
    await store.run(change("remove"))
    assert store.peek(look) is None


async def test_how_the_connection_is_set(store: Store) -> None:
    def settings(tx: Tx) -> list[int | str]:
        wanted = ("journal_mode", "synchronous", "foreign_keys", "secure_delete")
        return [tx.db.execute(f"PRAGMA {one}").fetchone()[0] for one in wanted]

    assert await store.run(settings) == ["wal", 2, 1, 1]


async def test_a_note_alone_does_not_wait_for_the_disk_and_all_else_does(store: Store) -> None:
    def kept_how(tx: Tx, name: str) -> tuple[str, int]:
        how = int(tx.db.execute("PRAGMA synchronous").fetchone()[0])
        return note(tx, name), how

    def bad(tx: Tx) -> None:
        note(tx, "bad")
        raise ValueError("no")

    assert await store.note(kept_how, "a") == ("a", 1)
    with pytest.raises(ValueError, match="no"):
        await store.note(bad)
    assert await store.run(kept_how, "b") == ("b", 2)
    # Together with what must be safe it is so, too; whichever comes first wakes the thread.
    held = asyncio.gather(*(store.run(note, f"n{number}") for number in range(20)))
    assert await store.note(note, "c") == "c"
    await held
    assert await store.run(kept_how, "d") == ("d", 2)
    assert await store.read(names) == {"a", "b", "c", "d", *(f"n{n}" for n in range(20))}


async def test_nobody_waits_longer_than_is_promised(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who came while another waited in vain has the rest of the promised time, no whole new one."""
    promised = int(1000 * WAITED_LONG) + 100
    monkeypatch.setattr("listserv_py.store.thread.BUSY_MS", promised)
    await store.run(lambda tx: tx.db.execute(f"PRAGMA busy_timeout = {promised}").fetchone())
    said: list[str] = []
    first_begins, second_came = threading.Event(), threading.Event()

    def trace(statement: str) -> None:
        said.append(statement)
        if statement == "BEGIN IMMEDIATE":
            first_begins.set()
            assert second_came.wait(30)

    await store.run(lambda tx: tx.db.conn.set_trace_callback(trace))
    other = connect(tmp_path / "listserv.db", write=True)
    other.execute("BEGIN IMMEDIATE")
    first = asyncio.ensure_future(store.run(note, "a"))
    assert await asyncio.to_thread(first_begins.wait, 30)
    second = asyncio.ensure_future(store.run(note, "b"))
    await asyncio.sleep(0)
    second_came.set()
    for one in (first, second):
        with pytest.raises(StoreBusy):
            await one
    assert said[said.index("BEGIN IMMEDIATE") :] == [
        *("BEGIN IMMEDIATE", "PRAGMA busy_timeout=100", "BEGIN IMMEDIATE"),
        f"PRAGMA busy_timeout={promised}",
    ]
    other.execute("ROLLBACK")
    other.close()
    assert await store.run(note, "c") == "c"


def test_a_closed_store_is_one_file(tmp_path: Path) -> None:
    async def use() -> None:
        store = Store.open(tmp_path, "lists.example.org")
        await store.run(note, "a")
        assert await store.read(names) == {"a"}
        assert store.peek(names) == {"a"}
        await store.close()

    asyncio.run(use())
    assert {path.name for path in tmp_path.iterdir()} == {"listserv.db", "VERSION"}


async def test_readers_need_no_descriptor_that_they_have_not_got(store: Store) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        assert await store.read(names) == set()
        assert store.peek(names) == set()
        await store.run(note, "a")
        assert await store.read(names) == {"a"}
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
