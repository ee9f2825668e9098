import asyncio

import pytest

from listserv_py.daemon.gathering import Gathering


async def test_what_comes_meanwhile_is_done_together_and_in_order() -> None:
    batches: list[list[int]] = []
    gate = asyncio.Event()

    async def do(batch: list[int]) -> None:
        batches.append(batch)
        await gate.wait()

    gathering = Gathering(do, at_once=3)
    first = gathering.add(0)
    await asyncio.sleep(0)
    rest = [gathering.add(number) for number in range(1, 6)]
    gate.set()
    await asyncio.gather(first, *rest)
    assert batches == [[0], [1, 2, 3], [4, 5]]
    await gathering.add(6)
    assert batches[-1] == [6]


async def test_a_failure_is_told_to_all_of_its_batch_and_to_nobody_else() -> None:
    async def do(batch: list[int]) -> None:
        if 1 in batch:
            raise ValueError("one")

    gathering = Gathering(do, at_once=2)
    found = await asyncio.gather(*(gathering.add(n) for n in range(4)), return_exceptions=True)
    assert [isinstance(one, ValueError) for one in found] == [True, True, False, False]


async def test_it_stops_with_work_in_hand_and_with_none() -> None:
    async def do(_: list[int]) -> None:
        await asyncio.Event().wait()

    gathering = Gathering(do, at_once=2)
    await gathering.stop()
    waiting = gathering.add(1)
    await asyncio.sleep(0)
    await gathering.stop()
    assert not waiting.done()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(waiting, 0.01)
