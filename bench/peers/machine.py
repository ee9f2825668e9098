"""What all peers are measured with: a sink that counts, CPU by process, the post, the person.

CPU is user and system time of a process and of everything below it, finished children included; the
sink's and the client's are never part of it.
"""

from __future__ import annotations

import ctypes
import os
import re
import socket
import subprocess
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

HOST = "127.0.0.1"
TICKS = os.sysconf("SC_CLK_TCK")
SINK = Path("/usr/sbin/smtp-sink")
_SUBREAPER = 36
_ITS_CPU = 2
"""With the process id this names the clock that counts the CPU of all its threads; the kernel's
ticks are of 10 ms, a tenth of what a hundred requests take."""


@dataclass(frozen=True, slots=True)
class Figures:
    """One run: how many a second, and CPU seconds for 1,000, by process name and in all."""

    rate: float
    cpu: float
    parts: dict[str, float]

    @classmethod
    def of(cls, many: int, seconds: float, used: dict[str, float]) -> Figures:
        """So many in so many seconds, with CPU seconds by name."""
        parts = {name: one * 1000 / many for name, one in used.items() if one >= 0.005}
        return cls(many / seconds, sum(used.values()) * 1000 / many, parts)


def free_port() -> int:
    """A TCP port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until(what: Callable[[], object], why: str, seconds: float = 60.0) -> None:
    """Look again and again until there is something."""
    end = time.monotonic() + seconds
    while not what():
        if time.monotonic() > end:
            raise SystemExit(f"waited {seconds:.0f} s in vain: {why}")
        time.sleep(0.005)


def is_open(port: int) -> bool:
    """Whether somebody listens there."""
    try:
        socket.create_connection((HOST, port), 1).close()
    except OSError:
        return False
    return True


class Sink:
    """Postfix's smtp-sink on a free port, counting what it takes."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._log = folder / f"sink-{self.port}"
        with self._log.open("wb") as output:
            self._process = subprocess.Popen(
                [SINK, "-u", "nobody", "-c", f"{HOST}:{self.port}", "1024"],
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        wait_until(lambda: is_open(self.port), "smtp-sink listens")

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def count(self) -> int:
        """How many mails it has taken."""
        with self._log.open("rb") as log:
            log.seek(max(0, self._log.stat().st_size - 400))
            found = re.findall(rb"mesg=(\d+)", log.read())
        return int(found[-1]) if found else 0

    def wait(self, many: int, seconds: float = 600.0) -> float:
        """The time at which so many had come."""
        wait_until(lambda: self.count() >= many, f"{many} mails at the sink", seconds)
        return time.perf_counter()

    def stop(self) -> None:
        """End it."""
        self._process.terminate()
        self._process.wait()


def below(pid: int) -> list[int]:
    """A process and all its descendants that live."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def cpu(pid: int) -> float:
    """Seconds of a process and its finished children; its own to the nanosecond."""
    fields = _stat(pid)
    try:
        own = time.clock_gettime(~pid << 3 | _ITS_CPU)
    except OSError:  # it is gone
        return 0.0
    return own + sum(map(int, fields[13:15])) / TICKS


def cpu_by_name(pid: int, name: Callable[[int], str]) -> Counter[str]:
    """Seconds of a process and everything below it, by the name given to each."""
    used: Counter[str] = Counter()
    for one in below(pid):
        used[name(one)] += cpu(one)
    return used


def command(pid: int) -> str:
    """The words that a process was started with."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("latin-1")
    except OSError:
        return ""


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat behind the name; none when the process is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def adopt_orphans() -> None:
    """Become the parent of what forks away from its own, so that its CPU is counted here."""
    ctypes.CDLL(None).prctl(_SUBREAPER, 1, 0, 0, 0)


def person(number: int, run: str) -> str:
    """Somebody who has not written yet."""
    return f"{run}{number}@people{number % 50}.example"


def join_mail(sender: str, to: str, text: str = "") -> bytes:
    """A mail that asks for a subscription, LF line ends."""
    return (
        f"From: Anna Arm <{sender}>\nTo: {to}\nSubject: join\nMessage-ID: <{sender}>\n"
        f"Date: Mon, 01 Jun 2026 10:00:00 +0000\n\n{text}\n"
    ).encode()


def post(to: str, author: str) -> bytes:
    """A multipart/alternative post of about 4 KB, LF line ends; no two are alike."""
    now = time.time_ns()
    head = (
        f"From: Sub Zero <{author}>\nTo: {to}\nSubject: Bench post\n"
        f"Message-ID: <{now}@example.test>\nDate: Mon, 01 Jun 2026 10:00:00 +0000\n"
        'MIME-Version: 1.0\nContent-Type: multipart/alternative; boundary="=_b0undary"\n\n'
    )
    text = (
        f"Post {now}.\n"
        + "The quick brown fox jumps over the lazy dog, and the server sends it on.\n" * 16
    )
    html = (
        f"<p>Post {now}.</p>\n"
        + "<p>The quick <b>brown</b> fox jumps over the lazy dog.</p>\n" * 38
    )
    part = "--=_b0undary\nContent-Type: text/{}; charset=utf-8\n\n{}\n"
    return (
        head + part.format("plain", text) + part.format("html", html) + "--=_b0undary--\n"
    ).encode()
