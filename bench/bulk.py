"""How long a job with many ADDs takes, and how long it holds up other people's mail.

    python bench/bulk.py [ADDRESSES]

A real server, a real smarthost on loopback. An owner mails `QUIET ADD … DD=`, is asked, answers ok,
and the answer comes; then DELETE, the same people by single ADD lines, REVIEW in several orders,
and a post to all of them. All the while somebody else sends THANKS every 50 ms; the longest that
one of those waited for its answer is printed beside.
"""

from __future__ import annotations

import re
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

OWNER = "owner@example.org"
CODE = re.compile(rb"\(([0-9A-F]{16})\)")


class Clock(Sink):
    """A smarthost that notes when a mail came, and the code in it."""

    def __init__(self) -> None:
        self.came: dict[str, tuple[float, bytes]] = {}
        self.news = threading.Condition()
        super().__init__()

    def _take(self, sender: str, rcpts: list[str], content: bytes) -> None:
        del sender
        found = CODE.search(content)
        with self.news:
            for rcpt in rcpts:
                self.came[rcpt] = (time.perf_counter(), found[1] if found else content[-300:])
            self.news.notify_all()

    def wait(self, who: str, seconds: float) -> tuple[float, bytes]:
        """When the next mail to somebody came, and its code or its end."""
        with self.news:
            assert self.news.wait_for(lambda: who in self.came, timeout=seconds), who
            return self.came.pop(who)


def mail(server: Server, person: str, body: str, number: int, to: str = "listserv") -> float:
    """Send a command mail; when its final dot was sent."""
    raw = f"From: {person}\r\nTo: x\r\nMessage-ID: <{number}.{person}>\r\n\r\n{body}\r\n"
    with smtplib.SMTP("127.0.0.1", server.port, timeout=60) as client:
        client.ehlo()
        client.mail(person)
        client.rcpt(f"{to}@{DOMAIN}")
        begun = time.perf_counter()
        client.data(raw)
    return begun


class Others(threading.Thread):
    """Somebody else's THANKS, one after the other; `longest` is the worst wait in seconds."""

    def __init__(self, server: Server, clock: Clock, named: str) -> None:
        super().__init__(daemon=True)
        self.named = named
        self.server, self.clock = server, clock
        self.longest, self.at_door = 0.0, 0.0
        self.ended = threading.Event()

    def run(self) -> None:
        """Send until `ended`."""
        number = 0
        while not self.ended.wait(0.05):
            number += 1
            person = f"{self.named}.{number}@example.net"
            started = time.perf_counter()
            begun = mail(self.server, person, "THANKS", number)
            self.at_door = max(self.at_door, time.perf_counter() - started)
            self.longest = max(self.longest, self.clock.wait(person, 60)[0] - begun)


def job(server: Server, clock: Clock, line: str, body: str) -> None:
    """One job from the mail to its answer, with the confirmation between."""
    others = Others(server, clock, "".join(filter(str.isalpha, line)).lower())
    others.start()
    begun = mail(server, OWNER, body, hash(line))
    asked, code = clock.wait(OWNER, 120)
    replied = mail(server, OWNER, f"OK {code.decode()}", hash(line) + 1)
    done, said = clock.wait(OWNER, 120)
    others.ended.set()
    others.join()
    print(
        f"{line:26} asked after {asked - begun:5.2f} s, done {done - replied:5.2f} s after ok;"
        f" others waited at most {others.longest:.2f} s, at the door {others.at_door:.2f} s"
    )
    print("   ", b" ".join(said.split()[-16:]).decode())


def post(server: Server, clock: Clock, seconds: float) -> None:
    """A post to all of them, and what others wait for while it goes out."""
    mail(server, OWNER, "Hello all.", 1, "party-l")
    mail(server, OWNER, f"OK {clock.wait(OWNER, 120)[1].decode()}", 2)
    others = Others(server, clock, "post")
    before = len(clock.came)
    others.start()
    time.sleep(seconds)
    sent = len(clock.came) - before
    others.ended.set()
    others.join()
    print(
        f"{'a post':26} {sent} copies in {seconds:.0f} s;"
        f" others waited at most {others.longest:.2f} s, at the door {others.at_door:.2f} s"
    )


def main(count: int) -> None:
    """Measure on a server of its own."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clock = Clock()
        server = Server(folder, transport="smtp", relay=clock.address)
        server.configure()
        server.run("dkim")
        server.run("create", "PARTY-L", "--owner", OWNER)
        people = [
            f"first.last{number}@host{number % 5000}.example.com Anna Miller\n"
            for number in range(count)
        ]
        dataset = f"DD=X\n//X DD *\n{''.join(people)}/*"
        lines = "".join(f"QUIET ADD PARTY-L {one}" for one in people)
        try:
            server.start().wait_up()
            for line in ("QUIET ADD PARTY-L", "QUIET DELETE PARTY-L"):
                job(server, clock, line, f"{line} {dataset}")
            job(server, clock, "ADD, line by line", lines)
            for line in ("", " (BY NAME", " (COUNTRIES"):
                job(server, clock, f"REVIEW{line}", f"REVIEW PARTY-L{line}")
            post(server, clock, 10)
        finally:
            server.stop(signal.SIGTERM)
            clock.close()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
