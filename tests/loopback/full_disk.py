"""A post is under way when another program fills the disk: it goes on to its end.

    PYTHONPATH=tests python tests/loopback/full_disk.py [readers]    # as root

The data folder is a small disk of its own. While it is full the door says 452, and every copy goes
out, once; what was refused comes in when there is room again, without a restart.
"""

from __future__ import annotations

import shutil
import signal
import smtplib
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path

from loopback_rig import DOMAIN, Server, Sink, wait_for

DISK = "40m"
TOO_MUCH = 50_000_000
SLOW_BY = 0.002
STRANGER = "anna@example.net"


class FullDisk:
    """One run in a folder of its own."""

    def __init__(self, folder: Path, readers: int) -> None:
        self.sink = Sink()
        self.sink.refuse = _slow
        self.readers = [f"reader{number}@example.net" for number in range(readers)]
        self.server = Server(folder, transport="smtp", relay=self.sink.address, pauses='"1s"')
        self.server.configure()

    def run(self) -> list[str]:
        """What is wrong."""
        try:
            inside = self._start()
            self.server.mail("joe@example.com", f"big-l@{DOMAIN}", "Hello.\n", "A post")
            wait_for(lambda: len(self._counted()) > 100, "the first copies")
            filler = inside / "filler"
            try:
                filler.write_bytes(bytes(TOO_MUCH))
            except OSError as exc:
                print(f"after {len(self._counted())} copies: {exc.strerror}", flush=True)
            wait_for(lambda: self._answer() == 452, "452")
            wait_for(lambda: len(self._counted()) == len(self.readers), "all copies", 600)
            faults = [] if self._answer() == 452 else ["the disk is full, and the door is open"]
            filler.unlink()
            wait_for(lambda: self._answer() == 250, "room again")
            wait_for(self._is_answered, "the answer to what came then")
            twice = [one for one, many in self._counted().items() if many > 1]
            faults += [f"twice: {twice[:3]}"] if twice else []
            code = self.server.stop()
            return [*faults, f"it ended with {code}"] if code else faults
        finally:
            self.server.stop(signal.SIGKILL)
            self.sink.close()

    def _start(self) -> Path:
        server = self.server
        server.run("create", "BIG-L", "--owner", "owner@example.org", "--set", "Send= Public")
        rows = "".join(f"{one},,,\n" for one in self.readers)
        server.run("import", "BIG-L", "-", given=f"address,name,options,subscribed\n{rows}")
        kept = server.folder / "kept"
        shutil.copytree(server.data_dir, kept)
        mount = f"mount -t tmpfs -o size={DISK},mode=700 none {server.data_dir}"
        copy = f"cp -a {kept}/. {server.data_dir}/"
        steps = f'{mount} && {copy} && exec "$@"'
        server.start("unshare", "--mount", "--propagation", "private", "sh", "-c", steps, "sh")
        server.wait_up()
        assert server.process is not None
        return Path(f"/proc/{server.process.pid}/root{server.data_dir}")

    def _counted(self) -> Counter[str]:
        return Counter(one.rcpt for one in self.sink.copies() if one.subject == "A post")

    def _is_answered(self) -> bool:
        return any(one.rcpt == STRANGER for one in self.sink.copies())

    def _answer(self) -> int:
        text = f"From: {STRANGER}\r\nMessage-ID: <x@y.z>\r\n\r\nTHANKS\r\n"
        try:
            with smtplib.SMTP("127.0.0.1", self.server.port, timeout=30) as client:
                client.sendmail(STRANGER, f"listserv@{DOMAIN}", text)
        except smtplib.SMTPRecipientsRefused as exc:
            return next(iter(exc.recipients.values()))[0]
        except smtplib.SMTPResponseException as exc:
            return exc.smtp_code
        return 250


def _slow(line: str) -> None:
    if line.startswith("DATA"):
        threading.Event().wait(SLOW_BY)


def main(readers: int = 20_000) -> int:
    """Run it, and say what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="full"))
    try:
        faults = FullDisk(folder, readers).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(*(faults or [f"ok  {readers} copies on a full disk"]), sep="\n", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
