"""Posts that go out by processes of their own: real ones, killed, stopped and left alone."""

import asyncio
import os
import signal
import time
from collections import Counter
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from delivery_child import start
from delivery_rig import QUICK, Act, Command, House, Sink, left_behind, numbered, relay, until

from listserv_py.delivery import hand, process
from listserv_py.delivery.connections import FOR_A_WORKER, SERVER, Connections
from listserv_py.delivery.journal import BEGUN, Key


@pytest.fixture(autouse=True)
def _workers_send_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the first copies after a start."""
    monkeypatch.setattr("listserv_py.delivery.fleet.FIRST", 0)


@asynccontextmanager
async def fleet(folder: Path, sink: Sink, **delivery: Any) -> Any:
    house = House(folder, time.time, delivery=relay(sink, **{"workers": 1, **delivery}))  # type: ignore[arg-type]
    house.has_workers = True
    async with house.open():
        yield house


def workers(of: int | None = None) -> list[int]:
    """The workers of a process that live."""
    found = []
    for task in Path(f"/proc/{of or os.getpid()}/task").iterdir():
        found += map(int, (task / "children").read_text().split())
    return [pid for pid in found if _is_worker(pid)]


def _is_worker(pid: int) -> bool:
    try:
        return b"listserv_py.delivery.worker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return False


def repeats(sink: Sink, readers: int) -> int:
    """How many copies came twice; none may be lost, changed or invented."""
    counts = Counter(sink.recipients())
    assert set(counts) == set(numbered(readers))
    copies: dict[str, set[bytes]] = {}
    for mail in sink.taken:
        copies.setdefault(mail.rcpts[0], set()).add(mail.data + mail.sender.encode())
    assert all(len(found) == 1 for found in copies.values())
    return sum(counts.values()) - readers


async def test_a_worker_that_is_killed_costs_one_copy_a_connection_at_most(tmp_path: Path) -> None:
    readers, connections = 600, 6
    async with Sink().listening() as sink, fleet(tmp_path, sink, connections=connections) as house:
        await house.subscribe(*numbered(readers))
        async with house.running():
            await house.post()
            for kill in (1, 2):
                await sink.has_taken(kill * readers // 4)
                (pid,) = workers()
                os.kill(pid, signal.SIGKILL)
                await until(lambda dead=pid: workers() not in ([dead], []))
            await house.drained()
        assert await house.rows("SELECT state, sent FROM mailing") == [("done", readers)]
        assert repeats(sink, readers) <= 2 * connections
        assert workers() == []
        assert list((tmp_path / "journal").iterdir()) == []


async def test_a_worker_that_hangs_is_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "SILENT", 3)
    monkeypatch.setattr(hand, "TICK_EVERY", 0.1)
    monkeypatch.setattr(hand, "LOOK_EVERY", 0.1)
    readers = 2_000
    async with Sink().listening() as sink, fleet(tmp_path, sink, connections=4) as house:
        await house.subscribe(*numbered(readers))
        async with house.running():
            await house.post()
            await sink.has_taken(30)
            (pid,) = workers()
            os.kill(pid, signal.SIGSTOP)
            await house.drained()
            assert workers() != [pid]
        assert repeats(sink, readers) <= 4


async def test_stopping_finishes_what_is_in_hand_and_nothing_goes_out_twice(tmp_path: Path) -> None:
    readers = 500
    async with (
        Sink().listening() as sink,
        fleet(tmp_path, sink, connections=5, workers=2) as house,
    ):
        await house.subscribe(*numbered(readers))
        async with house.running():
            await house.post()
            await sink.has_taken(100)
        before = len(sink.taken)
        assert workers() == []
        assert await house.rows("SELECT sent FROM mailing") == [(before,)]
        assert before < readers
        async with house.running():
            await house.drained()
        assert repeats(sink, readers) == 0


async def test_a_server_that_is_killed_leaves_workers_that_end_before_the_next_sends(
    tmp_path: Path,
) -> None:
    readers, connections = 500, 4
    async with Sink().listening() as sink, fleet(tmp_path, sink, connections=connections) as house:
        await house.subscribe(*numbered(readers))
        await house.post()
        await house.store.close()
        child = await asyncio.to_thread(start, tmp_path, sink, connections, 1)
        await sink.has_taken(readers // 5)
        (orphan,) = workers(child.pid)
        os.kill(orphan, signal.SIGSTOP)
        child.send_signal(signal.SIGKILL)
        await asyncio.to_thread(child.wait)
        async with house.open(), house.running():
            os.kill(orphan, signal.SIGCONT)
            await house.drained()
        assert not _is_worker(orphan)
        assert repeats(sink, readers) <= connections
        async with house.open():
            assert await house.rows("SELECT state, sent FROM mailing") == [("done", readers)]
        house.store = type(house.store).open(tmp_path, "lists.test")


async def test_a_copy_that_kills_its_workers_is_set_aside_and_the_rest_goes_out(
    tmp_path: Path,
) -> None:
    killed = set()

    def answer(command: Command) -> Act | None:
        if command.verb == "RCPT" and "reader0007" in command.argument:
            for pid in workers():
                killed.add(pid)
                os.kill(pid, signal.SIGKILL)
            return Act.DROP
        return None

    async with (
        Sink(answer).listening() as sink,
        fleet(tmp_path, sink, connections=2, retry=["1s"]) as house,
    ):
        await house.subscribe(*numbered(12))
        async with house.running():
            await house.post()

            async def is_settled() -> bool:
                return await house.rows("SELECT rcpt, state FROM copy") == [
                    ("reader0007@example.test", "hold")
                ]

            await until(is_settled)
        assert set(sink.recipients()) == set(numbered(12)) - {"reader0007@example.test"}
        assert len(killed) == 3
        ((reply,),) = await house.rows("SELECT last_reply FROM copy")
        assert "3 sending processes died" in reply
        later = datetime.now(UTC) + timedelta(days=1)
        assert await house.store.read(lambda tx: tx.outbox.held(later, 9)) == [1]


@pytest.mark.parametrize(("begun", "is_suspect"), [(None, 0), ((2, 8), 0), ((1, 8), 1)])
async def test_the_first_copies_after_a_start_wait_for_no_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: Key | None, is_suspect: int
) -> None:
    """Unless one of them was on its way when the last run was killed, for it may have done it."""
    monkeypatch.setattr("listserv_py.delivery.fleet.FIRST", 1000)
    tries = []

    def answer(command: Command) -> Act | None:
        if command.verb == "RCPT" and "reader0007" in command.argument:
            tries.append(command.argument)
            for pid in workers() if len(tries) == 1 else ():
                os.kill(pid, signal.SIGKILL)
        return None

    async with Sink(answer).listening() as sink, fleet(tmp_path, sink, connections=2) as house:
        await house.subscribe(*numbered(12))
        if begun is not None:
            left_behind(tmp_path, {begun: BEGUN})
        async with house.running():
            await house.post()
            await until(lambda: set(sink.recipients()) == set(numbered(12)))
        assert len(tries) == 1 + is_suspect


async def test_a_worker_tells_what_became_of_each_copy(tmp_path: Path) -> None:
    """Refusals, a 7-bit host, a copy recalled, new settings, and a host that fails and recovers."""
    fails = [True]

    def answer(command: Command) -> str | Act | None:
        if command.verb == "RCPT" and fails[0]:
            return "421 4.3.2 not now"
        if command.verb == "RCPT" and "reader0001" in command.argument:
            return "550 5.1.1 nobody"
        if command.verb == "RCPT" and "reader0002" in command.argument:
            return "450 4.2.1 later"
        return None

    sink = Sink(answer, extensions=("PIPELINING",))
    async with sink.listening(), fleet(tmp_path, sink, connections=4) as house:
        await house.subscribe(*numbered(5))
        async with house.running():
            raw = "Subject: ä\r\nFrom: a@x.test\r\nMIME-Version: 1.0\r\nContent-Type: text/plain;"
            raw += " charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n"
            await house.post(raw.encode())

            async def rests() -> bool:
                # The host is noted before its copies are.
                found = await house.rows("SELECT (SELECT count(*) FROM host), count(*) FROM copy")
                return found == [(1, 5)]

            await until(rests)
            fails[0] = False
            domain = house.settings.site.model_copy(update={"domain": "new.test"})
            house.settings = house.settings.model_copy(update={"site": domain})
            house.engine.apply(house.settings)
            await house.store.run(lambda tx: tx.outbox.retry(None))
            house.engine.wake()
            await sink.has_taken(3)

            async def is_recorded() -> bool:
                return await house.rows("SELECT sent, failed FROM mailing") == [(3, 1)]

            await until(is_recorded)
            assert await house.rows("SELECT name FROM host") == []
        assert all(mail.data.isascii() for mail in sink.taken)
        assert await house.rows("SELECT address, code FROM bounce") == [
            ("reader0001@example.test", 550)
        ]
        ((tries, reply),) = await house.rows("SELECT tries, last_reply FROM copy")
        assert (tries, reply) == (1, "450 4.2.1 later")
        assert sink.said[1].argument == "lists.test"
        assert [one.argument for one in sink.said if one.verb == "EHLO"][-1] == "new.test"


async def test_who_unsubscribes_gets_no_copy_from_a_worker(tmp_path: Path) -> None:
    def answer(command: Command) -> Act | None:
        return Act.MUTE if command.verb == "DOT" and command.connection == 1 else None

    async with Sink(answer).listening() as sink, fleet(tmp_path, sink, connections=2) as house:
        house.timeouts = QUICK
        await house.subscribe(*numbered(8))
        async with house.running():
            await house.post()
            await until(lambda: "DOT" in sink.verbs())
            await house.unsubscribe("reader0006@example.test")
            await sink.has_taken(6)
        assert "reader0006@example.test" not in sink.recipients()


def test_connections_are_bounded_over_all_processes() -> None:
    connections = Connections()
    connections.limit, connections.share = 6, 3
    assert connections.may("mx:25", 1)
    connections.opened("mx:25", 1)
    granted = [True, *(connections.may("mx:25", who) for who in (1, 1, 1, 2, 2, 2))]
    assert granted == [True, True, True, False, True, True, False]
    assert connections.may("mx:25", SERVER)
    assert not connections.may("mx:25", SERVER)
    assert connections.may("other:25", 2)
    connections.opened("mx:25", 2)
    connections.lost(1)
    assert [connections.may("mx:25", who) for who in (2, 2, SERVER)] == [True, False, True]
    connections.gone("mx:25", 2)
    assert connections.may("mx:25", 2)


def test_nobody_dials_a_host_that_another_process_dials_until_one_stands() -> None:
    now = 0.0
    connections = Connections(lambda: now)
    connections.limit = connections.share = 10
    assert [connections.may("mx:25", who) for who in (1, 2, SERVER, 1)] == [
        True,
        False,
        False,
        True,
    ]
    assert connections.is_dialled("mx:25", 2)
    assert not connections.is_dialled("mx:25", 1)
    now = FOR_A_WORKER
    assert [connections.may("mx:25", who) for who in (2, SERVER)] == [False, True]
    connections.opened("mx:25", SERVER)
    assert connections.may("mx:25", 2)
    for who in (1, 1, 2, SERVER):
        connections.gone("mx:25", who)
    assert [connections.may("mx:25", who) for who in (2, 1)] == [True, False]
    connections.lost(2)
    assert connections.may("mx:25", 1), "whoever dialled is dead"


async def test_a_relay_that_takes_few_connections_takes_them_from_all_of_us(
    tmp_path: Path,
) -> None:
    """The server's own mail gets through though workers have all that the relay allows."""
    talking: set[int] = set()

    def answer(command: Command) -> str | None:
        if command.verb == "CONNECT" and len(talking) >= 2:
            return "421 4.7.0 too many connections"
        if command.verb == "QUIT":
            talking.discard(command.connection)
        else:
            talking.add(command.connection)
        return None

    async with (
        Sink(answer).listening() as sink,
        fleet(tmp_path, sink, connections=6, workers=2) as house,
    ):
        await house.subscribe(*numbered(800))
        async with house.running():
            await house.post()
            await sink.has_taken(100)
            await house.send("one@example.test")
            await until(lambda: "one@example.test" in sink.recipients())
            assert await house.rows("SELECT name FROM host") == []


def test_who_was_there_a_moment_ago_may_still_count() -> None:
    now = [100.0]
    connections = Connections(lambda: now[0])
    connections.limit = connections.share = connections.workers = 3
    assert connections.may("mx", 1)
    assert not connections.was_there("mx", 2), "nothing has stood there yet"
    connections.opened("mx", 1)
    connections.gone("mx", 1)
    assert connections.was_there("mx", 2)
    assert not connections.was_there("mx", 1), "it was ours"
    now[0] += 3
    assert not connections.was_there("mx", 2)
    assert connections.may("mx", 1)
    assert connections.was_there("mx", 2), "another dials, and the host took somebody lately"
    now[0] += 3
    assert not connections.was_there("mx", 2)
    connections.opened("mx", 1)
    connections.lost(1)
    assert connections.was_there("mx", SERVER)
