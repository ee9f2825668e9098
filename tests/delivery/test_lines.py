"""Who waits for a place: whoever has most makes room, and a small mail waits for no post."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from delivery_rig import Clock, House, Sink, numbered, until
from name_server import NameServer

from listserv_py.delivery.connections import KEPT_IN_ALL, SERVER, Connections
from listserv_py.delivery.lane import Lane
from listserv_py.delivery.lines import Lines
from listserv_py.delivery.permits import CONNECTIONS_MAX, Alone
from listserv_py.store.outbox import Kind


@dataclass
class Stand:
    """As much of a lane as a line knows."""

    name: str
    open: list[str] = field(default_factory=list)
    idle: int = 0
    is_urgent: bool = False
    wants: bool = True
    sought: int = 0
    shed_from: list[str] = field(default_factory=list)

    def count(self, host: str = "") -> int:
        return sum(not host or one == host for one in self.open)

    def seek(self) -> bool:
        self.sought += self.wants
        return self.wants

    def leave_idle(self, host: str) -> bool:  # noqa: ARG002 - a Lane
        self.idle -= 1
        return self.idle >= 0

    def shed(self, host: str) -> None:
        self.shed_from.append(host)


class Table:
    """Lanes in line for places."""

    def __init__(self, limit: int, *lanes: Stand) -> None:
        self.permits = Alone()
        self.permits.limit = limit
        self.lanes = {lane.name: lane for lane in lanes}
        self.lines = Lines(cast(dict[str, Lane], self.lanes), self.permits)

    async def ask(self, lane: Stand, host: str = "mx:25") -> bool:
        granted = await self.lines.ask(cast(Lane, lane), host)
        lane.open += [host] * granted
        return granted

    def close(self, lane: Stand, host: str = "mx:25") -> None:
        lane.open.remove(host)
        self.permits.gone(host)
        self.lines.has_room(host)


async def test_who_has_most_gives_up_a_place_and_who_waits_is_next() -> None:
    large, small, third = Stand("large"), Stand("small"), Stand("third")
    table = Table(4, large, small, third)
    assert [await table.ask(large) for _ in range(4)] == [True] * 4
    assert not await table.ask(small)
    assert not await table.ask(third)
    assert large.shed_from == ["mx:25"] * 2
    table.close(large)
    assert (small.sought, third.sought) == (1, 0)
    assert not await table.ask(large), "another one was here before"
    assert await table.ask(small)
    table.close(large)
    assert third.sought == 1
    assert await table.ask(third)


async def test_the_last_place_goes_at_once_to_a_small_mail_and_else_in_a_second() -> None:
    post, answer = Stand("post"), Stand("answer")
    table = Table(1, post, answer)
    await table.ask(post)
    assert not await table.ask(answer)
    assert post.shed_from == []
    table.lines.tick()
    assert post.shed_from == ["mx:25"]
    answer.is_urgent = True
    assert not await table.ask(answer)
    assert post.shed_from == ["mx:25"] * 2


async def test_idle_connections_go_first_and_who_wants_nothing_more_blocks_nobody() -> None:
    first, second, third = Stand("first", idle=1), Stand("second", wants=False), Stand("third")
    table = Table(1, first, second, third)
    await table.ask(first)
    await table.ask(second)
    assert first.idle == 0
    await table.ask(third)
    table.close(first)
    assert third.sought == 1
    assert await table.ask(third)


async def test_the_bound_over_all_hosts_is_shared_as_well() -> None:
    many = [Stand(f"d{number}") for number in range(CONNECTIONS_MAX // 10)]
    late = Stand("late")
    table = Table(20, *many, late)
    for lane in many:
        assert [await table.ask(lane, f"{lane.name}:25") for _ in range(10)] == [True] * 10
    assert not await table.ask(late)
    (giver,) = [lane for lane in many if lane.shed_from]
    table.close(giver, f"{giver.name}:25")
    assert late.sought == 1
    assert await table.ask(late)


def test_workers_leave_the_server_places_whatever_they_have() -> None:
    connections = Connections()
    connections.limit = connections.share = 20
    connections.workers = 2
    hosts = [f"mx{number}:25" for number in range(100)]
    for who in (1, 2):
        granted = [connections.may(host, who) for host in hosts for _ in range(20)]
        for host in hosts:
            connections.opened(host, who)
        assert sum(granted) == (CONNECTIONS_MAX - KEPT_IN_ALL) // 2
    assert [connections.may("other:25", who) for who in (1, 2, SERVER)] == [False, False, True]
    connections.share = 2
    assert len(connections.too_many(1)) == 12 * 16 + 7


async def test_an_answer_is_sent_though_a_post_to_another_domain_has_the_only_place(
    tmp_path: Path,
) -> None:
    """Both domains have the same host, and one connection is all it may have."""
    zone = {(name, "MX"): ["10 mx.test."] for name in ("large.test", "small.test")}
    zone["mx.test", "A"] = ["127.0.0.1"]
    async with Sink().listening() as sink, NameServer(zone).listening() as names:
        delivery = {"port": sink.port, "tls": "never", "connections": 1}
        house = House(tmp_path, Clock(), delivery=delivery, dns=names.table)
        async with house.open():
            await house.subscribe(*numbered(1500, "large.test"), *numbered(20, "small.test"))
            async with house.running():
                sink.is_fast.clear()
                await house.post()
                await sink.has_taken(5)
                await house.send("one@large.test", kind=Kind.CONFIRMATION)
                await house.send("one@small.test", kind=Kind.CONFIRMATION)
                await until(lambda: "one@small.test" in sink.recipients())
                sink.is_fast.set()
                await house.drained()
        found = sink.recipients()
        assert len(set(found)) == len(found) == 1522
        assert found.index("one@large.test") < 1000
        assert found.index("one@small.test") < 1500
