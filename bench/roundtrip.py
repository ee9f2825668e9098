"""How long a command takes: from the mail's final dot to its answer at the smarthost.

    python bench/roundtrip.py [ROUNDS]

A real server, a real smarthost on loopback, one command mail after the other: THANKS (answered at
once) and SUBSCRIBE (answered with a signed confirmation request). Prints p50 and p99 in
milliseconds, and the server's CPU seconds per 1,000 commands.
"""

from __future__ import annotations

import signal
import smtplib
import sys
import tempfile
import threading
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "loopback"))

from loopback_rig import DOMAIN, Server, Sink


class Clock(Sink):
    """A smarthost that notes only when a mail came; it writes nothing."""

    def __init__(self) -> None:
        self.came: dict[str, float] = {}
        self.news = threading.Condition()
        super().__init__()

    def _take(self, sender: str, rcpts: list[str], content: bytes) -> None:
        del sender, content
        with self.news:
            self.came.update(dict.fromkeys(rcpts, time.perf_counter()))
            self.news.notify_all()


def cpu(pid: int) -> float:
    """User and system seconds of a process: the clock of its CPU, named by its id."""
    return time.clock_gettime(~pid << 3 | 2)


def measure(server: Server, clock: Clock, command: str, rounds: int) -> None:
    """Send one command after the other and print how long the answers took."""
    assert server.process is not None
    took = []
    before = cpu(server.process.pid)
    with smtplib.SMTP("127.0.0.1", server.port) as client:
        client.ehlo()
        for number in range(rounds):
            person = f"{command.split(maxsplit=1)[0].lower()}{number}@example.net"
            raw = f"From: {person}\r\nTo: x\r\nMessage-ID: <{person}>\r\n\r\n{command}\r\n"
            client.mail(person)
            client.rcpt(f"listserv@{DOMAIN}")
            begun = time.perf_counter()
            client.data(raw)
            with clock.news:
                clock.news.wait_for(lambda who=person: who in clock.came, timeout=10)
            took.append(clock.came[person] - begun)
    spent = cpu(server.process.pid) - before
    took.sort()
    p50, p99 = took[rounds // 2] * 1000, took[min(rounds - 1, rounds * 99 // 100)] * 1000
    print(
        f"{command.split(maxsplit=1)[0]:10} p50 {p50:6.1f} ms  p99 {p99:6.1f} ms"
        f"  {spent / rounds * 1000:.2f} CPU s per 1,000"
    )


def main(rounds: int) -> None:
    """Measure both commands on a server of their own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = Clock()
        server = Server(folder, transport="smtp", relay=clock.address)
        server.configure()
        server.run("dkim")
        server.run("create", "PARTY-L", "--owner", "owner@example.org")
        try:
            server.start().wait_up()
            measure(server, clock, "THANKS", rounds)
            measure(server, clock, "SUBSCRIBE PARTY-L Anna Arm", rounds)
        finally:
            server.stop(signal.SIGTERM)
            clock.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 300)
