"""What /proc says of the processes that a test stops and kills."""

import contextlib
import os
import signal
from pathlib import Path

from loopback_rig import wait_for


def children(pid: int) -> list[int]:
    """The processes that it started."""
    try:
        return [
            int(child)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []


def connections(pid: int, port: int) -> list[int]:
    """The local ports of a process's connections to a port of this machine."""
    try:
        files = {_link(file) for file in Path(f"/proc/{pid}/fd").iterdir()}
        lines = Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]
    except OSError:
        return []
    rows = [line.split() for line in lines]
    return [
        int(row[1].partition(":")[2], 16)
        for row in rows
        if row[2].endswith(f":{port:04X}") and f"socket:[{row[9]}]" in files
    ]


def until_stopped(pid: int) -> None:
    """Wait until a process that was sent SIGSTOP stands still.

    A thread inside a system call stops at its end only, and may close a file there.
    """
    wait_for(lambda: _is_stopped(pid), "a process that stands still")


def send_signal(pid: int, what: signal.Signals) -> None:
    """Send it, if the process is still there."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, what)


def _is_stopped(pid: int) -> bool:
    try:
        threads = [(one / "stat").read_text() for one in Path(f"/proc/{pid}/task").iterdir()]
    except FileNotFoundError:
        return not Path(f"/proc/{pid}").exists()
    return all(one.rpartition(")")[2].split()[0] in "TtZX" for one in threads)


def _link(file: Path) -> str:
    try:
        return str(file.readlink())
    except OSError:  # closed meanwhile
        return ""
