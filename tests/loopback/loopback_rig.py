"""The rig of the loopback tests: the real server as a process, and a smarthost that remembers.

The smarthost is a thread of the test's own process and notes each copy before its 250: what it has
noted has been delivered, whatever became of the server meanwhile.
"""

from __future__ import annotations

import email
import email.policy
import hashlib
import os
import re
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path

from click.testing import CliRunner
from forked import Forked, listserv_py

from listserv_py.cli.main import program

DOMAIN = "lists.example.org"
POSTMASTER = "admin@example.org"
CODE = re.compile(r"\(([0-9A-F]{16})\)")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], object], why: str, seconds: float = 30.0) -> object:
    """Look again and again until there is something; the looks are spaced by an event's wait."""
    pause = threading.Event()
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = what()
        if found:
            return found
        pause.wait(0.02)
    raise AssertionError(f"waited {seconds} s in vain: {why}")


@dataclass
class Server:
    """`listserv-py serve` on a folder of its own."""

    folder: Path
    extra: str = ""
    transport: str = "maildir"
    relay: str = ""
    prefix: tuple[str, ...] = ()
    pauses: str = '"1m", "5m"'
    port: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | Forked | None = None
    tracer: subprocess.Popen[bytes] | None = None

    @property
    def config(self) -> Path:
        return self.folder / "listserv.toml"

    @property
    def data_dir(self) -> Path:
        return self.folder / "data"

    def configure(self) -> None:
        relay = f'relay = "{self.relay}"' if self.relay else ""
        # Without a DNS of the test's own nothing may be looked up in the world's.
        dmarc = "" if "[dns]" in self.extra else "[dmarc]\nrewrite = false"
        self.config.write_text(
            f"""
[site]
domain = "{DOMAIN}"
postmasters = ["{POSTMASTER}"]
data_dir = "{self.data_dir}"
[[listen]]
protocol = "smtp"
address = "127.0.0.1:{self.port}"
[[listen]]
protocol = "lmtp"
address = "unix:{self.folder}/lmtp"
[delivery]
transport = "{self.transport}"
workers = 1
retry = [{self.pauses}]
{relay}
tls = "never"
[dkim]
key_file = "{self.folder}/dkim.pem"
{dmarc}
{self.extra}
""",
            encoding="utf-8",
        )

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "listserv_py", "--config", str(self.config), *words]

    def run(self, *words: str, given: str = "") -> str:
        """The operator's command, in this process: a process of its own would be half a second."""
        words = ("--config", str(self.config), *words)
        done = CliRunner().invoke(program, words, input=given)
        assert done.exit_code == 0, (words, done.stdout, done.stderr)
        return done.stdout

    def start(self, *prefix: str) -> Server:
        """As a process of its own; a `prefix` is another program, which starts it."""
        if not prefix:
            words = ("--config", str(self.config), "serve")
            self.process = listserv_py(*words, output=self.folder / "log")
            return self
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(
                [*prefix, *self.command("serve")],
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        return self

    def start_traced(self, *how: str) -> Server:
        """Under strace from its first own step on; the loading is not traced."""
        words = ("--config", str(self.config), "serve")
        self.process = listserv_py(*words, output=self.folder / "log", is_traced=True)
        self.tracer = subprocess.Popen(
            ["strace", *how, "-p", str(self.process.pid)], stdin=subprocess.DEVNULL
        )
        return self

    def is_up(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=20) as probe:
                return probe.recv(3) == b"220"
        except OSError:
            return False

    def wait_up(self) -> Server:
        def look() -> bool:
            assert self.process is not None
            if self.process.poll() is not None:
                raise AssertionError((self.folder / "log").read_text(errors="replace")[-3000:])
            return self.is_up()

        wait_for(look, "the server answers")
        return self

    def stop(self, how: signal.Signals = signal.SIGTERM, seconds: float = 30.0) -> int:
        if self.process is None:
            return 0
        if self.tracer is not None:
            self.tracer, tracer = None, self.tracer
            try:
                return self.stop(how, seconds)
            finally:
                tracer.wait(seconds)
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, how)
            except ProcessLookupError:
                # Just begun, and no group of its own yet.
                self.process.send_signal(how)
        try:
            return self.process.wait(seconds)
        finally:
            self.process = None

    def mail(
        self, sender: str, to: str, body: str | EmailMessage, subject: str = "", **headers: str
    ) -> None:
        """Send one mail over SMTP, as a mail client would."""
        message = body if isinstance(body, EmailMessage) else EmailMessage()
        if isinstance(body, str):
            message["From"] = sender
            message["To"] = to
            message["Subject"] = subject
            message.set_content(body)
        if "Message-ID" not in message:
            message["Message-ID"] = f"<{time.monotonic_ns()}@client.example>"
        for name, value in headers.items():
            message[name.replace("_", "-")] = value
        reverse_path = email.utils.parseaddr(sender)[1]
        with smtplib.SMTP("127.0.0.1", self.port, timeout=30) as client:
            client.sendmail(reverse_path, [to], message.as_bytes(policy=email.policy.SMTP))

    def inbox(self, address: str) -> list[Path]:
        return sorted((self.data_dir / "maildir" / address / "new").glob("*"))

    def received(self, address: str, many: int, why: str = "mail arrives") -> list[EmailMessage]:
        """The first `many` mails in an address's Maildir, in the order of their coming."""
        wait_for(lambda: len(self.inbox(address)) >= many, f"{why}: {address}")
        paths = sorted(self.inbox(address), key=lambda path: path.stat().st_mtime_ns)
        assert len(paths) >= many
        return [read_mail(path.read_bytes()) for path in paths]

    def confirm(self, address: str, request: EmailMessage) -> str:
        """Reply `ok` to a request, as a mail client does."""
        subject = str(request["Subject"])
        self.mail(address, f"listserv@{DOMAIN}", "ok\n", f"Re: {subject}")
        found = CODE.search(subject)
        assert found, subject
        return found[1]


