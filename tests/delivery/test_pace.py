"""A rate: what begins when, who waits for it and who does not."""

from collections import Counter
from pathlib import Path

import pytest
from delivery_rig import NOW, Clock, House, Sink, numbered, relay, until
from name_server import NameServer

from listserv_py.delivery import pace
from listserv_py.store.outbox import Kind

ZONE = {
    (name, "A"): ["127.0.0.1"]
    for name in ("slow.test", "quick0.test", "quick1.test", "quick2.test")
}


async def answered(house: House) -> bool:
    """Whether all that waits is the post: outcomes are recorded behind the sink's replies."""
    return len(await house.waiting()) == 1


async def test_a_relay_gets_no_more_than_the_rate_and_answers_do_not_wait(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, rate=1))
        async with house.open():
            await house.subscribe(*numbered(50))
            async with house.running():
                await house.post()
                await sink.has_taken(1)
                for number in range(20):
                    await house.send(f"one{number}@example.test", kind=Kind.CONFIRMATION)
                await sink.has_taken(21)
                kinds = Counter(one.startswith("one") for one in sink.recipients())
                assert kinds[True] == 20
                assert kinds[False] <= 3
                await until(lambda: answered(house))
                (waiting,) = await house.waiting()
                assert waiting.to_come + waiting.waiting >= 47
                changed = House(tmp_path, Clock(), delivery=relay(sink)).settings
                house.engine.apply(changed)
                await house.unsubscribe("reader0049@example.test")
                await house.subscribe("late@example.test")
                await house.post()
                await until(lambda: "late@example.test" in sink.recipients())


async def test_a_slow_domain_keeps_no_other_waiting_and_each_copy_has_its_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "AHEAD", 0.0)
    async with Sink().listening() as sink, NameServer(dict(ZONE)).listening() as names:
        clock = Clock()
        delivery = {"port": sink.port, "tls": "never", "rate": 30}
        house = House(tmp_path, clock, delivery=delivery, dns=names.table)
        async with house.open():
            await house.subscribe(*numbered(90, "slow.test"))
            await house.subscribe(*(f"a@quick{number}.test" for number in range(3)))
            async with house.running():
                await house.post()
                await until(lambda: sum("quick" in one for one in sink.recipients()) == 3)

                async def all_wait() -> bool:
                    return await house.rows("SELECT count(*) FROM copy") == [(89,)]

                await until(all_wait)
                rows = await house.rows("SELECT next_at FROM copy ORDER BY next_at")
            found = [at - int(NOW.timestamp()) for (at,) in rows]
            assert found[0] >= 2
            assert 170 <= found[-1] <= 190, "two seconds a copy"
            assert len(set(found)) == len(found)
            assert Counter("slow" in one for one in sink.recipients()) == {True: 1, False: 3}
