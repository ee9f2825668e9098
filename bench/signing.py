"""Copies signed one by one, per CPU second, beside OpenSSL doing nothing but RSA-2048.

    .venv/bin/python bench/signing.py [--subscribers 20000] [--rounds 5]

Three rows, interleaved, all per CPU second of the processes that sign: OpenSSL's bare signature of
a header of that size; `wire_of`, which makes a copy's bytes; and the whole way out to Postfix's
`smtp-sink`, a post to so many subscribers with one-click links. With --ed25519, a second signature.
"""

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from delivery import Sink, cpu_of_all, idle, is_done, post, processes, subscribe

from listserv_py.config import Settings
from listserv_py.delivery import personal
from listserv_py.delivery.engine import Engine
from listserv_py.delivery.form import wire_of
from listserv_py.delivery.render import render
from listserv_py.delivery.sign import load
from listserv_py.delivery.wire import Letter
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.token import Tokens
from listserv_py.resolver import Resolver
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store

BARE = 3000


def facts() -> ListFacts:
    """A list whose copies each have a link of their own."""
    return ListFacts(
        "BENCH",
        "Bench",
        "lists.test",
        "listserv@lists.test",
        stamp=int(time.time()),
        one_click="https://lists.test/u/",
    )


def distribute(tx: Tx, list_id: int) -> int:
    """The post, to all of them."""
    return tx.outbox.distribute(list_id, post(), facts(), datetime.now(UTC))


def bare(key: rsa.RSAPrivateKey) -> float:
    """Signatures per CPU second."""
    covered = os.urandom(1200)
    began = time.process_time()
    for _ in range(BARE):
        key.sign(covered, padding.PKCS1v15(), hashes.SHA256())
    return BARE / (time.process_time() - began)


def copies(settings: Settings) -> float:
    """Copies made and signed per CPU second."""
    signers, own = (
        load("lists.test", settings.dkim),
        personal.fields(facts(), Tokens(bytes(32)).token_for),
    )
    style = HeaderStyle.FULL
    letter = Letter(lambda _: render(post(), facts(), plain=False, style=style), signers, 1)
    began = time.process_time()
    for number in range(BARE):
        wire_of(letter.main, own(style, "ann@example.test", number), signers)
    return BARE / (time.process_time() - began)


def configure(folder: Path, port: int, workers: int, *, second: bool) -> Settings:
    """Settings with keys of this run's own."""
    keys = {"key_file": rsa.generate_private_key(public_exponent=65537, key_size=2048)}
    if second:
        keys["ed25519_key_file"] = ed25519.Ed25519PrivateKey.generate()  # type: ignore[assignment]
    for name, key in keys.items():
        (folder / name).write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
    return Settings.model_validate(
        {
            "site": {"domain": "lists.test", "data_dir": str(folder)},
            "delivery": {"relay": f"127.0.0.1:{port}", "workers": max(workers, 0)},
            "dkim": {name: str(folder / name) for name in keys},
        },
        context={"folder": folder},
    )


async def whole(settings: Settings, many: int, workers: int) -> tuple[float, float, float]:
    """Copies per CPU second of those who sign, of all our processes, and per second."""
    store = Store.open(settings.site.data_dir, "lists.test")
    list_id = await store.run(subscribe, many)
    engine = Engine(store, settings, Resolver(settings.dns), has_workers=workers >= 0)
    running = asyncio.create_task(engine.run())
    await idle()
    before, of_workers, began = sum(cpu_of_all()), cpu_of_workers(), time.perf_counter()
    mailing_id = await store.run(distribute, list_id)
    engine.wake()
    while not await store.read(is_done, mailing_id):  # noqa: ASYNC110 - the store tells nobody
        await asyncio.sleep(0.02)
    took, cpu = time.perf_counter() - began, sum(cpu_of_all()) - before
    signing = cpu_of_workers() - of_workers if workers >= 0 else cpu
    await engine.stop(5)
    await running
    await store.close()
    return many / signing, many / cpu, many / took


def cpu_of_workers() -> float:
    """CPU seconds of the processes that send."""
    ticks = 0
    for pid in processes()[1:]:
        words = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(words[11]) + int(words[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def child(folder: Path, port: int, many: int, workers: int, *, second: bool) -> None:
    """One round in this process; prints its figures as JSON."""
    settings = configure(folder, port, workers, second=second)
    key = serialization.load_pem_private_key((folder / "key_file").read_bytes(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    first = bare(key)
    made = copies(settings)
    figures = asyncio.run(whole(settings, many, workers))
    print(json.dumps([statistics.mean((first, bare(key))), made, *figures]))


def main() -> None:
    """Interleaved rounds, then the medians."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=0, help="as in delivery.py")
    parser.add_argument("--ed25519", action="store_true")
    parser.add_argument("--child", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.child is not None:
        child(asked.child, asked.port, asked.subscribers, asked.workers, second=asked.ed25519)
        return
    rows = [_round() for _ in range(asked.rounds)]
    names = ("OpenSSL alone", "wire_of", "whole, signing processes", "whole, all processes")
    medians = [statistics.median(column) for column in zip(*rows, strict=True)]
    ratios = [statistics.median(row[at] / row[0] for row in rows) for at in range(len(names))]
    print(
        f"median of {asked.rounds}, {asked.subscribers} subscribers; signed copies per CPU second:"
    )
    for name, median, ratio in zip(names, medians[:4], ratios, strict=True):
        print(f"  {name:26} {median:6.0f}  {ratio:.2f}")
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