def read_mail(raw: bytes) -> EmailMessage:
    message = email.message_from_bytes(raw, policy=email.policy.default)
    assert isinstance(message, EmailMessage)
    return message


@dataclass(frozen=True)
class Copy:
    """One copy that the smarthost took over."""

    sender: str
    rcpt: str
    message_id: str
    digest: str
    subject: str
    content: bytes = field(repr=False)


class Sink:
    """A smarthost in a thread; `refuse` may answer a command line with a code of its own."""

    def __init__(self, *, pipelining: bool = True) -> None:
        self.pipelining = pipelining
        self.refuse: Callable[[str], str | None] = lambda _: None
        self.listening = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.address = f"127.0.0.1:{self.listening.getsockname()[1]}"
        self._copies: list[Copy] = []
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self.listening.close()

    def copies(self) -> list[Copy]:
        return list(self._copies)

    def _accept(self) -> None:
        while True:
            try:
                talk, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._talk, args=(talk,), daemon=True).start()

    def _talk(self, talk: socket.socket) -> None:
        talk.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        stream = talk.makefile("rb")
        try:
            talk.sendall(b"220 sink\r\n")
            sender, rcpts = "", []
            for raw in stream:
                line = raw.decode("utf-8", "replace").strip()
                verb = line[:4].upper()
                refused = self.refuse(line)
                if refused:
                    talk.sendall(refused.encode() + b"\r\n")
                elif verb in ("EHLO", "HELO"):
                    extra = "250-PIPELINING\r\n" if self.pipelining else ""
                    talk.sendall(f"250-sink\r\n{extra}250 8BITMIME\r\n".encode())
                elif verb == "MAIL":
                    sender, rcpts = line.partition("<")[2].partition(">")[0], []
                    talk.sendall(b"250 ok\r\n")
                elif verb == "RCPT":
                    rcpts.append(line.partition("<")[2].rpartition(">")[0])
                    talk.sendall(b"250 ok\r\n")
                elif verb == "DATA":
                    talk.sendall(b"354 go\r\n")
                    content = _content(stream)
                    self._take(sender, rcpts, content)
                    talk.sendall(b"250 taken\r\n")
                elif verb == "QUIT":
                    talk.sendall(b"221 bye\r\n")
                    return
                else:
                    talk.sendall(b"250 ok\r\n")
        except OSError:
            return
        finally:
            stream.close()
            talk.close()

    def _take(self, sender: str, rcpts: list[str], content: bytes) -> None:
        head = read_mail(content.partition(b"\r\n\r\n")[0])
        digest = hashlib.sha256(content).hexdigest()
        known = (str(head["Message-ID"]), digest, str(head["Subject"]), content)
        self._copies.extend(Copy(sender, rcpt, *known) for rcpt in rcpts)


def _content(stream: Iterator[bytes]) -> bytes:
    lines = []
    for line in stream:
        if line == b".\r\n":
            return b"".join(lines)
        lines.append(line[1:] if line.startswith(b".") else line)
    raise ConnectionError("cut off in the mail")
