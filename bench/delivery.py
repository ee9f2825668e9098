"""Deliveries a second and CPU per 1,000, ours beside `smtp-source`, to one smtp-sink.

    .venv/bin/python bench/delivery.py [--subscribers 50000] [--rounds 5] [--loop asyncio|uvloop]

Ours is the engine with the real store: half the subscribers NOHTML, a 4 KB text + HTML post, VERP,
signed once a variant, every outcome recorded. Its time runs from the commit of the post to the
commit of its last page; its CPU is that of the server and its workers, subscribing left out. Rounds
are interleaved, each with a sink of its own.
"""

import argparse
import asyncio
import cProfile
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from listserv_py.config import Settings
from listserv_py.delivery.engine import Engine
from listserv_py.delivery.fleet import START_AFTER
from listserv_py.delivery.garbage import look_seldom
from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.resolver import Resolver
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store

POSTFIX = Path("/usr/sbin")
HEADER = "* Bench list\n*\n* Owner= owner@example.org\n"


def post() -> bytes:
    """A multipart/alternative post of about 4 KB."""
    head = (
        "Received: from bench by lists.test; Mon, 1 Jun 2026 10:00:00 +0000\n"
        "From: Sub Zero <zero@example.test>\nTo: bench@lists.test\nSubject: Bench post\n"
        "Message-ID: <bench@example.test>\nDate: Mon, 01 Jun 2026 10:00:00 +0000\n"
        'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="=_b0undary"\n\n'
    )
    text = "The quick brown fox jumps over the lazy dog, and the server sends it on.\n" * 16
    html = "<p>The quick <b>brown</b> fox jumps over the lazy dog.</p>\n" * 38
    part = "--=_b0undary\nContent-Type: text/{}; charset=utf-8\n\n{}\n"
    parts = part.format("plain", text) + part.format("html", html) + "--=_b0undary--\n"
    return (head + parts).encode().replace(b"\n", b"\r\n")


def subscribe(tx: Tx, many: int, name: str = "BENCH") -> int:
    """A list of so many, half of them NOHTML."""
    now = datetime.now(UTC)
    mailing_list = tx.lists.add(name, HEADER, now)
    options = Options(html=False), Options(html=True)
    for first in range(0, many, 5000):
        tx.subscribers.add_many(
            mailing_list.id,
            [
                (parse_mailbox(f"sub{n:07d}@example.test"), "Sub", options[n % 2], now)
                for n in range(first, min(first + 5000, many))
            ],
        )
    return mailing_list.id


def distribute(tx: Tx, list_id: int, name: str = "BENCH") -> int:
    """The post, to all of them."""
    now = datetime.now(UTC)
    facts = ListFacts(name, "Bench", "lists.test", "listserv@lists.test", stamp=int(time.time()))
    return tx.outbox.distribute(list_id, post(), facts, now)


def is_done(tx: Tx, mailing_id: int) -> bool:
    """Whether every copy has its outcome in the store."""
    row = tx.db.execute("SELECT state FROM mailing WHERE id = ?", (mailing_id,)).fetchone()
    return bool(row[0] == "done")


def settings_for(folder: Path, port: int, delivery: dict[str, Any]) -> Settings:
    """Settings for a relay on this machine, with a key of its own."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    (folder / "dkim.pem").write_bytes(pem)
    return Settings.model_validate(
        {
            "site": {
                "domain": "lists.test",
                "postmasters": ["p@lists.test"],
                "data_dir": str(folder),
            },
            "delivery": {"relay": f"127.0.0.1:{port}", **delivery},
            "dkim": {"key_file": str(folder / "dkim.pem")},
        },
        context={"folder": folder},
    )


def processes() -> list[int]:
    """This process and all that it started."""
    found = [os.getpid()]
    for pid in found:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    return found


def cpu_of(pid: int) -> float:
    """CPU seconds of a process, all its threads."""
    # The clock of another process, as clock_getcpuclockid makes it: /proc counts hundredths.
    return time.clock_gettime(~pid << 3 | 2)


def cpu_of_all() -> list[float]:
    """CPU seconds of our processes, the server first."""
    return [cpu_of(pid) for pid in processes()]


def rss_of(pid: int) -> float:
    """Megabytes that are a process's own, shared pages by their share."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1024
    return 0.0


async def idle() -> None:
    """Wait until nobody has anything to do: the workers have started."""
    before: list[float] = []
    await asyncio.sleep(START_AFTER * 1.5)
    while (now := [round(one, 2) for one in cpu_of_all()]) != before:
        before = now
        await asyncio.sleep(0.6)


