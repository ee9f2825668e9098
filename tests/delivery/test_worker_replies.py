"""What the relay said reaches the ledger, by a worker as well."""

import time
from pathlib import Path

from delivery_rig import House, Sink, numbered, relay, until

from listserv_py.store import follow


async def test_the_relays_reply_to_a_workers_copies_is_kept(tmp_path: Path) -> None:
    async with Sink().listening() as sink:
        house = House(tmp_path, time.time, delivery=relay(sink, workers=1))
        house.has_workers = True
        async with house.open():
            await house.subscribe(*numbered(20))
            async with house.running():
                await house.post()
                await until(lambda: len(sink.taken) == 20)
                lines = await house.store.read(lambda tx: follow.pages(tx.db, 1))
                while sum(one.sent for one in lines) < 20:
                    lines = await house.store.read(lambda tx: follow.pages(tx.db, 1))
    assert all(one.reply.startswith("250") for one in lines), lines
