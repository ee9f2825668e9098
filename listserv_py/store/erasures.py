"""Who was erased, kept outside the database: a restored backup must not bring anybody back.

A line is a time and a keyed hash; the key lies in a file of its own and in no backup, so that
whoever has only the log learns nothing from it. The log is only ever appended to.
"""

import hashlib
import hmac
import os
import secrets
from datetime import datetime
from pathlib import Path

from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.times import stamp

LOG = "erased"
KEY = "erased.key"


class Erasures:
    """The log in one data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._log = data_dir / LOG
        self._key = data_dir / KEY

    def note(self, mailbox: Mailbox, now: datetime) -> None:
        """Remember that a person was erased; it is on stable storage when this returns."""
        _append(self._log, f"{stamp(now)} {self._hash(mailbox)}\n".encode())

    def since(self, when: datetime) -> frozenset[str]:
        """The hashes of those who were erased at that time or later; `is_among` asks for one."""
        if not self._log.exists():
            return frozenset()
        lines = (line.split() for line in self._log.read_text(encoding="ascii").splitlines())
        return frozenset(
            line[1] for line in lines if len(line) == 2 and int(line[0]) >= stamp(when)
        )

    def is_among(self, mailbox: Mailbox, hashes: frozenset[str]) -> bool:
        """Whether the person is one of those whom `since` gave."""
        return bool(hashes) and self._hash(mailbox) in hashes

    def _hash(self, mailbox: Mailbox) -> str:
        if not self._key.exists():
            _append(self._key, secrets.token_bytes(32))
        return hmac.digest(self._key.read_bytes(), mailbox.key.encode(), hashlib.sha256).hex()


def _append(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.write(descriptor, content)
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
