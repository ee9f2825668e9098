"""How we treat other hosts, and each other, with real sending processes."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest
from delivery_rig import TIMEOUTS, Clock, Command, House, Sink, numbered, until
from name_server import NameServer
from network import needs_ipv6
from test_fleet import fleet, workers

from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.courier import SmtpCourier
from listserv_py.delivery.journal import Journals
from listserv_py.delivery.render import Variant
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.wire import Letter
from listserv_py.resolver import Resolver
from listserv_py.store.outbox import Kind
from listserv_py.store.outcomes import Fate, RestingHost


async def test_a_dead_host_is_tried_once_a_pause_whatever_waits_and_whoever_asks(
    tmp_path: Path,
) -> None:
    def answer(command: Command) -> str | None:
        return "421 4.3.2 closed" if command.verb == "CONNECT" else None

    async with (
        Sink(answer).listening() as sink,
        fleet(tmp_path, sink, connections=10, workers=2, retry=["1s"]) as house,
    ):
        await house.subscribe(*numbered(1000))

        async def has_failed(so_often: int) -> bool:
            found = await house.rows("SELECT failures FROM host")
            return bool(found) and found[0][0] >= so_often

        async with house.running():
            await house.post()
            for number in range(30):
                await house.send(f"one{number}@example.test")
            await until(lambda: has_failed(3))
        async with house.running():
            await until(lambda: has_failed(4))
        ((failures,),) = await house.rows("SELECT failures FROM host")
        assert len(sink.said) == failures, "whoever knew of it, and whoever did not yet"
        assert sink.taken == []


async def test_a_host_that_was_found_dead_meanwhile_is_not_dialled(tmp_path: Path) -> None:
    """As a worker hears of it that was given copies while it loaded."""
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery={"relay": f"127.0.0.1:{sink.port}"})
        noted: list[str] = []
        courier = SmtpCourier(
            house.settings, Resolver(house.settings.dns), lambda: 1000,
            lambda name, _: noted.append(name), TIMEOUTS,
        )  # fmt: skip
        letter = Letter(lambda _: Variant(b"Subject: x\r\n", b"x\r\n"), (), 0)
        section = Journals(tmp_path).section(1)
        batch = Batch(Patience((60,), 1000), lambda: 1000, lambda _: None, section)
        copy = Copy(1, None, "one@example.test", b"o@lists.test", letter, 1000, batch)
        batch.enter([copy])
        courier.carry([copy], urgent=False)
        courier.learn(RestingHost(courier.router.lane_of(""), 1, 1060, "421 closed"))
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}))
        assert [one.fate for one in batch.settled] == [Fate.UNTRIED]
        assert (sink.said, noted) == ([], [])


async def test_a_relay_that_takes_one_connection_only_serves_all_of_us(tmp_path: Path) -> None:
    talking: set[int] = set()

    def answer(command: Command) -> str | None:
        if command.verb == "CONNECT" and talking:
            return "421 4.7.0 too many connections"
        if command.verb == "QUIT":
            talking.discard(command.connection)
        else:
            talking.add(command.connection)
        return None

    async with (
        Sink(answer).listening() as sink,
        fleet(tmp_path, sink, connections=6, workers=2, rate=6000, retry=["1s"]) as house,
    ):
        await house.subscribe(*numbered(2000))
        async with house.running():
            await house.post()
            await sink.has_taken(20)
            await house.send("one@example.test", kind=Kind.CONFIRMATION)
            await until(lambda: "one@example.test" in sink.recipients())
            assert len(sink.taken) < 1900
            assert await house.rows("SELECT name FROM host") == []


async def test_who_leaves_gets_no_copy_that_would_begin_later_and_who_joins_neither(
    tmp_path: Path,
) -> None:
    """The rate has the second half begin two seconds after these people left."""
    async with Sink().listening() as sink, fleet(tmp_path, sink, rate=600) as house:
        await house.subscribe(*numbered(50))
        async with house.running():
            await house.post()
            await sink.has_taken(1)
            for number in range(32, 50):
                await house.unsubscribe(f"reader{number:04d}@example.test")
            await house.subscribe("late@example.test")
            await house.drained()
        assert sorted(sink.recipients()) == sorted(numbered(32))


async def test_other_numbers_of_processes_and_connections_while_a_post_goes_out(
    tmp_path: Path,
) -> None:
    async with Sink().listening() as sink, fleet(tmp_path, sink, rate=1200) as house:
        await house.subscribe(*numbered(1500))

        def change(**delivery: object) -> None:
            table = {"relay": f"127.0.0.1:{sink.port}", "tls": "never", **delivery}
            house.engine.apply(House(tmp_path, Clock(), delivery=table).settings)

        async with house.running():
            await house.post()
            await sink.has_taken(10)
            change(connections=12, workers=2, rate=1200)
            await until(lambda: len(workers()) == 2)
            change(connections=3, workers=1, rate=1200)
            await until(lambda: len(workers()) == 1)
            change(connections=1, workers=2)
            await until(lambda: not workers())
            await house.drained()
            assert house.engine.connections <= 1
        assert Counter(sink.recipients()) == Counter(numbered(1500))
        assert await house.rows("SELECT state, sent FROM mailing") == [("done", 1500)]


@needs_ipv6
@pytest.mark.parametrize("has_relay", [True, False])
async def test_a_host_that_has_ipv6_only(tmp_path: Path, *, has_relay: bool) -> None:
    zone = {("six.test", "MX"): ["10 mx.six.test."], ("mx.six.test", "AAAA"): ["::1"]}
    async with (
        Sink(address="::1").listening() as sink,
        NameServer(dict(zone)).listening() as names,
    ):
        way = {"relay": f"[::1]:{sink.port}"} if has_relay else {"port": sink.port}
        house = House(tmp_path, Clock(), delivery={"tls": "never", **way}, dns=names.table)
        async with house.open(), house.running():
            await house.send("one@six.test")
            await house.drained()
        assert sink.recipients() == ["one@six.test"]
