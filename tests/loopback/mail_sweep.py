"""The kill sweep of single mails: what is decided on between a 250 and its answers.

    PYTHONPATH=tests python tests/loopback/mail_sweep.py  # all of fsync, fdatasync; sendto

A command mail, a held post and the moderator's ok, a mail to an author's alias, and a DISTRIBUTE
job. After each kill the server is started again plainly. Each has its effect and its answers once;
a copy that was past its dot may come again, the same to the byte.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from loopback_rig import CODE, DOMAIN
from sweep import ANNA, CONNECTIONS, FARTHEST, LISTSERV, OWNER, SYNCING, Scenario, at_call

BOSS, AUTHOR, STRANGER = "boss@example.org", "author@example.com", "stranger@example.com"
SECRET = "Sesame-Open-1"  # noqa: S105 - nobody's
ALIAS = "0123456789ABCDEF"
READERS = [f"reader{number}@example.net" for number in range(5)]
JOBBED = [f"jobbed{number}@example.net" for number in range(20)]
JOB = "\r\n".join(
    [
        f"//ONE JOB ECHO=NO\r\nDISTRIBUTE MAIL PW={SECRET}\r\n//TO DD *",
        *JOBBED,
        f"/*\r\n//DATA DD *,EOF\r\nFrom: Boss <{BOSS}>\r\nSubject: A job\r\n\r\nHello.",
    ]
)


@dataclass(frozen=True)
class Mails:
    """What one point showed; `wrong` are mails that somebody had never, or had two of."""

    untouched: bool
    wrong: dict[tuple[str, str], int]
    mutants: int
    repeated: int

    @property
    def is_good(self) -> bool:
        return not self.wrong and not self.mutants and self.repeated <= CONNECTIONS


class MailScenario(Scenario):
    """One of each kind."""

    def mails(self) -> Mails:
        try:
            self._prepare()
            self.server.start_traced("-f", "-qq", "-o", "/dev/null", "-e", self.inject)
            self._mail(ANNA, LISTSERV, "a1", "THANKS", "thanks")
            self._mail(OWNER, f"party-l@{DOMAIN}", "p1", "Hello.", "A post")
            found = CODE.search(self._subject("approval required"))
            assert found
            self._mail(STRANGER, f"{ALIAS}-dmarc-request@{DOMAIN}", "f1", "Hi.", "A private word")
            self._mail(OWNER, LISTSERV, "o1", "ok", f"Re: approval required ({found[1]})")
            self._mail(BOSS, LISTSERV, "j1", JOB)
            self._await(lambda: EXPECTED.keys() <= self._counted().keys(), "all mails")
            self._await(lambda: "nothing" in self._queue(), "an empty queue")
            return self._found()
        finally:
            self.server.stop(signal.SIGKILL)
            self.sink.close()

    def _prepare(self) -> None:
        server = self.server
        text = server.config.read_text()
        server.config.write_text(text.replace("[site]", f'[site]\ndistribute = ["{BOSS}"]'))
        server.run("create", "PARTY-L", "--owner", OWNER, "--set", "Send= Editor,Hold,Confirm")
        rows = "".join(f"{reader},,,\n" for reader in READERS)
        server.run("import", "PARTY-L", "-", given=f"address,name,options,subscribed\n{rows}")
        server.run("cmd", "--as", BOSS, f"PW ADD {SECRET}")
        with closing(sqlite3.connect(server.data_dir / "listserv.db")) as db:
            row = (ALIAS, AUTHOR, AUTHOR, int(time.time()))
            db.execute("INSERT INTO alias VALUES (?, ?, ?, ?)", row)
            db.commit()

    def _counted(self) -> dict[tuple[str, str], set[str]]:
        """By recipient and kind of mail, the Message-IDs that came: one each, or it is invented."""
        found: dict[tuple[str, str], set[str]] = {}
        for one in self.sink.copies():
            kind = next((word for word in KINDS if word in one.subject), one.subject)
            found.setdefault((one.rcpt, kind), set()).add(one.message_id)
        return found

    def _found(self) -> Mails:
        copies = self.sink.copies()
        counted = {key: len(ids) for key, ids in self._counted().items()}
        wrong = {
            key: counted.get(key, 0)
            for key in EXPECTED.keys() | counted.keys()
            if counted.get(key, 0) != EXPECTED.get(key, 0)
        }
        times = Counter((one.rcpt, one.message_id) for one in copies)
        shapes = {(one.rcpt, one.message_id, one.digest, one.sender) for one in copies}
        self.server.stop()
        repeated = sum(many - 1 for many in times.values())
        return Mails(not self.killed, wrong, len(shapes) - len(times), repeated)


ANSWER = "Output of your job"
KINDS = (ANSWER, "approval required", "A post", "A private word", "A job")
EXPECTED = {
    (ANNA, ANSWER): 1,
    (OWNER, "approval required"): 1,
    (OWNER, ANSWER): 1,
    (AUTHOR, "A private word"): 1,
    (BOSS, ANSWER): 1,
    **{(one, "A post"): 1 for one in READERS},
    **{(one, "A job"): 1 for one in JOBBED},
}


def run_mails(inject: str) -> Mails:
    """Run the scenario once, on a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sweep"))
    try:
        return MailScenario(folder, inject).mails()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(points: list[str]) -> int:
    bad = 0
    for call in (SYNCING,) if points else (SYNCING, "sendto"):
        for number in map(int, points) if points else range(1, FARTHEST):
            report = run_mails(at_call(call, number))
            bad += not report.is_good
            shown = f"ok  repeated {report.repeated}" if report.is_good else f"BAD {report}"
            print(shown, call, number, "untouched" if report.untouched else "", flush=True)
            if report.untouched:
                break
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
