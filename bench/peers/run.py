"""Mailman 3 and mlmmj beside us, in turn, in one run: deliveries, and requests to subscribe.

    python bench/peers/install.py               # once
    python bench/peers/run.py [--rounds 5] [--only deliver|join] [--without mailman]

Deliveries: a post of 4 KB to each one's list, an envelope sender for every copy, ours signed,
beside `smtp-source` doing nothing else. Requests: so many at once, one confirmation request each,
ours signed. Rates and CPU seconds are medians; ratios are medians of each round's own. Mailman
takes a minute for what the others do in a second, so it is given less.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from install import FOLDER, install
from machine import HOST, Figures, Sink, adopt_orphans, post
from mailman3 import Mailman
from mlmmj import Mlmmj
from ours import Ours

SOURCE = "/usr/sbin/smtp-source"

Runs = dict[str, Callable[[], Figures]]


def source(many: int, folder: Path) -> Figures:
    """The bound: smtp-source with the same post and a sink of its own."""
    sink = Sink(folder)
    file = folder / "post"
    file.write_bytes(post("bench@lists.example", "sub0@example.test"))
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    people = ["-f", "bounce-1@lists.example", "-t", "u@example.test"]
    arguments = ["-d", "-s", "10", "-m", str(many), "-F", str(file), *people]
    subprocess.run([SOURCE, *arguments, f"inet:{HOST}:{sink.port}"], check=True)
    took, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    sink.stop()
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Figures.of(many, took, {"smtp-source": cpu})


def interleaved(title: str, runs: Runs, rounds: int) -> None:
    """Each in turn, round by round; then the medians."""
    found: dict[str, list[Figures]] = {name: [] for name in runs}
    for number in range(rounds):
        for name, run in runs.items():
            found[name].append(run())
            print(f"{title}, round {number + 1}: {name:14} {_shown(found[name][-1])}", flush=True)
    print(
        f"\n{title}\n| | a second | CPU s per 1,000 | our rate to its | our CPU to its | of which |"
    )
    print("|---|---|---|---|---|---|")
    for name, figures in found.items():
        pairs = list(zip(found[Ours.name], figures, strict=True))
        rate = statistics.median(mine.rate / its.rate for mine, its in pairs)
        cpu = statistics.median(mine.cpu / its.cpu for mine, its in pairs)
        parts = {part: statistics.median(one.parts.get(part, 0.0) for one in figures)
                 for part in figures[-1].parts}  # fmt: skip
        shown = ", ".join(f"{part} {value:.3f}" for part, value in parts.items())
        print(
            f"| {name} | {statistics.median(one.rate for one in figures):,.0f}"
            f" | {statistics.median(one.cpu for one in figures):.3f}"
            f" | {rate:.2f} | {cpu:.3f} | {shown} |"
        )
    print(flush=True)


def _shown(figures: Figures) -> str:
    return f"{figures.rate:8.0f}/s {figures.cpu:8.3f} CPU s per 1,000"


def deliveries(asked: argparse.Namespace, stack: ExitStack, folder: Path) -> None:
    """A post to each one's list."""
    ours, mlmmj, many = Ours(folder), Mlmmj(asked.folder, folder), asked.subscribers
    stack.callback(ours.stop)
    stack.callback(mlmmj.stop)
    ours.fill(many)
    mlmmj.fill(many)
    runs: Runs = {
        Ours.name: lambda: ours.deliver(many),
        "smtp-source": lambda: source(many, folder),
        Mlmmj.name: lambda: mlmmj.deliver(many),
    }
    if "mailman" not in asked.without:
        mailman = Mailman(asked.folder, folder)
        stack.callback(mailman.stop)
        mailman.fill(asked.mailman_subscribers)
        mailman.start()
        runs[Mailman.name] = lambda: mailman.deliver(asked.mailman_subscribers)
    interleaved(f"Deliveries, {many:,}", runs, asked.rounds)


def requests(asked: argparse.Namespace, stack: ExitStack, folder: Path) -> None:
    """SUBSCRIBE in, confirmation request out."""
    ours, mlmmj = Ours(folder), Mlmmj(asked.folder, folder)
    stack.callback(ours.stop)
    stack.callback(mlmmj.stop)
    for many in asked.joins:
        runs: Runs = {
            Ours.name: lambda many=many: ours.join(many),  # type: ignore[misc]
            Mlmmj.name: lambda many=many: mlmmj.join(many),  # type: ignore[misc]
        }
        interleaved(f"Requests, {many:,} at once", runs, asked.rounds)
    if "mailman" not in asked.without:
        mailman = Mailman(asked.folder, folder)
        stack.callback(mailman.stop)
        mailman.start()
        runs = {Ours.name: lambda: ours.join(100), Mailman.name: lambda: mailman.join(20)}
        interleaved("Requests, Mailman 20 at once", runs, min(asked.rounds, 3))


def main() -> None:
    """Read the arguments, install what is missing, run."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where install.py put them")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--subscribers", type=int, default=10_000)
    parser.add_argument("--mailman-subscribers", type=int, default=500)
    parser.add_argument("--joins", type=int, nargs="+", default=[100, 1000])
    parser.add_argument("--only", choices=("deliver", "join"))
    parser.add_argument("--without", choices=("mailman",), action="append", default=[])
    asked = parser.parse_args()
    asked.folder = asked.folder.resolve()
    install(asked.folder)
    adopt_orphans()
    for name, work in (("deliver", deliveries), ("join", requests)):
        if asked.only in (None, name):
            with tempfile.TemporaryDirectory() as scratch, ExitStack() as stack:
                work(asked, stack, Path(scratch))


if __name__ == "__main__":
    main()
