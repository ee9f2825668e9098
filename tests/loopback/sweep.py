"""The kill sweep: one short scenario, the server killed at its N-th call, for each N there is.

    make sweep                                            # all of fsync and fdatasync, then sendto
    PYTHONPATH=tests python tests/loopback/sweep.py 3 17  # these of fsync or fdatasync only

After each kill the server is started again plainly, the client sends again what it had no 250 for,
and the outcome is counted at a smarthost that remembers: nothing lost, nothing invented, nothing
changed, and repeated at most what was in flight.
"""

from __future__ import annotations

import shutil
import signal
import smtplib
import sqlite3
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from loopback_rig import CODE, DOMAIN, Server, Sink, wait_for

LISTSERV = f"listserv@{DOMAIN}"
OWNER = "owner@example.org"
ANNA = "anna@example.net"
READERS = [f"reader{number}@example.net" for number in range(20)]
CONNECTIONS = 20
FARTHEST = 400


@dataclass(frozen=True)
class Report:
    """What one point showed; `untouched`: the scenario ended before the call came."""

    point: str
    untouched: bool
    lost: int
    alien: int
    mutants: int
    repeated: int
    joined: int

    @property
    def is_good(self) -> bool:
        return (
            not (self.lost or self.alien or self.mutants)
            and self.repeated <= CONNECTIONS
            and self.joined == 1
        )


class Scenario:
    """A subscription with its confirmation, then a post to twenty-one readers."""

    def __init__(self, folder: Path, inject: str) -> None:
        self.sink = Sink()
        self.server = Server(folder, transport="smtp", relay=self.sink.address)
        self.server.configure()
        self.killed = False
        self.inject = inject

    def run(self) -> Report:
        try:
            self._prepare()
            self.server.start_traced("-f", "-qq", "-o", "/dev/null", "-e", self.inject)
            self._mail(ANNA, LISTSERV, "a1", "SUBSCRIBE PARTY-L Anna Arm")
            found = CODE.search(self._subject("confirmation request"))
            assert found
            self._mail(ANNA, LISTSERV, "a2", f"OK {found[1]}")
            self._subject("Output of your job")
            self._mail("joe@example.com", f"party-l@{DOMAIN}", "p1", "Hello.", "A post")
            self._await(lambda: len(self._posts()) == len(READERS) + 1, "all copies")
            self._await(lambda: "nothing" in self._queue(), "an empty queue")
            return self._report()
        finally:
            self.server.stop(signal.SIGKILL)
            self.sink.close()

    def _prepare(self) -> None:
        self.server.run("create", "PARTY-L", "--owner", OWNER, "--set", "Send= Public")
        rows = "".join(f"{reader},,,\n" for reader in READERS)
        self.server.run("import", "PARTY-L", "-", given=f"address,name,options,subscribed\n{rows}")

    def _mail(self, sender: str, to: str, name: str, text: str, subject: str = "x") -> None:
        """Send as an MTA does: the same bytes again until there is a 250."""
        raw = (
            f"From: {sender}\r\nTo: {to}\r\nSubject: {subject}\r\n"
            f"Message-ID: <{name}@client.example>\r\n\r\n{text}\r\n"
        )

        def attempt() -> bool:
            self._revive()
            try:
                with smtplib.SMTP("127.0.0.1", self.server.port, timeout=30) as client:
                    client.sendmail(sender, to, raw)
            except (OSError, smtplib.SMTPException):
                return False
            return True

        wait_for(attempt, f"250 for {name}", 30)

    def _revive(self) -> None:
        process = self.server.process
        if process is not None and process.poll() is not None:
            self.killed = True
            self.server.start()

    def _await(self, what: object, why: str) -> object:
        def look() -> object:
            self._revive()
            return what()  # type: ignore[operator]

        return wait_for(look, why, 40)

    def _subject(self, words: str) -> str:
        def look() -> str:
            return next((one.subject for one in self.sink.copies() if words in one.subject), "")

        return str(self._await(look, words))

    def _posts(self) -> set[str]:
        return {one.rcpt for one in self.sink.copies() if one.subject == "A post"}

    def _queue(self) -> str:
        try:
            done = self.server.run("queue", "list", "--json")
        except AssertionError as exc:
            return str(exc)  # the server was killed while it answered
        return "nothing" if done.strip() in ("[]", "") else done

    def _report(self) -> Report:
        copies = self.sink.copies()
        counted = Counter((one.rcpt, one.message_id) for one in copies)
        bytes_of: dict[tuple[str, str], set[str]] = {}
        for one in copies:
            bytes_of.setdefault((one.rcpt, one.message_id), set()).add(one.digest + one.sender)
        expected = {*READERS, ANNA}
        self.server.stop()
        db = sqlite3.connect(self.server.data_dir / "listserv.db")
        joined = db.execute("SELECT count(*) FROM subscriber WHERE address = ?", (ANNA,)).fetchone()
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert db.execute("PRAGMA foreign_key_check").fetchone() is None
        db.close()
        return Report(
            point=self.inject,
            untouched=not self.killed,
            lost=len(expected - self._posts()),
            alien=len(self._posts() - expected),
            mutants=sum(len(found) > 1 for found in bytes_of.values()),
            repeated=sum(many - 1 for many in counted.values()),
            joined=int(joined[0]),
        )


def run_point(inject: str) -> Report:
    """Run the scenario once, on a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sweep"))
    try:
        return Scenario(folder, inject).run()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def at_call(call: str, number: int) -> str:
    return f"inject={call}:signal=KILL:when={number}"


SYNCING = "fsync,fdatasync"
"""SQLite calls the one or the other, as it was built."""


def main(points: list[str]) -> int:
    bad = 0
    for call in (SYNCING,) if points else (SYNCING, "sendto"):
        for number in map(int, points) if points else range(1, FARTHEST):
            report = run_point(at_call(call, number))
            bad += not report.is_good
            print(
                f"{'ok ' if report.is_good else 'BAD'} {call} {number}:"
                f" lost {report.lost}, alien {report.alien}, mutants {report.mutants},"
                f" repeated {report.repeated}, joined {report.joined}"
                f"{', untouched' if report.untouched else ''}",
                flush=True,
            )
            if report.untouched:
                break
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
