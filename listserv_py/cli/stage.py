"""What the demonstration stands on: a real server process, people with mailboxes, and a narrator.

The server is another process, reached over SMTP only; its mail for people is read from Maildirs.
Nothing here knows what the server decides.
"""

import re
import signal
import smtplib
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

from rich.console import Console
from rich.text import Text

from listserv_py.delivery.maildir import folder_name
from listserv_py.errors import ListservError

PATIENCE = 20.0
STOPS_WITHIN = 30.0
LOOK_EVERY = 0.02
LINES_SHOWN = 6
_LISTENS = re.compile(r"127\.0\.0\.1\D{1,5}(\d+)")


class NotSeen(ListservError):
    """A step of the demonstration that did not happen."""


@dataclass(slots=True)
class Narrator:
    """Prints each mail in short as it passes."""

    console: Console
    step: int = 0

    def chapter(self, title: str) -> None:
        """The next part of the story."""
        self.step += 1
        self.console.print()
        self.console.print(Text(f"{self.step}. {title}", style="bold"))

    def say(self, text: str) -> None:
        """A sentence of our own."""
        self.console.print(Text(f"   {text}"), soft_wrap=True)

    def saw(self, text: str) -> None:
        """Something that was looked at and found right."""
        seen = Text("   ✓ ", style="green").append(text, style="default")
        self.console.print(seen, soft_wrap=True)

    def mail(self, mail: EmailMessage, to: str, style: str) -> None:
        """Who mailed whom, about what, and how it begins."""
        head = Text("   ✉ ", style=style)
        head.append(f"{_address(mail['From'])} → {to}", style=f"bold {style}")
        self.console.print(head, soft_wrap=True)
        if mail["Subject"]:
            self.console.print(Text(f"     Subject: {mail['Subject']}"), soft_wrap=True)
        if mail.is_multipart():
            parts = ", ".join(part.get_content_type() for part in mail.iter_parts())
            kind = f"{mail.get_content_type()}: {parts}"
            self.console.print(Text(f"     [{kind}]", style="dim"), soft_wrap=True)
        for line in _first_lines(mail):
            self.console.print(Text(f"     │ {line}", style="dim"), soft_wrap=True)


@dataclass(slots=True)
class Stage:
    """A running server, and what has been said to it."""

    folder: Path
    port: int
    narrator: Narrator
    seen: set[Path] = field(default_factory=set)
    sent: int = 0

    def send(self, mail: EmailMessage) -> None:
        """Mail the server, as a mail program would."""
        self.narrator.mail(mail, _address(mail["To"]), "cyan")
        self.sent += 1
        copy = self.folder / "sent" / f"{self.sent:02}-{_address(mail['From'])}.eml"
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(mail.as_bytes(policy=policy.SMTP))
        with smtplib.SMTP("127.0.0.1", self.port, timeout=PATIENCE) as server:
            server.send_message(mail)

    def await_mail(
        self, address: str, what: str, is_it: Callable[[EmailMessage], bool]
    ) -> tuple[EmailMessage, bytes]:
        """The next new mail to a person that is the one looked for; NotSeen when it never comes."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            for path in sorted((self.maildir(address)).glob("*")):
                if path in self.seen:
                    continue
                raw = path.read_bytes()
                mail = read_mail(raw)
                if is_it(mail):
                    self.seen.add(path)
                    self.narrator.mail(mail, address, "yellow")
                    return mail, raw
            time.sleep(LOOK_EVERY)
        raise NotSeen(f"{address} never got {what}")

    def maildir(self, address: str) -> Path:
        """Where a person's new mail lies."""
        return self.folder / "data" / "maildir" / folder_name(address) / "new"


@contextmanager
def running(folder: Path, config: Path, narrator: Narrator) -> Iterator[Stage]:
    """The server as a process of its own, listening on a port of its choice; ended in any case."""
    log = folder / "server.log"
    with log.open("wb") as out:
        server = subprocess.Popen(  # noqa: S603 - our own module, by the interpreter that runs us
            [*program(), "--config", str(config), "serve", "--log-format", "json"],
            stdout=out,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
        try:
            yield Stage(folder, _port(server, log), narrator)
        finally:
            _end(server)
    if server.returncode != 0:
        raise NotSeen(f"the server ended with status {server.returncode}; see {log}")


def program() -> list[str]:
    """How the command line is started as another process."""
    return [sys.executable, "-m", "listserv_py"]


def read_mail(raw: bytes) -> EmailMessage:
    """A mail as Python's own library sees it: a reader that the server's makers did not write."""
    mail = message_from_bytes(raw, policy=policy.default)
    if not isinstance(mail, EmailMessage):
        raise NotSeen("a mail could not be read")
    return mail


def _port(server: subprocess.Popen[bytes], log: Path) -> int:
    """Wait until the server says where it listens."""
    until = time.monotonic() + PATIENCE
    while server.poll() is None and time.monotonic() < until:
        for line in log.read_text(encoding="utf-8").splitlines():
            if '"daemon.ready"' in line and (found := _LISTENS.search(line)):
                return int(found[1])
        time.sleep(LOOK_EVERY)
    why = log.read_text(encoding="utf-8").strip().rpartition("\n")[2]
    raise NotSeen(f"the server did not start: {why or 'it said nothing'}")


def _end(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGTERM)
    try:
        server.wait(STOPS_WITHIN)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


def _address(header: object) -> str:
    """The address of a header field, without its name."""
    text = str(header or "")
    return text.rpartition("<")[2].rstrip(">").strip()


def _first_lines(mail: EmailMessage) -> list[str]:
    part = mail.get_body(("plain", "html"))
    text = part.get_content() if part is not None else ""
    lines = [line.rstrip() for line in str(text).splitlines() if line.strip()]
    shown = ["".join(c if c.isprintable() else "?" for c in line) for line in lines[:LINES_SHOWN]]
    return shown + ["…"] * (len(lines) > LINES_SHOWN)
