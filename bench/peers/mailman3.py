"""GNU Mailman 3 core: its master and runners in a folder of their own, posts by LMTP."""

from __future__ import annotations

import os
import re
import smtplib
import subprocess
import time
from collections import Counter
from pathlib import Path

from machine import (
    HOST,
    Figures,
    Sink,
    command,
    cpu_by_name,
    free_port,
    is_open,
    join_mail,
    person,
    post,
    wait_until,
)

HERE = Path(__file__).parent
AUTHOR = "sub0@example.test"
JOIN = "join@lists.test"


class Mailman:
    """Mailman with its default runners; each copy has an envelope sender of its own."""

    name = "Mailman 3"

    def __init__(self, installed: Path, folder: Path) -> None:
        self._programs = installed / "mailman" / "bin"
        self._folder = folder / "mailman"
        self._folder.mkdir()
        self._sink = Sink(self._folder)
        self._port = free_port()
        self._config = self._folder / "mailman.cfg"
        text = (HERE / "mailman.cfg.in").read_text()
        for name, value in (
            ("VAR", self._folder / "var"),
            ("SINK", self._sink.port),
            ("LMTP", self._port),
            ("REST", free_port()),
        ):
            text = text.replace(f"@{name}@", str(value))
        self._config.write_text(text)
        self._make(JOIN, 0)
        self._master: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the runners; lists are made before."""
        with (self._folder / "log").open("ab") as log:
            self._master = subprocess.Popen(
                [self._programs / "master", "-C", self._config, "--force"],
                stdout=log,
                stderr=log,
                env={**os.environ, "PYTHONPATH": ""},
            )
        wait_until(lambda: is_open(self._port), "Mailman's LMTP runner")
        time.sleep(3)

    def fill(self, many: int) -> None:
        """A list of so many."""
        self._make(f"bench{many}@lists.test", many)

    def deliver(self, many: int) -> Figures:
        """A post to a list of so many; until their copies are at the sink."""
        to = f"bench{many}@lists.test"
        return self._measure(many, [(AUTHOR, post(to, AUTHOR))], to)

    def join(self, many: int) -> Figures:
        """So many requests to subscribe; until as many questions are at the sink."""
        run, to = f"j{time.monotonic_ns():x}x", "join-join@lists.test"
        people = [person(number, run) for number in range(many)]
        return self._measure(many, [(one, join_mail(one, to)) for one in people], to)

    def stop(self) -> None:
        """End it."""
        if self._master is not None:
            self._master.terminate()
            self._master.wait(30)
        self._sink.stop()

    def _make(self, name: str, many: int) -> None:
        self._run("create", name)
        self._run("shell", "-l", name, "-r", "mailman_fill", MANY=str(many))

    def _run(self, *words: str, **environment: str) -> None:
        subprocess.run(
            [self._programs / "mailman", "--run-as-root", "-C", self._config, *words],
            check=True,
            stdout=subprocess.DEVNULL,
            env={**os.environ, **environment, "PYTHONPATH": str(HERE)},
        )

    def _measure(self, many: int, mails: list[tuple[str, bytes]], to: str) -> Figures:
        at, used, begun = self._sink.count(), self._used(), time.perf_counter()
        with smtplib.LMTP(HOST, self._port) as client:
            for sender, mail in mails:
                client.sendmail(sender, [to], mail.replace(b"\n", b"\r\n"))
        took = self._sink.wait(at + many) - begun
        time.sleep(1.5)
        return Figures.of(many, took, dict(self._used() - used))

    def _used(self) -> Counter[str]:
        assert self._master is not None
        return cpu_by_name(self._master.pid, _runner)


def _runner(pid: int) -> str:
    found = re.search(r"--runner=(\w+)", command(pid))
    return found[1] if found else "master"
