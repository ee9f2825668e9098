"""How long the first copy of a post takes: from the commit that its 250 waits for, to the relay.

    .venv/bin/python bench/first_copy.py [--subscribers 10000] [--posts 9]

The relay runs in this process and notes when it has read a mail's final dot. The first post comes
when the workers have only just been started, the others find them and their connections ready.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from delivery import distribute, is_done, settings_for, subscribe
from slow_relay import Slow

from listserv_py.delivery.engine import Engine
from listserv_py.resolver import Resolver
from listserv_py.store.thread import Store


class Noting(Slow):
    """A relay that is near, and says when the first mail came."""

    first = 0.0

    def data_received(self, data: bytes) -> None:
        """See Slow."""
        if not Noting.first and b"\r\n.\r\n" in data:
            Noting.first = time.perf_counter()
        super().data_received(data)

    def _later(self, answer: bytes) -> None:
        self._transport.write(answer)


async def measure(folder: Path, many: int, posts: int) -> list[float]:
    """Seconds, of each post."""
    relay = await asyncio.get_running_loop().create_server(lambda: Noting(0), "127.0.0.1", 0)
    settings = settings_for(folder, relay.sockets[0].getsockname()[1], {})
    store = Store.open(folder, "lists.test")
    list_id = await store.run(subscribe, many)
    engine = Engine(store, settings, Resolver(settings.dns), has_workers=True)
    running = asyncio.create_task(engine.run())
    took = []
    for _ in range(posts):
        Noting.first = 0.0
        mailing_id = await store.run(distribute, list_id)
        began = time.perf_counter()
        engine.wake()
        while not Noting.first or (  # noqa: ASYNC110 - nobody tells
            many <= 20_000 and not await store.read(is_done, mailing_id)
        ):
            await asyncio.sleep(0.001)
        took.append(Noting.first - began)
        if many > 20_000:
            await store.run(lambda tx, mailing=mailing_id: tx.outbox.hold(mailing))
            while engine.in_hand:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0.02)
    await engine.stop(5)
    await running
    await store.close()
    relay.close()
    return took


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--posts", type=int, default=9)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        first, *others = asyncio.run(measure(Path(name), asked.subscribers, asked.posts))
    print(
        f"{asked.subscribers} subscribers: {statistics.median(others) * 1000:.0f} ms"
        f" (longest {max(others) * 1000:.0f}), right after the start {first * 1000:.0f}"
    )


if __name__ == "__main__":
    main()
