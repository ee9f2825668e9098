"""Against Postfix's smtp-sink, which we did not write: refusals, hang-ups, a short run."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from delivery_rig import Clock, House, numbered, until

SINK = shutil.which("smtp-sink", path="/usr/sbin:/usr/bin:/sbin:/bin")
pytestmark = pytest.mark.skipif(
    "CI" not in os.environ and SINK is None, reason="postfix's smtp-sink is not installed"
)


@asynccontextmanager
async def smtp_sink(folder: Path, *flags: str) -> AsyncIterator[tuple[int, Path]]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    user = ["-u", "nobody"] if os.getuid() == 0 else []
    counts = folder / "sink.log"
    with counts.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            str(SINK), *user, "-c", *flags, f"127.0.0.1:{port}", "256",
            stdout=output, stderr=output,
        )  # fmt: skip
    try:

        async def listens() -> bool:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                return False
            writer.close()
            return True

        await until(listens)
        yield port, counts
    finally:
        process.terminate()
        await process.wait()


def taken(counts: Path) -> int:
    found = re.findall(r"mesg=(\d+)", counts.read_text())
    return int(found[-1]) if found else 0


@pytest.mark.parametrize("flags", [(), ("-p",)], ids=["pipelined", "plain"])
async def test_a_page_and_more_arrives_once(tmp_path: Path, flags: tuple[str, ...]) -> None:
    async with smtp_sink(tmp_path, *flags) as (port, counts):
        delivery = {"relay": f"127.0.0.1:{port}", "tls": "never"}
        house = House(tmp_path, Clock(), delivery=delivery)
        async with house.open(), house.running():
            await house.subscribe(*numbered(700))
            await house.post()
            await house.drained()
            assert await house.rows("SELECT state, sent FROM mailing") == [("done", 700)]
        assert taken(counts) == 700


@pytest.mark.parametrize(
    ("flags", "rests", "bounces"),
    [
        (("-Q", "mail"), 1, 0),
        (("-Q", "rcpt"), 1, 0),
        (("-Q", "data"), 1, 0),
        (("-Q", "."), 1, 0),
        (("-q", "mail"), 1, 0),
        (("-q", "data"), 1, 0),
        (("-r", "rcpt"), 0, 0),
        (("-r", "mail"), 1, 0),
        (("-f", "rcpt"), 0, 1),
        (("-f", "data"), 0, 1),
    ],
    ids=lambda value: "".join(value) if isinstance(value, tuple) else str(value),
)
async def test_its_refusals(
    tmp_path: Path, flags: tuple[str, ...], rests: int, bounces: int
) -> None:
    async with smtp_sink(tmp_path, *flags) as (port, counts):
        delivery = {"relay": f"127.0.0.1:{port}", "tls": "never"}
        house = House(tmp_path, Clock(), delivery=delivery)
        async with house.open(), house.running():
            await house.send("one@example.test")

            async def is_decided() -> bool:
                rows = await house.rows(
                    "SELECT (SELECT count(*) FROM host), (SELECT count(*) FROM bounce),"
                    " (SELECT count(*) FROM copy WHERE tries > 0 OR next_at > 1780308000)"
                )
                return rows[0][:2] == (rests, bounces) and (rows[0][2] or bounces)

            await until(is_decided)
        # With 421 for its answer to the dot, smtp-sink counts the mail all the same.
        assert taken(counts) == (1 if "." in flags else 0)
