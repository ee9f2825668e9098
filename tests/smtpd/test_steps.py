import asyncio
from collections.abc import Callable

import pytest

from listserv_py.smtpd.steps import MORE, Steps


async def test_it_runs_at_once_and_as_far_as_it_can() -> None:
    said: list[str] = []

    async def talk() -> str:
        said.append("first")
        await MORE
        said.append("second")
        await asyncio.sleep(0)
        return "done"

    steps = Steps(talk(), asyncio.get_running_loop())
    steps.go_on()
    assert said == ["first"]
    assert steps.waits_for_more
    steps.go_on()
    assert said == ["first", "second"]
    assert not steps.waits_for_more
    assert await steps.ended == "done"
    steps.go_on()  # nothing is left to do


async def test_what_it_waits_for_wakes_it_and_what_it_raises_is_told() -> None:
    gate: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def fail() -> None:
        raise ValueError(await gate)

    steps = Steps(fail(), asyncio.get_running_loop())
    steps.go_on()
    gate.set_result("no")
    with pytest.raises(ValueError, match="no"):
        await steps.ended


async def test_its_end_is_not_the_end_of_what_it_waits_for() -> None:
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    left: list[str] = []

    async def wait() -> None:
        try:
            await gate
        finally:
            left.append("tidied")

    steps = Steps(wait(), asyncio.get_running_loop())
    steps.go_on()
    steps.cancel()
    assert left == ["tidied"]
    assert steps.ended.cancelled()
    gate.set_result(None)
    await asyncio.sleep(0)
    steps.cancel()


@pytest.mark.parametrize("waits", [True, False])
async def test_it_may_end_itself(*, waits: bool) -> None:
    async def leave() -> None:
        steps.cancel()
        if waits:
            await MORE

    steps: Steps[None] = Steps(leave(), asyncio.get_running_loop())
    steps.go_on()
    assert steps.ended.done()
    assert not steps.waits_for_more


async def test_nobody_who_gives_up_waiting_stops_it() -> None:
    gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    kept: list[str] = []

    async def commit() -> None:
        await gate
        kept.append("mail")

    steps = Steps(commit(), asyncio.get_running_loop())
    steps.go_on()
    steps.ended.cancel()
    gate.set_result(None)
    await asyncio.sleep(0)
    assert kept == ["mail"]


async def test_what_comes_before_it_is_asked_for_is_bounded_and_not_lost(
    open_door: Callable,
) -> None:
    house = await open_door(junk=10**6)
    house.room.gate.clear()
    talk = await house.connect()
    await talk.begin()
    await talk.send(b"text\r\n.\r\n")
    await house.room.begun.wait()
    (session,) = house.listener.sessions
    many = 40_000
    sending = asyncio.create_task(talk.send(b"NOOP\r\n" * many + b"QUIT\r\n"))
    await house.until(lambda: not session.transport.is_reading())
    assert session._ahead < 2_000_000
    house.room.gate.set()
    replies = asyncio.create_task(talk.reader.read())
    await sending
    heard = (await replies).splitlines()
    assert heard[0].startswith(b"250 2.0.0 Kept as ")
    assert heard[1:] == [b"250 2.0.0 Ok"] * many + [b"221 2.0.0 Goodbye"]
