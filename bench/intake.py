"""Durable intake beside smtp-sink and a bare aiosmtpd, which store nothing, driven alike in turn.

    python bench/intake.py [--rounds 5] [--mails 3000] [--sessions 50] [--size 5000]

Each round runs every receiver once, each in a process of its own, with `smtp-source -d` (Postfix)
as the client: `sink` is its smtp-sink, the yardstick; `bare` is aiosmtpd as documented, with a
handler that answers 250; `door` is our door before a mail room that stores nothing; `durable` is
our door before the real mail room, which answers when the mail is on disk; `server` is the whole
server, which works the mails off at the same time, posts to a list without subscribers. Printed
are the medians, the ratio to `sink` round by round, and the receiver's CPU seconds for 1,000 mails.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from aiosmtpd.smtp import SMTP

from listserv_py import maillog
from listserv_py.config import Delivery, Listen, Settings, Site
from listserv_py.daemon.mailroom import House
from listserv_py.daemon.server import serve
from listserv_py.lists.header import new_header
from listserv_py.mail.envelope import Envelope
from listserv_py.mail.mailbox import Mailbox
from listserv_py.smtpd.limits import DoorSettings
from listserv_py.smtpd.listener import listen
from listserv_py.smtpd.mailroom import Mailroom
from listserv_py.smtpd.replies import SmtpReply
from listserv_py.store.thread import Store
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms
from listserv_py.units import HostPort

DOMAIN = "lists.example.org"
HOST = "127.0.0.1"


class NoStore:
    """A mail room that forgets."""

    async def accepts(
        self, sender: Mailbox | None, rcpt: Mailbox, size: int | None
    ) -> SmtpReply | None:
        """Everybody is welcome."""

    async def take(self, envelope: Envelope) -> None:
        """Nothing is kept."""


class Bare:
    """What aiosmtpd's documentation begins with."""

    async def handle_DATA(self, *_: object) -> str:  # noqa: N802 - aiosmtpd's name
        """Nothing is kept."""
        return "250 OK"


async def bare(_: Path) -> int:
    """Nothing but aiosmtpd."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: SMTP(Bare(), hostname=DOMAIN, loop=loop), HOST, 0)
    return int(server.sockets[0].getsockname()[1])


async def door(_: Path) -> int:
    """Our door, nothing stored."""
    return await _open(NoStore())


async def durable(folder: Path) -> int:
    """Our door and the store."""
    maillog.configure(output=os.open(os.devnull, os.O_WRONLY))
    settings = Settings(site=Site(domain=DOMAIN, data_dir=folder))
    store = Store.open(folder, DOMAIN)
    header = new_header("TEST-L", "Test", [Mailbox("ann", "example.org")])
    await store.run(lambda tx: tx.lists.add("TEST-L", header, datetime.now(UTC)))
    return await _open(House(store, Turns(settings, Forms.load()), lambda: None))


async def server(folder: Path) -> int:
    """The whole server: what was taken is worked off at the same time."""
    with socket.create_server((HOST, 0)) as free:
        port = int(free.getsockname()[1])
    store = Store.open(folder, DOMAIN)
    keywords = ("Send= Public", "Daily-Threshold= 999999")
    header = new_header("TEST-L", "Test", [Mailbox("boss", "example.org")], keywords)
    await store.run(lambda tx: tx.lists.add("TEST-L", header, datetime.now(UTC)))
    await store.close()
    settings = Settings(
        site=Site(domain=DOMAIN, data_dir=folder),
        listen=(Listen(protocol="smtp", address=HostPort(HOST, port)),),
        delivery=Delivery(transport="maildir"),
    )
    maillog.configure(output=os.open(os.devnull, os.O_WRONLY))
    TASKS.append(asyncio.create_task(serve(settings, folder / "listserv.toml")))
    while not await _is_open(port):  # noqa: ASYNC110 - the server tells nobody but systemd
        await asyncio.sleep(0.05)
    return port


TASKS: list[asyncio.Task[None]] = []


async def _is_open(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(HOST, port)
    except OSError:
        return False
    writer.close()
    return True


async def _open(room: Mailroom) -> int:
    doors = [Listen(protocol="smtp", address=HostPort(HOST, 0))]
    listener = await listen(doors, room, DoorSettings(DOMAIN), {})
    address = listener.addresses[0]
    assert isinstance(address, tuple)
    return address[1]


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: mails a second, and the receiver's CPU seconds for 1,000 of them."""

    rate: float
    cpu: float


