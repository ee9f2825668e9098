"""The command line on a folder of its own, in this process."""

import asyncio
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from click.testing import CliRunner, Result
from forked import Forked, listserv_py

from listserv_py.cli.main import program
from listserv_py.store.lock import lock
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store

R = TypeVar("R")
DOMAIN = "lists.example.org"
OWNER = "anna@owner.example"


@dataclass
class Site:
    """A configuration in a folder of its own, and the command line on it."""

    folder: Path

    @property
    def config(self) -> Path:
        return self.folder / "listserv.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def run(self, *words: str, stdin: bytes | str | None = None) -> Result:
        return CliRunner().invoke(program, ["--config", str(self.config), *words], input=stdin)

    def ok(self, *words: str, stdin: bytes | str | None = None) -> str:
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == 0, result.stderr
        return result.stdout

    def refused(self, *words: str, status: int = 1, stdin: bytes | str | None = None) -> str:
        result = self.run(*words, stdin=stdin)
        assert result.exit_code == status, result.output
        assert result.stderr
        assert "Traceback" not in result.output
        return result.stderr

    def store(self, work: Callable[[Tx], R]) -> R:
        """Do something in the store while no server runs."""

        async def alone() -> R:
            store = Store.open(self.data, DOMAIN)
            try:
                return await store.run(work)
            finally:
                await store.close()

        with lock(self.data):
            return asyncio.run(alone())

    def anywhere(self, text: str) -> list[Path]:
        """The files of the data folder whose bytes hold a text."""
        found = [path for path in self.data.rglob("*") if path.is_file()]
        return [path for path in found if text.lower().encode() in _held_by(path)]


def _held_by(path: Path) -> bytes:
    """The bytes of a file in lower case; none when a running server has just taken it away."""
    try:
        return path.read_bytes().lower()
    except FileNotFoundError:
        return b""


@dataclass(frozen=True)
class Ended:
    """What a process left."""

    returncode: int
    stdout: str
    stderr: str


def process(site: Site, *words: str) -> Ended:
    """The command line in a process of its own."""
    said, complained = site.folder / "stdout", site.folder / "stderr"
    for file in (said, complained):
        file.write_bytes(b"")
    words = ("--config", str(site.config), *words)
    status = listserv_py(*words, output=said, errors=complained).wait(50)
    return Ended(status, said.read_text(), complained.read_text())


@contextmanager
def server(site: Site, *, files: int = 0) -> Iterator[Forked]:
    """The server, ready; it has ended when the context has. `files`: no more open than these."""
    log = site.folder / "log"
    log.write_bytes(b"")
    words = ("--config", str(site.config), "serve", "--log-format", "json")
    running = listserv_py(*words, output=log, files=files)
    pause = threading.Event()
    end = time.monotonic() + 50
    try:
        while "daemon.ready" not in log.read_text():
            assert running.poll() is None, log.read_text()
            assert time.monotonic() < end
            pause.wait(0.02)
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        assert running.wait(30) == 0, log.read_text()