async def ours(folder: Path, port: int, many: int, workers: int) -> None:
    """One run in this process; prints its figures as JSON."""
    look_seldom()
    settings = settings_for(folder, port, {"workers": max(workers, 0)})
    store = Store.open(folder, "lists.test")
    list_id = await store.run(subscribe, many)
    engine = Engine(store, settings, Resolver(settings.dns), has_workers=workers >= 0)
    running = asyncio.create_task(engine.run())
    await idle()
    idle_rss = sum(rss_of(pid) for pid in processes())
    before, began = cpu_of_all(), time.perf_counter()
    mailing_id = await store.run(distribute, list_id)
    engine.wake()
    while not await store.read(is_done, mailing_id):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0.02)
    took = time.perf_counter() - began
    parts = [after - first for after, first in zip(cpu_of_all(), before, strict=True)]
    rss = sum(rss_of(pid) for pid in processes())
    await engine.stop(5)
    await running
    await store.close()
    print(
        json.dumps({"took": took, "cpu": sum(parts), "parts": parts, "rss": rss, "idle": idle_rss})
    )


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Sink:
    """smtp-sink on a free port."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process = subprocess.Popen(
            [POSTFIX / "smtp-sink", "-u", "nobody", f"127.0.0.1:{self.port}", "1024"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
            except OSError:
                time.sleep(0.02)
            else:
                break

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def run_ours(many: int, loop: str, workers: int) -> tuple[float, float, float]:
    """Our rate, CPU and memory, from a process of its own."""
    sink = Sink()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, "--child", folder, "--port", str(sink.port),
             "--subscribers", str(many), "--loop", loop, "--workers", str(workers)],
            check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
    sink.stop()
    found = json.loads(done.stdout.splitlines()[-1])
    return many / found["took"], found["cpu"] / many * 1000, found["rss"]


def run_source(many: int) -> tuple[float, float]:
    """The rate and CPU of smtp-source."""
    sink = Sink()
    with tempfile.NamedTemporaryFile() as file:
        file.write(post().replace(b"\r\n", b"\n"))
        file.flush()
        before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
        subprocess.run(
            [POSTFIX / "smtp-source", "-d", "-s", "10", "-m", str(many), "-F", file.name,
             "-f", "owner@lists.test", "-t", "u@example.test", f"inet:127.0.0.1:{sink.port}"],
            check=True,
        )  # fmt: skip
        took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_CHILDREN)
    sink.stop()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return many / took, cpu / many * 1000


def compare(many: int, rounds: int, loop: str, workers: int) -> None:
    """Interleaved rounds, then the medians."""
    rows: list[tuple[float, ...]] = []
    for number in range(rounds):
        mine, source = run_ours(many, loop, workers), run_source(many)
        rows.append((*mine, *source))
        print(
            f"round {number + 1}: ours {mine[0]:7.0f}/s {mine[1]:.4f} CPU s/1000 {mine[2]:.0f} MB"
            f"   smtp-source {source[0]:7.0f}/s {source[1]:.4f}",
            flush=True,
        )
    rate, cpu, rss, bound, bound_cpu = (
        statistics.median(column) for column in zip(*rows, strict=True)
    )
    print(f"median, {many} subscribers, {loop}:")
    print(f"  ours        {rate:7.0f} deliveries/s  {cpu:.4f} CPU s/1000  {rss:.0f} MB")
    print(f"  smtp-source {bound:7.0f} deliveries/s  {bound_cpu:.4f} CPU s/1000")
    print(f"  ratio       {rate / bound:7.2f}               {cpu / bound_cpu:.2f}")


def main() -> None:
    """Read the arguments."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--loop", choices=("asyncio", "uvloop"), default="asyncio")
    parser.add_argument(
        "--workers", type=int, default=0, help="0: one a core; -1: the engine alone, without any"
    )
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--profile", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child is None:
        compare(asked.subscribers, asked.rounds, asked.loop, asked.workers)
        return
    work = ours(asked.child, asked.port, asked.subscribers, asked.workers)
    if asked.loop == "uvloop":
        import uvloop  # noqa: PLC0415 - need not be installed

        uvloop.run(work)
    elif asked.profile:
        profile = cProfile.Profile()
        profile.runcall(asyncio.run, work)
        profile.dump_stats(asked.profile)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    main()
