"""Personal copies, filled in and signed one by one, beside OpenSSL doing nothing but RSA-2048.

    .venv/bin/python bench/merge.py [--recipients 20000] [--rounds 5]

A DISTRIBUTE MAIL-MERGE job of the 4 KB post with a greeting, a block and a link of each reader's
own in text and HTML, to people who are on no list. Four rows, interleaved, all per CPU second:
OpenSSL's bare signature; `wire_of`, which fills in and signs; and the whole way out to Postfix's
`smtp-sink`, by the CPU of the processes that sign, and of all our processes.
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from delivery import Sink, cpu_of_all, idle, is_done, post
from signing import bare, configure, cpu_of_workers, facts

from listserv_py.config import Settings
from listserv_py.delivery.engine import Engine
from listserv_py.delivery.form import wire_of
from listserv_py.delivery.program import with_values
from listserv_py.delivery.render import Variant
from listserv_py.delivery.sign import load
from listserv_py.delivery.wire import Letter, split
from listserv_py.resolver import Resolver
from listserv_py.store.recipients import Row
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store
from listserv_py.texts.merge import names_of

COLUMNS = ("CITY", "DUE")
BARE = 3000


def merged() -> bytes:
    """The bench's post with places in it."""
    raw = post().replace(b"To: bench@lists.test", b'To: "&*NAME;" <&*TO;>')
    raw = raw.replace(b"Subject: Bench post", b"Subject: News for &*NAME;")
    greeting = b"Dear &*NAME; in &CITY;,\r\n.BB &DUE; > 0\r\nyou owe &DUE;.\r\n.EB\r\n"
    link = b'<p>Dear &*NAME;, <a href="https://x.test/?e=&*URLENC(*TO);">go</a></p>\r\n'
    raw = raw.replace(b"\r\n\r\nThe", b"\r\n\r\n%bThe" % greeting, 1)
    return raw.replace(b"<p>The", b"%b<p>The" % link, 1)


def row(number: int) -> Row:
    """One recipient."""
    address = f"sub{number:07d}@example.test"
    return address, address, (f"Sub Nr. {number}", "K\u00f6ln", str(number % 2))


def distribute(tx: Tx, many: int) -> int:
    """The job."""
    known = replace(facts(), listname="", one_click="", merge=True, columns=" ".join(COLUMNS))
    return tx.outbox.distribute_job(
        merged(), known, [row(n) for n in range(many)], sender="boss@x.test", now=datetime.now(UTC)
    )


def copies(settings: Settings) -> float:
    """Copies filled in and signed per CPU second."""
    signers = load("lists.test", settings.dkim)
    names = names_of(COLUMNS, of_list=False)
    letter = Letter(lambda _: Variant(*split(merged())), signers, int(time.time()), names)
    rows = [row(number) for number in range(BARE)]
    began = time.process_time()
    for address, _, said in rows:
        wire_of(letter.main, with_values(b"", (address, *said)), signers)
    return BARE / (time.process_time() - began)


async def whole(settings: Settings, many: int, workers: int) -> tuple[float, float, float]:
    """Copies per CPU second of those who sign, of all our processes, and per second."""
    store = Store.open(settings.site.data_dir, "lists.test")
    engine = Engine(store, settings, Resolver(settings.dns), has_workers=workers >= 0)
    running = asyncio.create_task(engine.run())
    await idle()
    before, of_workers, began = sum(cpu_of_all()), cpu_of_workers(), time.perf_counter()
    mailing_id = await store.run(distribute, many)
    engine.wake()
    while not await store.read(is_done, mailing_id):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0.02)
    took, cpu = time.perf_counter() - began, sum(cpu_of_all()) - before
    signing = cpu_of_workers() - of_workers if workers >= 0 else cpu
    await engine.stop(5)
    await running
    await store.close()
    return many / signing, many / cpu, many / took


def child(folder: Path, port: int, many: int, workers: int) -> None:
    """One round in this process; prints its figures as JSON."""
    settings = configure(folder, port, workers, second=False)
    key = serialization.load_pem_private_key((folder / "key_file").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    first = bare(key)
    made = copies(settings)
    figures = asyncio.run(whole(settings, many, workers))
    print(json.dumps([statistics.mean((first, bare(key))), made, *figures]))


def main() -> None:
    """Interleaved rounds, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0, help="as in delivery.py")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child is not None:
        child(asked.child, asked.port, asked.recipients, asked.workers)
        return
    rows = [_round() for _ in range(asked.rounds)]
    names = ("OpenSSL alone", "wire_of", "whole, signing processes", "whole, all processes")
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    ratios = [statistics.median(one[at] / one[0] for one in rows) for at in range(len(names))]
    print(f"median of {asked.rounds}, {asked.recipients} recipients; copies per CPU second:")
    for name, median, ratio in zip(names, medians[:4], ratios, strict=True):
        print(f"  {name:26} {median:6.0f}  {ratio:.2f}  {1000 / median:.2f} s per 1,000")
    print(f"  copies a second            {medians[4]:6.0f}")


def _round() -> list[float]:
    """One round in a process of its own, to a sink of its own."""
    sink = Sink()
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [sys.executable, __file__, *sys.argv[1:], "--child", folder, "--port", str(sink.port)],
            check=True, stdout=subprocess.PIPE,
        )  # fmt: skip
    sink.stop()
    found: list[float] = json.loads(done.stdout.splitlines()[-1])
    print("  ".join(f"{one:6.0f}" for one in found), flush=True)
    return found


if __name__ == "__main__":
    main()
