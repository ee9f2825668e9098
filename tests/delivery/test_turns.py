"""Whose copies go next: lists share, so do posts, and a small mail waits for nothing long."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest
from delivery_rig import NOW, Clock, House, Sink, numbered, relay

from listserv_py.delivery import engine
from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.desk import Desk
from listserv_py.delivery.form import Caps
from listserv_py.delivery.hand import Post
from listserv_py.delivery.journal import Journals
from listserv_py.delivery.lane import Lane
from listserv_py.delivery.office import Office
from listserv_py.delivery.render import Variant
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.turns import Turns
from listserv_py.delivery.wire import Letter
from listserv_py.mail.listheaders import ListFacts
from listserv_py.store.outbox import Kind
from listserv_py.store.sending import Mailing, Reader


def _post(number: int, of_list: int) -> Post:
    made = Mailing(number, Kind.POST, of_list, "{}", "", int(NOW.timestamp()), 10**6, 0)
    return Post(made, 0)


def _job(number: int, priority: int) -> Post:
    facts = ListFacts("", "", "lists.example.org", "", priority=priority).encode()
    made = Mailing(number, Kind.JOB, None, facts, "", int(NOW.timestamp()), 10**6, 0)
    return Post(made, 0)


def _pages(turns: Turns, posts: list[Post], many: int) -> Counter[int]:
    return Counter(turns.next(posts).mailing.id for _ in range(many))


def test_lists_share_and_so_do_the_posts_of_a_list() -> None:
    turns, chatty, single = Turns(), [_post(n, 1) for n in (1, 2, 3)], _post(9, 2)
    assert _pages(turns, [*chatty, single], 60) == {1: 10, 2: 10, 3: 10, 9: 30}
    assert _pages(turns, chatty, 30) == {1: 10, 2: 10, 3: 10}


def test_of_jobs_those_of_the_highest_priority_go_first() -> None:
    turns, single = Turns(), _post(9, 2)
    jobs = [_job(1, 10), _job(2, 90), _job(3, 90)]
    assert _pages(turns, [*jobs, single], 40) == {2: 10, 3: 10, 9: 20}
    assert _pages(turns, [jobs[0], single], 40) == {1: 20, 9: 20}


def test_who_comes_new_takes_turns_from_then_on() -> None:
    turns, old = Turns(), _post(1, 1)
    assert _pages(turns, [old], 500) == {1: 500}
    assert _pages(turns, [old, _post(2, 1), _post(3, 2)], 80) == {1: 20, 2: 20, 3: 40}


def _copies(first: int, many: int, folder: Path) -> list[Copy]:
    letter = Letter(lambda _: Variant(b"Subject: x\r\n", b""), (), 0)
    folder.joinpath(str(first)).mkdir()
    section = Journals(folder / str(first)).section(many)
    batch = Batch(Patience((60,), 1000), int, lambda _: None, section)
    made = [
        Copy(1, number, f"r{number}@example.test", b"o@lists.test", letter, 0, batch, personal=b"x")
        for number in range(first, first + many)
    ]
    batch.enter(made)
    return made


async def test_at_a_smarthost_a_posts_first_page_stands_behind_no_whole_one(tmp_path: Path) -> None:
    office = SimpleNamespace(router=SimpleNamespace(has_relay=True), rate=0, limit=0, clock=int)
    lane = Lane("relay", cast(Office, office))
    for first, many in ((1, 500), (1001, 3), (2001, 100)):
        lane.put(_copies(first, many, tmp_path), urgent=False)
    lane.put(_copies(3001, 1, tmp_path), urgent=True)
    taken = [lane.take(Caps(eight_bit=True, utf8=True)) for _ in range(105)]
    order = [copy.subscriber_id for one in taken if one for copy in one[1]]
    assert order == [3001, *range(1001, 1004), *range(2001, 2101), 1]
    assert lane.queued == 499


async def test_an_answer_goes_out_while_a_post_is_being_rendered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "LONG", 0.05)
    rendering, answered = asyncio.Event(), asyncio.Event()
    render = Desk.of_page

    async def slowly(
        desk: Desk, mailing: Mailing, readers: Sequence[Reader], batch: Batch
    ) -> list[Copy] | None:
        rendering.set()
        await answered.wait()
        return await render(desk, mailing, readers, batch)

    monkeypatch.setattr(Desk, "of_page", slowly)
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink))
        async with house.open():
            await house.subscribe(*numbered(3))
            async with house.running():
                await house.post()
                await rendering.wait()
                await house.send("one@example.test", kind=Kind.CONFIRMATION)
                await sink.has_taken(1)
                answered.set()
                await house.drained()
        assert sink.recipients()[0] == "one@example.test"
        assert len(sink.taken) == 4
