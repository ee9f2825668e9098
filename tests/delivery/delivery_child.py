"""A process with an engine on a store that is there already, to be killed."""

import asyncio
import sys
from pathlib import Path

from delivery_rig import Clock, House


async def main(folder: Path, port: str, connections: int, workers: int) -> None:
    delivery = {"relay": f"127.0.0.1:{port}", "tls": "never", "connections": connections}
    house = House(folder, Clock(), delivery={**delivery, "workers": workers})
    house.has_workers = workers > 0
    async with house.open(), house.running():
        await asyncio.Event().wait()


asyncio.run(main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
