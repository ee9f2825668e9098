"""The kill sweep of digests: issues fill up while the server is killed at its N-th call.

    PYTHONPATH=tests python tests/loopback/issue_sweep.py    # all of fsync and fdatasync

After each kill the server is started again plainly. Each post is in exactly one issue, the numbers
rise by one, and each reader has each issue.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from loopback_rig import DOMAIN
from sweep import FARTHEST, OWNER, SYNCING, Scenario, at_call

DIGEST_READERS = [f"reader{number}@example.net" for number in range(5)]
POSTS = 6
EACH = 2


@dataclass(frozen=True)
class Issues:
    """What one point showed: issues as they are numbered, with their posts, and who has them."""

    untouched: bool
    numbers: list[tuple[int, int]]
    collected: Counter[str]
    readers: dict[str, set[str]]

    @property
    def is_good(self) -> bool:
        return (
            self.numbers == [(number, EACH) for number in range(1, POSTS // EACH + 1)]
            and self.collected == Counter(f"Post {number}" for number in range(POSTS))
            and all(found == set(DIGEST_READERS) for found in self.readers.values())
            and len(self.readers) == POSTS // EACH
        )


class IssueScenario(Scenario):
    """Posts to a list whose issues are full with two of them."""

    def issues(self) -> Issues:
        try:
            self._prepare()
            self.server.start_traced("-f", "-qq", "-o", "/dev/null", "-e", self.inject)
            for number in range(POSTS):
                subject = f"Post {number}"
                self._mail("joe@example.com", f"party-l@{DOMAIN}", f"p{number}", subject, subject)
            self._await(self._is_out, "all issues")
            self._await(lambda: "nothing" in self._queue(), "an empty queue")
            return self._found()
        finally:
            self.server.stop(signal.SIGKILL)
            self.sink.close()

    def _prepare(self) -> None:
        size = f"Digest= Yes,Same,Monthly,Size({EACH})"
        self.server.run(
            "create", "PARTY-L", "--owner", OWNER, "--set", "Send= Public", "--set", size
        )
        rows = "".join(f"{reader},,DIGEST,\n" for reader in DIGEST_READERS)
        self.server.run("import", "PARTY-L", "-", given=f"address,name,options,subscribed\n{rows}")

    def _of_issues(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for one in self.sink.copies():
            if " Digest - " in one.subject:
                found.setdefault(one.subject, set()).add(one.rcpt)
        return found

    def _is_out(self) -> bool:
        found = self._of_issues()
        return sum(map(len, found.values())) >= POSTS // EACH * len(DIGEST_READERS)

    def _found(self) -> Issues:
        texts = {one.subject: one.content for one in self.sink.copies()}
        collected = Counter(
            f"Post {number}"
            for subject, content in texts.items()
            if " Digest - " in subject
            for number in range(POSTS)
            for _ in range(content.count(f"Subject: Post {number}\r\n".encode()))
        )
        self.server.stop()
        db = sqlite3.connect(self.server.data_dir / "listserv.db")
        numbers = db.execute("SELECT number, posts FROM digest_issue ORDER BY id").fetchall()
        db.close()
        return Issues(not self.killed, numbers, collected, self._of_issues())


def run_issues(inject: str) -> Issues:
    """Run the scenario once, on a folder of its own."""
    folder = Path(tempfile.mkdtemp(prefix="sweep"))
    try:
        return IssueScenario(folder, inject).issues()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def main(points: list[str]) -> int:
    bad = 0
    for number in map(int, points) if points else range(1, FARTHEST):
        report = run_issues(at_call(SYNCING, number))
        bad += not report.is_good
        print("ok " if report.is_good else f"BAD {report}", SYNCING, number, flush=True)
        if report.untouched:
            break
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
