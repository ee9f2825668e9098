"""Whether a copy costs the same on a small list and on a huge one, and what memory a post takes.

    .venv/bin/python bench/sizes.py [--subscribers 5000,50000,500000] [--rounds 5]

One server with a list of each size; each round is a post to each of them, the smaller ones several
times, so that there are as many copies of each. The post and the sink are those of `delivery.py`.
CPU is that of the server and its workers. The rate runs from the commit of the first page, which is
short, to the commit of the last. Memory is the most that was seen, above what there was when nobody
had had anything to do.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

from delivery import (
    Sink,
    cpu_of_all,
    distribute,
    idle,
    is_done,
    processes,
    rss_of,
    settings_for,
    subscribe,
)

from listserv_py.delivery.engine import Engine
from listserv_py.delivery.garbage import look_seldom
from listserv_py.maillog import forward
from listserv_py.resolver import Resolver
from listserv_py.store.thread import Store

COPIES = 100_000
"""So many a round of each size, or one post."""
POSTS_MAX = 10
LOOK = 2.0


@dataclass
class Seen:
    """What was seen of the posts to lists of one size."""

    cpu: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    rate: list[float] = field(default_factory=list)
    memory: float = 0.0


class Pages:
    """When the pages were recorded, as the log says it."""

    def __init__(self) -> None:
        self.times: list[tuple[float, int]] = []
        logging.getLogger().setLevel("INFO")
        forward(self._line)

    def _line(self, level: str, event: str, values: dict[str, Any]) -> None:
        del level
        if event == "delivery.page":
            self.times.append((time.perf_counter(), values["sent"]))

    def rate(self) -> float:
        """Copies a second since the first page."""
        began, ended = self.times[0][0], self.times[-1][0]
        return sum(sent for at, sent in self.times if at > began) / (ended - began)


class Bench:
    """The server, with lists of these sizes."""

    def __init__(self, folder: Path, port: int, sizes: list[int]) -> None:
        settings = settings_for(folder, port, {})
        self.store = Store.open(folder, "lists.test")
        self.engine = Engine(self.store, settings, Resolver(settings.dns), has_workers=True)
        self.seen = {many: Seen() for many in sizes}
        self.pages = Pages()
        self.lists: dict[int, tuple[str, int]] = {}
        self.quiet = 0.0

    async def run(self, rounds: int) -> None:
        """All posts, one after the other; prints what was seen as JSON."""
        for many in self.seen:
            name = f"BENCH{many}"
            self.lists[many] = name, await self.store.run(subscribe, many, name)
        running = asyncio.create_task(self.engine.run())
        await idle()
        self.quiet = _memory()
        for _ in range(rounds):
            for many in self.seen:
                for _ in range(max(min(COPIES // many, POSTS_MAX), 1)):
                    await self.post(many)
        await self.engine.stop(5)
        await running
        await self.store.close()
        print(json.dumps({many: asdict(seen) for many, seen in self.seen.items()}))

    async def post(self, many: int) -> None:
        """One post to the list of this size."""
        seen = self.seen[many]
        name, list_id = self.lists[many]
        self.pages.times.clear()
        before, looked = cpu_of_all(), time.perf_counter()
        mailing_id = await self.store.run(distribute, list_id, name)
        self.engine.wake()
        while not await self.store.read(is_done, mailing_id):
            await asyncio.sleep(0.02)
            if time.perf_counter() > looked + LOOK:
                looked = time.perf_counter()
                seen.memory = max(seen.memory, _memory() - self.quiet)
        parts = [after - first for after, first in zip(cpu_of_all(), before, strict=True)]
        seen.memory = max(seen.memory, _memory() - self.quiet)
        seen.cpu.append(sum(parts) / many * 1000)
        seen.server.append(parts[0] / many * 1000)
        seen.rate.append(self.pages.rate())


def _memory() -> float:
    return sum(rss_of(pid) for pid in processes())


def compare(sizes: list[int], rounds: int) -> None:
    """Run it, then print the medians, each beside those of the middle size."""
    sink = Sink()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--child", folder, "--port", str(sink.port),
             "--subscribers", ",".join(map(str, sizes)), "--rounds", str(rounds)],
            check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
    sink.stop()
    found: dict[str, dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    middle = found[str(sizes[len(sizes) // 2])]
    of_it = [statistics.median(middle[name]) for name in ("cpu", "rate")]
    for many, seen in found.items():
        cpu, server, rate = (statistics.median(seen[name]) for name in ("cpu", "server", "rate"))
        print(
            f"{many:>8} subscribers: {cpu:.4f} CPU s/1000 ({cpu / of_it[0]:.2f}; the server's"
            f" {server:.4f}), {rate:6.0f}/s from first to last copy ({rate / of_it[1]:.2f}),"
            f" {seen['memory']:.0f} MB more than idle"
        )


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", default="5000,50000,500000")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    sizes = [int(one) for one in asked.subscribers.split(",")]
    if asked.child is None:
        compare(sizes, asked.rounds)
    else:
        look_seldom()
        asyncio.run(_work(asked.child, asked.port, sizes, asked.rounds))


async def _work(folder: Path, port: int, sizes: list[int], rounds: int) -> None:
    await Bench(folder, port, sizes).run(rounds)


if __name__ == "__main__":
    main()
