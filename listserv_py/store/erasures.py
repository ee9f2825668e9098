"""Who was erased or has left, kept outside the database: no restored backup brings anybody back.

A line is a time and a keyed hash; the key lies in a file of its own and in no backup, so that
whoever has only a log learns nothing from it. The logs are only ever appended to. A log without its
key could not say whom it means: `missing_key` is asked before anybody is brought back.
"""

import errno
import hashlib
import hmac
import os
import secrets
from datetime import datetime
from pathlib import Path

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import stamp

LOG = "erased"
LEFT = "left"
KEY = "erased.key"
LOGS = (LOG, LEFT, KEY)
"""What has to go along with a backup to another machine."""


class Erasures:
    """The logs in one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._log = data_dir / LOG
        self._left = data_dir / LEFT
        self._key = data_dir / KEY
        self._secret = b""

    def note(self, mailbox: Mailbox, now: datetime) -> None:
        """Remember that a person was erased; it is on stable storage when this returns."""
        _append_line(self._log, f"{stamp(now)} {self._hash(mailbox.key)}")

    def note_left(self, listname: str, mailbox: Mailbox, now: datetime) -> None:
        """Remember, as surely, that a person has left a list by his own word."""
        _append_line(self._left, f"{stamp(now)} {self._hash(_of(listname, mailbox))}")

    @property
    def is_empty(self) -> bool:
        """Whether there is no log at all, as in a new folder."""
        return not (self._log.exists() or self._left.exists())

    @property
    def missing_key(self) -> Path | None:
        """The key that a log here needs and that is not there; None: all is well."""
        return None if self.is_empty or self._key.exists() else self._key

    def since(self, when: datetime) -> frozenset[str]:
        """The hashes of those who were erased at that time or later; `is_among` asks for one."""
        return _hashes(self._log, when)

    def left_since(self, when: datetime) -> frozenset[str]:
        """The same for who has left a list; `has_left` asks for one."""
        return _hashes(self._left, when)

    def is_among(self, mailbox: Mailbox, hashes: frozenset[str]) -> bool:
        """Whether the person is one of those whom `since` gave."""
        return bool(hashes) and self._hash(mailbox.key) in hashes

    def has_left(self, listname: str, mailbox: Mailbox, hashes: frozenset[str]) -> bool:
        """Whether the person is one of those whom `left_since` gave."""
        return bool(hashes) and self._hash(_of(listname, mailbox)) in hashes

    def _hash(self, text: str) -> str:
        if not self._secret:
            if not self._key.exists():
                _append(self._key, secrets.token_bytes(32))
            self._secret = self._key.read_bytes()
        return hmac.digest(self._secret, text.encode(), hashlib.sha256).hex()


def _of(listname: str, mailbox: Mailbox) -> str:
    return f"{listname}\0{mailbox.key}"


def _hashes(log: Path, when: datetime) -> frozenset[str]:
    if not log.exists():
        return frozenset()
    lines = (line.split() for line in log.read_text(encoding="ascii").splitlines())
    return frozenset(line[1] for line in lines if len(line) == 2 and int(line[0]) >= stamp(when))


def _append_line(log: Path, line: str) -> None:
    """Add a line; what a full disk or a power cut has left of another one is ended first."""
    begin = "\n" if _last_byte(log) not in {b"", b"\n"} else ""
    _append(log, f"{begin}{line}\n".encode())


def _last_byte(log: Path) -> bytes:
    """The last one alone, for the log is as long as the list of all who ever left."""
    try:
        with log.open("rb") as file:
            file.seek(max(file.seek(0, os.SEEK_END) - 1, 0))
            return file.read()
    except FileNotFoundError:
        return b""


def _append(path: Path, content: bytes) -> None:
    is_new = not path.exists()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.write(descriptor, content) < len(content):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    if not is_new:
        return
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
