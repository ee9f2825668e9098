"""mlmmj: a post, and requests to subscribe, each a process of mlmmj-receive as an MTA starts it.

Its programs fork away from their parents, so whoever runs this must have called
`machine.adopt_orphans`. Without TCP_NODELAY (`nodelay.c`) it waits 40 ms for each copy.
"""

from __future__ import annotations

import os
import resource
import shutil
import string
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from machine import HOST, Figures, Sink, below, join_mail, person, post

ADDRESS = "bench@lists.test"
FOLDERS = (
    "incoming queue queue/discarded archive text subconf unsubconf bounce control moderation"
    " subscribers.d digesters.d requeue nomailsubs.d"
)
MEMORY_MAIL = 1_000_000


class Mlmmj:
    """A list of mlmmj in a folder of its own."""

    name = "mlmmj"

    def __init__(self, installed: Path, folder: Path) -> None:
        self._programs = installed / "mlmmj" / "usr" / "bin"
        self._nodelay = installed / "nodelay.so"
        self._list = folder / "mlmmj"
        for one in FOLDERS.split():
            (self._list / one).mkdir(parents=True)
        self._sink = Sink(folder)
        control = {
            "listaddress": ADDRESS,
            "owner": "root@lists.test",
            "relayhost": HOST,
            "smtpport": str(self._sink.port),
            "smtphelo": "lists.test",
            "memorymailsize": str(MEMORY_MAIL),
            "noarchive": "",
        }
        for name, value in control.items():
            (self._list / "control" / name).write_text(value + "\n")
        (self._list / "index").write_text("0\n")
        texts = installed / "mlmmj" / "usr" / "share" / "mlmmj" / "text.skel" / "en"
        shutil.copytree(texts, self._list / "text", dirs_exist_ok=True)

    def fill(self, many: int) -> None:
        """So many subscribers, spread over files by their first letter as real ones are."""
        letters = string.ascii_lowercase
        for first, letter in enumerate(letters):
            people = [f"{letter}sub{n}@example.test\n" for n in range(first, many, len(letters))]
            (self._list / "subscribers.d" / letter).write_text("".join(people))

    def deliver(self, many: int) -> Figures:
        """A post to so many subscribers, with an envelope sender each."""
        author = "asub0@example.test"
        mail = post(ADDRESS, author)
        return self._measure(many, lambda: self._receive(author, ADDRESS, "", mail))

    def join(self, many: int, sessions: int = 20) -> Figures:
        """So many requests to subscribe; until as many questions are at the sink."""
        run, to = f"j{time.monotonic_ns():x}x", "bench+subscribe@lists.test"

        def one(number: int) -> None:
            sender = person(number, run)
            self._receive(sender, to, "subscribe", join_mail(sender, to))

        def all_of_them() -> None:
            with ThreadPoolExecutor(sessions) as pool:
                list(pool.map(one, range(many)))

        return self._measure(many, all_of_them)

    def stop(self) -> None:
        """End it."""
        self._sink.stop()

    def _measure(self, many: int, work: Callable[[], None]) -> Figures:
        at, used, begun = self._sink.count(), _finished(), time.perf_counter()
        work()
        took = self._sink.wait(at + many) - begun
        _reap()
        return Figures.of(many, took, {"mlmmj": _finished() - used})

    def _receive(self, sender: str, to: str, extension: str, mail: bytes) -> None:
        subprocess.run(
            [self._programs / "mlmmj-receive", "-F", "-L", self._list],
            input=mail,
            check=True,
            env={
                **os.environ,
                "LD_PRELOAD": str(self._nodelay),
                "SENDER": sender,
                "RECIPIENT": to,
                "EXTENSION": extension,
            },
        )


def _finished() -> float:
    """CPU seconds of all children that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _reap(seconds: float = 60.0) -> None:
    """Wait for the programs of mlmmj that forked away, and nobody else's."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = [pid for pid in below(os.getpid()) if "mlmmj" in _program(pid)]
        if not found:
            return
        for pid in found:
            try:
                os.waitpid(pid, os.WNOHANG)
            except ChildProcessError:  # its parent is another of them, and waits
                continue
        time.sleep(0.01)


def _program(pid: int) -> str:
    """A process's name; a finished one has it still."""
    try:
        return Path(f"/proc/{pid}/comm").read_text()
    except OSError:
        return ""
