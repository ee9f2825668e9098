"""A stop in the middle of a post to 50,000 while the relay stalls: soon over, none lost or twice.

    PYTHONPATH=tests python tests/loopback/stalled.py [readers]

The relay falls silent at RCPT, at the dot (the mail is never taken), or for some seconds after it
has taken the mail. The server is told to end each time, must be gone within thirty seconds, and
goes on with the post when it is started again.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

from loopback_rig import DOMAIN, Server, Sink, wait_for

STALLS = ("at RCPT", "at the dot", "after the dot")
STUCK = 5
LATE_BY = 8.0
MUST_BE_GONE = 30.0


class Stalling(Sink):
    """A relay that stalls while `stall` says where."""

    def __init__(self) -> None:
        super().__init__()
        self.stall = ""
        self.stuck = 0
        self.goes_on = threading.Event()
        self.refuse = self._refuse

    def _refuse(self, line: str) -> None:
        if self.stall == "at RCPT" and line.startswith("RCPT"):
            self.stuck += 1
            self.goes_on.wait()

    def _take(self, sender: str, rcpts: list[str], content: bytes) -> None:
        self.stuck += bool(self.stall)
        if self.stall == "at the dot":
            self.goes_on.wait()
            raise ConnectionError("never taken")
        super()._take(sender, rcpts, content)
        if self.stall == "after the dot":
            threading.Event().wait(LATE_BY)


def run(folder: Path, readers: int) -> list[str]:
    """What is wrong."""
    sink, faults = Stalling(), []
    server = Server(folder, transport="smtp", relay=sink.address, pauses='"1s"')
    server.configure()
    server.config.write_text(server.config.read_text().replace("workers = 1", "workers = 2"))
    try:
        server.run("create", "BIG-L", "--owner", "owner@example.org", "--set", "Send= Public")
        rows = "".join(f"reader{number}@example.net,,,\n" for number in range(readers))
        server.run("import", "BIG-L", "-", given=f"address,name,options,subscribed\n{rows}")
        server.start().wait_up()
        server.mail("joe@example.com", f"big-l@{DOMAIN}", "Hello.\n", "A post")
        for number, stall in enumerate(STALLS, 1):
            wait_for(lambda goal=number: len(sink.copies()) > goal * readers // 8, "copies", 120)
            faults += _stop(server, sink, stall)
            server.start().wait_up()
        wait_for(lambda: len(_counted(sink)) == readers, "all copies", 600)
        wait_for(lambda: server.run("queue", "--json").strip() in ("[]", ""), "an empty queue")
        code: Any = server.stop()
        faults += [f"the last stop: {code}"] if code else []
    finally:
        server.stop(signal.SIGKILL)
        sink.close()
    again = sum(_counted(sink).values()) - readers
    return [*faults, f"{again} came twice"] if again else faults


def _stop(server: Server, sink: Stalling, stall: str) -> list[str]:
    """Stop it while the relay stalls there."""
    sink.goes_on.clear()
    sink.stuck, sink.stall = 0, stall
    wait_for(lambda: sink.stuck >= STUCK, "connections that are stuck")
    began = time.monotonic()
    code = server.stop(seconds=2 * MUST_BE_GONE)
    took = time.monotonic() - began
    sink.stall = ""
    sink.goes_on.set()
    print(f"stalled {stall}: it ended with {code} after {took:.1f} s", flush=True)
    return [f"stalled {stall}: {code} after {took:.1f} s"] if code or took > MUST_BE_GONE else []


def _counted(sink: Sink) -> Counter[str]:
    return Counter(one.rcpt for one in sink.copies() if one.subject == "A post")


def main(readers: int = 50_000) -> int:
    """Run it, and say what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="stalled"))
    try:
        faults = run(folder, readers)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(*(faults or [f"ok  {readers} copies, none lost, none twice"]), sep="\n", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
