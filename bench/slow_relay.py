"""Copies a second to a relay that is 50 ms away, on 20 connections.

    .venv/bin/python bench/slow_relay.py [--subscribers 3000] [--delay 0.05] [--connections 20]

The relay is a sink of our own: each reply comes so many seconds after its command arrived, those to
pipelined commands together. The time runs from the commit of the post to the commit of its last
page, dialling included.
"""

import argparse
import asyncio
import multiprocessing
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from delivery import distribute, idle, is_done, settings_for, subscribe

from listserv_py.delivery.engine import Engine
from listserv_py.resolver import Resolver
from listserv_py.store.thread import Store

HELLO = b"250-slow\r\n250-PIPELINING\r\n250 8BITMIME\r\n"


class Slow(asyncio.Protocol):
    """One connection."""

    def __init__(self, delay: float) -> None:
        self._delay = delay
        self._rest = b""
        self._in_data = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet, late."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._later(b"220 slow\r\n")

    def data_received(self, data: bytes) -> None:
        """Answer all that came, together, one delay after it came."""
        self._rest += data
        answers = []
        while True:
            end = b"\r\n.\r\n" if self._in_data else b"\r\n"
            at = self._rest.find(end)
            if at < 0:
                break
            line, self._rest = self._rest[:at], self._rest[at + len(end) :]
            if self._in_data:
                self._in_data = False
                answers.append(b"250 taken\r\n")
            else:
                answers.append(self._answer(line[:4].upper()))
        if answers:
            self._later(b"".join(answers))

    def _answer(self, verb: bytes) -> bytes:
        if verb == b"DATA":
            self._in_data = True
            return b"354 go\r\n"
        return HELLO if verb == b"EHLO" else b"221 bye\r\n" if verb == b"QUIT" else b"250 ok\r\n"

    def _later(self, answer: bytes) -> None:
        asyncio.get_running_loop().call_later(self._delay, self._transport.write, answer)


def relay(delay: float, told: Connection) -> None:
    """The relay's process; it tells its port."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Slow(delay), "127.0.0.1", 0, backlog=100)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(run())


async def ours(folder: Path, port: int, many: int, connections: int) -> float:
    """Seconds for so many copies."""
    settings = settings_for(folder, port, {"connections": connections})
    store = Store.open(folder, "lists.test")
    list_id = await store.run(subscribe, many)
    engine = Engine(store, settings, Resolver(settings.dns), has_workers=True)
    running = asyncio.create_task(engine.run())
    await idle()
    began = time.perf_counter()
    mailing_id = await store.run(distribute, list_id)
    engine.wake()
    while not await store.read(is_done, mailing_id):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    await engine.stop(5)
    await running
    await store.close()
    return took


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=3000)
    parser.add_argument("--delay", type=float, default=0.05)
    parser.add_argument("--connections", type=int, default=20)
    asked = parser.parse_args()
    ours_end, theirs = multiprocessing.Pipe()
    process = multiprocessing.Process(target=relay, args=(asked.delay, theirs), daemon=True)
    process.start()
    with tempfile.TemporaryDirectory() as name:
        work = ours(Path(name), ours_end.recv(), asked.subscribers, asked.connections)
        took = asyncio.run(work)
    process.terminate()
    print(f"{asked.subscribers / took:.0f} copies/s, {asked.delay * 1000:.0f} ms away")


if __name__ == "__main__":
    main()
