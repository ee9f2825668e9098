"""Three minutes of torture: a server killed at random, a smarthost with every fault there is.

    make torture                                             # 180 s or 200 kills
    python tests/loopback/torture.py --seconds 60 --kills 20 --seed 7

Clients send posts and commands, the same bytes again until there is a 250. It ends with 1 when a
copy was lost, invented, changed, or came once more than what was past its dot excuses; a subscriber
that did not come in exactly once, or a stop that went wrong, is a broken promise as well.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import shutil
import signal
import smtplib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

from loopback_rig import CODE, DOMAIN, Server, free_port
from processes_rig import children, connections, send_signal, until_stopped
from torture_judge import ORPHANED, Report, copies, database, joined, repeats
from torture_sink import TortureSink

LISTSERV = f"listserv@{DOMAIN}"
STOPPED_FOR = 5.0
HELD_FOR = 10.0
PATIENCE = 120.0
"""Seconds without any new copy after which waiting is in vain."""
IN_THE_MIDDLE = 0.7
"""How often the killer waits until copies go out."""
LULL = 3.0
OWED = 12_000
"""Copies still to come before clients write no more posts."""
SETTINGS = """
[web]
listen = "127.0.0.1:{web}"
base_url = "https://{domain}/lists"
"""
DELIVERY = "workers = 2\nconnections = 10"


@dataclass(frozen=True)
class Plan:
    """How long, how often, how large."""

    seconds: float = 180
    kills: int = 200
    seed: int = 1
    clients: int = 5
    readers: int = 250
    order: tuple[str, ...] = ()
    """What is done, instead of `deed`."""


def deed(number: int) -> str:
    """What the killer does the `number`-th time."""
    if number % 20 == 0:
        return "stop"
    if number % 10 == 0:
        return "term"
    if number % 5 == 0:
        return "worker"
    if number % 20 == 13:
        return "hold"
    return "server" if number % 10 == 7 else "group"


class Torture:
    """One run."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.plan = plan
        self.luck = random.Random(plan.seed)  # noqa: S311 - a test's dice
        self.sink = TortureSink(folder / "ledger", plan.seed)
        self.folder = folder
        self.report = Report()
        self.lists = {
            "BIG-L": plan.readers,
            "CLICK-L": plan.readers * 4 // 5,
            "SAME-L": plan.readers // 4,
        }
        self.sent: dict[str, str] = {}
        self.acked: set[str] = set()
        self.joined: list[str] = []
        self.owed = 0
        self.holders: list[asyncio.Task[None]] = []
        self.over = asyncio.Event()
        self.is_ending = False

    async def run(self) -> Report:
        """Prepare, torture, let it drain, count."""
        self.server = Server(self.folder, transport="smtp", relay=await self.sink.open())
        self.server.extra = SETTINGS.format(web=free_port(), domain=DOMAIN)
        self.server.pauses = '"1s", "2s"'
        self.server.configure()
        text = self.server.config.read_text().replace("workers = 1", DELIVERY)
        self.server.config.write_text(text)
        try:
            await asyncio.to_thread(self._prepare)
            self.server.start()
            async with asyncio.TaskGroup() as group:
                group.create_task(self._kill())
                group.create_task(self._keep_up())
                clients = [group.create_task(self._post(n)) for n in range(self.plan.clients)]
                clients.append(group.create_task(self._join()))
                await asyncio.gather(*clients)
                await self._until(self._is_drained, "an empty queue")
                self.is_ending = True
            code = await asyncio.to_thread(self.server.stop)
            self.report.must(code == 0, f"the last stop ended with {code}")
            await asyncio.to_thread(self._count)
        finally:
            self.server.stop(signal.SIGKILL)
            await self.sink.close()
        return self.report

    def _prepare(self) -> None:
        run = self.server.run
        run("dkim")
        for name in (*self.lists, "JOIN-L"):
            misc = {"CLICK-L": "ONE_CLICK", "SAME-L": "NO_VERP"}.get(name)
            words = ["--set", f"Misc-Options= {misc}"] if misc else []
            free = "Daily-Threshold= 100000,100000"
            run("create", name, "--owner", "owner@example.org",
                "--set", "Send= Public", "--set", free, *words)  # fmt: skip
        for name in self.lists:
            rows = "".join(
                f"{one},,{'NOHTML' if number % 2 else ''},\n"
                for number, one in enumerate(self._readers(name))
            )
            run("import", name, "-", given=f"address,name,options,subscribed\n{rows}")

    def _readers(self, name: str) -> list[str]:
        return [f"{name.lower()}{number}@example.net" for number in range(self.lists[name])]

    # The killer, and who starts it again.

    async def _kill(self) -> None:
        end = time.monotonic() + self.plan.seconds
        deeds = self.plan.order or tuple(deed(n) for n in range(1, self.plan.kills + 1))
        done: dict[str, int] = {}
        for what in deeds:
            if time.monotonic() > end:
                break
            # Mostly once it is up; else it would never get anywhere on a slow machine.
            if self.luck.random() < 0.8:
                await self._until(self._is_up, "a server")
            await asyncio.sleep(self.luck.uniform(0.02, 2))
            if self.luck.random() < IN_THE_MIDDLE:
                await self._copies_come()
            if await self._do(what):
                done[what] = done.get(what, 0) + 1
        self.report.lines.append("done: " + ", ".join(f"{n} {what}" for what, n in done.items()))
        await asyncio.gather(*self.holders)
        self.sink.calm = True
        self.over.set()

    async def _copies_come(self) -> None:
        """Wait until copies stream in: whoever is killed while nothing happens shows nothing."""
        come = self.sink.after(self.luck.randrange(10, 200))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LULL):
                await come.wait()

    async def _do(self, what: str) -> bool:
        if what == "term":
            # Before it listens, a signal ends it as it ends any program.
            await self._until(self._is_up, "a server")
        process = self.server.process
        if process is None or process.poll() is not None:
            return False
        workers = children(process.pid)
        target = process.pid
        if what in ("worker", "stop") and workers and self.luck.random() < 0.8:
            target = self.luck.choice(workers)
        elif what == "worker":
            return False
        if what == "term":
            self.server.process = None
            process.terminate()
            code = await asyncio.to_thread(process.wait, 60)
            self.report.must(code == 0, f"SIGTERM ended with {code}")
            self.server.start()
            return True
        if what == "hold":
            self.holders.append(asyncio.create_task(self._hold(self.luck.uniform(1, HELD_FOR))))
            return True
        if what == "stop":
            send_signal(target, signal.SIGSTOP)
            await asyncio.sleep(STOPPED_FOR)
            send_signal(target, signal.SIGCONT)
            return True
        self._die(what, target)
        return True

    async def _hold(self, seconds: float) -> None:
        """Somebody else holds the database, whatever happens to the server meanwhile."""
        path = self.server.data_dir / "listserv.db"
        with closing(sqlite3.connect(path, 20, isolation_level=None)) as db:
            # Without waiting for it: where it is written to just now, another time will do.
            with contextlib.suppress(sqlite3.OperationalError):
                db.execute("PRAGMA busy_timeout=200")
                db.execute("BEGIN EXCLUSIVE")
            await asyncio.sleep(seconds)

    def _die(self, what: str, target: int) -> None:
        """Kill them; they are stopped first, so that the connections that die are known exactly."""
        send_signal(target, signal.SIGSTOP)
        workers = [] if what == "worker" else children(target)
        victims = [target, *workers] if what == "group" else [target]
        for one in victims:
            send_signal(one, signal.SIGSTOP)
            until_stopped(one)
        port = self.sink.port
        doomed = {mine: "kill" for one in victims for mine in connections(one, port)}
        if what == "server":
            # It takes its workers along, who finish what is past its dot.
            doomed |= {mine: ORPHANED for one in workers for mine in connections(one, port)}
        self.sink.dies(doomed)
        for one in victims:
            send_signal(one, signal.SIGKILL)

    async def _keep_up(self) -> None:
        """Start it again at once."""
        while not self.is_ending:
            process = self.server.process
            code = process.poll() if process else None
            if code is not None:
                if code != -signal.SIGKILL:
                    self.report.must(False, f"the server ended by itself with {code}")
                self.server.start()
            await asyncio.sleep(0.02)

    async def _is_up(self) -> bool:
        return await asyncio.to_thread(self.server.is_up)

    async def _is_drained(self) -> bool:
        try:
            return (
                await asyncio.to_thread(self.server.run, "queue", "list", "--json")
            ).strip() in ("[]", "")
        except AssertionError:
            return False

    async def _is_manageable(self) -> bool:
        return self.over.is_set() or self.owed - len(self.sink.counts) < OWED

    async def _until(self, look: Callable[[], Awaitable[object]], why: str) -> None:
        seen, since = -1, 0.0
        while not await look():
            if len(self.sink.counts) != seen:
                seen, since = len(self.sink.counts), time.monotonic()
            if time.monotonic() > since + PATIENCE:
                raise AssertionError(f"waited in vain for {why}; see {self.folder}")
            await asyncio.sleep(0.05)

    # The clients.

    async def _post(self, client: int) -> None:
        number = 0
        while not self.over.is_set() or not number:
            await self._until(self._is_manageable, "copies")
            name = self.luck.choice([*self.lists])
            message_id = f"<p{client}.{number}@client.example>"
            mail = EmailMessage()
            mail["From"], mail["To"] = f"joe{client}@example.com", f"{name.lower()}@{DOMAIN}"
            mail["Subject"], mail["Message-ID"] = f"Post {client}.{number}", message_id
            mail.set_content(f"Hello, this is {client}.{number}.\n" * 20)
            if number % 2:
                mail.add_alternative(f"<p>Hello, this is {client}.{number}.</p>\n" * 20, "html")
            self.sent[message_id] = name
            self.owed += self.lists[name]
            await self._send(mail)
            self.acked.add(message_id)
            number += 1
            await asyncio.sleep(self.luck.uniform(0, 1.5))

    async def _join(self) -> None:
        """One after the other subscribes and confirms."""
        while not self.over.is_set() or not self.joined:
            address = f"joiner{len(self.joined)}@example.net"
            self.joined.append(address)
            await self._command(address, "SUBSCRIBE JOIN-L Jo Iner")
            request = await self._heard(address, "confirmation request")
            found = CODE.search(request)
            assert found, request
            await self._command(address, f"OK {found[1]}")
            await self._heard(address, "Output of your job")

    async def _command(self, sender: str, line: str) -> None:
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = sender, LISTSERV, "x"
        mail["Message-ID"] = f"<{line.partition(' ')[0]}.{sender}>"
        mail.set_content(f"{line}\n")
        await self._send(mail)

    async def _heard(self, address: str, words: str) -> str:
        async def look() -> str:
            found = self.sink.subjects.get(address, [])
            return next((subject for _, subject in found if words in subject), "")

        await self._until(look, words)
        return await look()

    async def _send(self, mail: EmailMessage) -> None:
        raw, sender, to = mail.as_bytes(policy=SMTP), str(mail["From"]), str(mail["To"])

        async def attempt() -> bool:
            return await asyncio.to_thread(_sent, self.server.port, sender, to, raw)

        await self._until(attempt, "250")

    def _count(self) -> None:
        expected = {m: self._readers(name) for m, name in self.sent.items()}
        copies(self.report, self.sink, expected, self.acked)
        repeats(self.report, self.sink)
        joined(self.report, self.sink, self.joined, self.server.run("export", "JOIN-L").lower())
        database(self.report, self.server.data_dir / "listserv.db")


def _sent(port: int, sender: str, to: str, raw: bytes) -> bool:
    try:
        with smtplib.SMTP("127.0.0.1", port, timeout=30) as client:
            client.sendmail(sender, to, raw)
    except (OSError, smtplib.SMTPException):
        return False
    return True


def torture(plan: Plan) -> Report:
    """Run it on a folder of its own, which stays when a promise was broken."""
    folder = Path(tempfile.mkdtemp(prefix="torture"))
    report = asyncio.run(Torture(plan, folder).run())
    if report.faults:
        report.lines.append(f"see {folder}")
    else:
        shutil.rmtree(folder, ignore_errors=True)
    return report


def main() -> int:
    """Tell what came of it."""
    options = argparse.ArgumentParser(description="Torture a server.")
    options.add_argument("--seconds", type=float, default=180)
    options.add_argument("--kills", type=int, default=200)
    options.add_argument("--seed", type=int, default=1)
    given = options.parse_args()
    report = torture(Plan(given.seconds, given.kills, given.seed))
    print(f"seed {given.seed}", *report.lines, sep="\n", flush=True)
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