def sink() -> tuple[subprocess.Popen[bytes], int]:
    """smtp-sink on a free port; what it takes it forgets."""
    with socket.create_server((HOST, 0)) as free:
        port = int(free.getsockname()[1])
    program = shutil.which("smtp-sink") or "/usr/sbin/smtp-sink"
    process = subprocess.Popen([program, "-u", "nobody", f"{HOST}:{port}", "1024"])
    while True:
        try:
            socket.create_connection((HOST, port)).close()
        except OSError:
            time.sleep(0.02)
        else:
            return process, port


def run_sink(options: argparse.Namespace) -> Figures:
    """One run of smtp-source to smtp-sink."""
    process, port = sink()
    try:
        seconds = _drive(str(port), options)
        source = resource.getrusage(resource.RUSAGE_CHILDREN)
    finally:
        process.terminate()
        process.wait()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - source.ru_utime - source.ru_stime
    return Figures(options.mails / seconds, cpu * 1000 / options.mails)


RECEIVERS: dict[str, Callable[[Path], Awaitable[int]]] = {
    "bare": bare,
    "door": door,
    "durable": durable,
    "server": server,
}


async def receive(name: str, folder: Path) -> None:
    """Be a receiver: say the port, end with stdin, say the CPU seconds used in between."""
    port = await RECEIVERS[name](folder)
    before = _cpu()
    print(port, flush=True)
    await asyncio.to_thread(sys.stdin.read)
    print(_cpu() - before, flush=True)
    os._exit(0)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def run(name: str, options: argparse.Namespace) -> Figures:
    """One receiver, one run of smtp-source."""
    if name == "sink":
        return run_sink(options)
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        command = [sys.executable, __file__, "--receive", name, "--folder", folder]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as receiver:
            assert receiver.stdin is not None
            assert receiver.stdout is not None
            port = receiver.stdout.readline().strip()
            seconds = _drive(port, options)
            receiver.stdin.close()
            cpu = float(receiver.stdout.readline())
    return Figures(options.mails / seconds, cpu * 1000 / options.mails)


def _drive(port: str, options: argparse.Namespace) -> float:
    source = shutil.which("smtp-source") or "/usr/sbin/smtp-source"
    arguments = ["-d", "-s", options.sessions, "-m", options.mails, "-l", options.size]
    people = ["-f", "ann@example.org", "-t", f"test-l@{DOMAIN}"]
    begun = time.perf_counter()
    subprocess.run([source, *map(str, arguments), *people, f"{HOST}:{port}"], check=True)
    return time.perf_counter() - begun


def main() -> None:
    """Run the rounds and print their medians."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--mails", type=int, default=3000)
    parser.add_argument("--sessions", type=int, default=50)
    parser.add_argument("--size", type=int, default=5000)
    parser.add_argument("--folder", type=Path, default=None, help="where the store is made")
    parser.add_argument("--only", nargs="*", choices=["sink", *RECEIVERS], help="not all of them")
    parser.add_argument("--receive", choices=RECEIVERS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.receive:
        asyncio.run(receive(options.receive, options.folder))
        return
    found: dict[str, list[Figures]] = {name: [] for name in options.only or ["sink", *RECEIVERS]}
    for number in range(options.rounds):
        for name, figures in found.items():
            figures.append(run(name, options))
            print(f"round {number + 1} {name:8} {figures[-1].rate:7.0f}/s", flush=True)
    report(found)


def report(found: dict[str, list[Figures]]) -> None:
    """Medians, and the ratio of each round's rate to that of `sink` in the same round."""
    print(f"{'receiver':8} {'mails/s':>8} {'of sink':>8} {'CPU-s/1000':>11}")
    for name, figures in found.items():
        rate = statistics.median(one.rate for one in figures)
        pairs = zip(figures, found.get("sink", figures), strict=True)
        ratio = statistics.median(ours.rate / theirs.rate for ours, theirs in pairs)
        cpu = statistics.median(one.cpu for one in figures)
        print(f"{name:8} {rate:8.0f} {ratio:8.2f} {cpu:11.3f}")


if __name__ == "__main__":
    main()
