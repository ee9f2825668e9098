"""A process with an engine on a store that is there already, to be killed."""

import asyncio
from pathlib import Path

from delivery_rig import Clock, House, Sink
from forked import Forked


def start(folder: Path, sink: Sink, connections: int, workers: int = 0) -> Forked:
    arguments = (folder, str(sink.port), connections, workers)
    return Forked(run, *arguments, output=folder / "child.log", errors=folder / "child.log")


def run(folder: Path, port: str, connections: int, workers: int) -> None:
    asyncio.run(main(folder, port, connections, workers))


async def main(folder: Path, port: str, connections: int, workers: int) -> None:
    delivery = {"relay": f"127.0.0.1:{port}", "tls": "never", "connections": connections}
    house = House(folder, Clock(), delivery={**delivery, "workers": workers})
    house.has_workers = workers > 0
    async with house.open(), house.running():
        await asyncio.Event().wait()
