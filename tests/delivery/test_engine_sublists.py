"""A post to several lists on its way out: one copy each, by the reader's list, killed or not."""

import asyncio
import signal
from collections import Counter
from dataclasses import replace
from pathlib import Path

from delivery_child import start
from delivery_rig import NOW, POST, Clock, House, Sink, facts, numbered, relay

from listserv_py.lists.options import Options
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.store import Tx

PEOPLE = tuple(numbered(900))
LISTS = {"ALL-L": PEOPLE[:200], "ONE-L": PEOPLE[100:600], "TWO-L": PEOPLE[300:900]}
OWN = {"ALL-L": PEOPLE[:200], "ONE-L": PEOPLE[200:600], "TWO-L": PEOPLE[600:]}


def post(tx: Tx) -> int:
    parts = []
    for name, people in LISTS.items():
        made = tx.lists.add(name, "* T\n*\n* Owner= o@x.test\n", NOW)
        rows = [(parse_mailbox(one), "", Options(), NOW) for one in people]
        tx.subscribers.add_many(made.id, rows)
        parts.append((made.id, replace(facts(posts_to="all-l@lists.test"), listname=name)))
    return tx.outbox.distribute_to_all(parts, POST, NOW)


async def test_killed_in_the_middle_nobody_is_left_out_or_reached_by_two_lists(
    tmp_path: Path,
) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, Clock(), delivery=relay(sink, connections=3))
        async with house.open():
            await house.store.run(post)
        child = await asyncio.to_thread(start, tmp_path, sink, 3)
        try:
            await sink.has_taken(len(PEOPLE) // 2)
        finally:
            child.send_signal(signal.SIGKILL)
            await asyncio.to_thread(child.wait)
        async with house.open():
            async with house.running():
                await house.drained()
            assert await house.rows("SELECT count(*) FROM content") == [(0,)]
            states = await house.rows("SELECT state, sent FROM mailing ORDER BY id")
        assert states == [("done", len(people)) for people in OWN.values()]
        counts = Counter(sink.recipients())
        assert set(counts) == set(PEOPLE)
        assert sum(counts.values()) - len(PEOPLE) <= 3
        for name, people in OWN.items():
            mine = [mail for mail in sink.taken if mail.rcpts[0] in set(people)]
            assert all(mail.sender.startswith(f"owner-{name.lower()}+") for mail in mine)
            head = mine[0].data.partition(b"\r\n\r\n")[0]
            assert f"List-Id: Test <{name.lower()}.lists.test>".encode() in head
            assert b"List-Post: <mailto:all-l@lists.test>" in head
