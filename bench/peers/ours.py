"""listserv_py as one of the peers: the whole server as a process, signing, beside smtp-sink."""

from __future__ import annotations

import re
import signal
import smtplib
import subprocess
import sys
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
    post,
    wait_until,
)

DOMAIN = "lists.example"
AUTHOR = "boss@example.org"
CLIENT = Path(__file__).with_name("burst.py")
WARM = 3.0
SETTLE = 0.5
"""Seconds after the last mail in which outcomes are recorded: they are counted too."""


class Ours:
    """A server on a folder of its own."""

    name = "listserv_py"

    def __init__(self, folder: Path) -> None:
        self._folder = folder / "ours"
        self._folder.mkdir()
        self._sink = Sink(self._folder)
        self._port = free_port()
        self._config = self._folder / "listserv.toml"
        self._config.write_text(
            f'[site]\ndomain = "{DOMAIN}"\npostmasters = ["{AUTHOR}"]\n'
            f'data_dir = "{self._folder}/data"\n'
            f'[[listen]]\nprotocol = "smtp"\naddress = "{HOST}:{self._port}"\n'
            f'[delivery]\nrelay = "{HOST}:{self._sink.port}"\ntls = "never"\n'
            # Nobody answers for the domains of a bench.
            "[dmarc]\nrewrite = false\n"
            f'[dkim]\nkey_file = "{self._folder}/dkim.pem"\n'
        )
        self._run("dkim")
        self._run("create", "JOIN-L", "--owner", AUTHOR)
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(self._command("serve"), stdout=log, stderr=log)
        wait_until(lambda: is_open(self._port), "the server listens")
        # What a start costs is nobody's mail: its first ones are not counted.
        self.join(20)
        time.sleep(WARM)

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    def fill(self, many: int) -> None:
        """A list of so many, half of them NOHTML."""
        name = f"BENCH{many}-L"
        settings = ("--set", "Send= Public", "--set", "Daily-Threshold= 999999")
        self._run("create", name, "--owner", AUTHOR, *settings)
        rows = (f"sub{n}@example.test,Sub,{'NOHTML' if n % 2 else ''}\n" for n in range(many))
        people = self._folder / "people.csv"
        people.write_text("address,name,options\n" + "".join(rows))
        self._run("import", name, str(people))

    def deliver(self, many: int) -> Figures:
        """A post to a list of so many; until their copies are at the sink."""
        to = f"bench{many}-l@{DOMAIN}"
        at, used, begun = self._sink.count(), self._used(), time.perf_counter()
        with smtplib.SMTP(HOST, self._port) as client:
            client.sendmail(AUTHOR, [to], post(to, AUTHOR).replace(b"\n", b"\r\n"))
        took = self._sink.wait(at + many) - begun
        time.sleep(SETTLE)
        return Figures.of(many, took, dict(self._used() - used))

    def join(self, many: int, sessions: int = 20) -> Figures:
        """So many SUBSCRIBEs in; until as many signed requests are at the sink."""
        run = f"j{time.monotonic_ns():x}x"
        arguments = [str(self._port), f"listserv@{DOMAIN}", str(many), str(sessions), run]
        at, used, begun = self._sink.count(), self._used(), time.perf_counter()
        words = "SUBSCRIBE JOIN-L Anna Arm"
        subprocess.run([sys.executable, CLIENT, *arguments, words], check=True)
        took = self._sink.wait(at + many) - begun
        time.sleep(SETTLE)
        return Figures.of(many, took, dict(self._used() - used))

    def stop(self) -> None:
        """End it."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        self._sink.stop()

    def _used(self) -> Counter[str]:
        return cpu_by_name(self.pid, lambda pid: "server" if pid == self.pid else _name(pid))

    def _command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "listserv_py", "--config", str(self._config), *words]

    def _run(self, *words: str) -> None:
        subprocess.run(self._command(*words), check=True, stdout=subprocess.DEVNULL)


def _name(pid: int) -> str:
    """What a process of ours does: the last word that is no number."""
    words = re.findall(r"[A-Za-z_.]{4,}", command(pid))
    return words[-1] if words else "gone"
