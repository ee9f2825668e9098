"""Outgoing mail as files, for trying out: one Maildir per recipient.

A file's name is made of the mailing and the subscriber, so that a copy written twice is one file.
Lines end in LF, as Maildir readers expect; the envelope sender stands on top as Return-Path, the
rest is what would have gone over the wire.
"""

import hashlib
import os
import re
from pathlib import Path

_SAFE = re.compile(rb"[A-Za-z0-9@.+_=-]")
NAME_MAX = 255


def folder_name(address: str) -> str:
    """The folder of an address: never a path, never hidden, one name for one address.

    All but letters, digits and `@.+_=-` is percent-encoded, and so is a leading dot.
    """
    raw = address.encode("utf-8", "surrogateescape")
    name = "".join(
        chr(byte) if _SAFE.match(raw[at : at + 1]) else f"%{byte:02X}"
        for at, byte in enumerate(raw)
    )
    name = "%2E" + name[1:] if name.startswith(".") else name
    if len(name) <= NAME_MAX:
        return name
    return name[: NAME_MAX - 41] + "%" + hashlib.sha256(raw).hexdigest()[:40]


def deliver(root: Path, address: str, unique: str, sender: bytes, wire: bytes) -> Path:
    """Put one mail into the Maildir of an address; it is on disk when this returns.

    `wire` is the mail as it would follow DATA: CRLF, dots doubled, the lone dot at its end.
    """
    folder = root / folder_name(address)
    for part in ("tmp", "new", "cur"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    path = folder / "new" / unique
    if path.exists():
        return path
    draft = folder / "tmp" / unique
    with draft.open("wb") as file:
        file.write(b"Return-Path: <" + sender + b">\n")
        file.write(unstuffed(wire).replace(b"\r\n", b"\n"))
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    _sync(folder / "new")
    return path


def unstuffed(wire: bytes) -> bytes:
    """The mail without what DATA adds to it (RFC 5321 4.5.2)."""
    body = wire.removesuffix(b".\r\n").replace(b"\r\n..", b"\r\n.")
    return body[1:] if body.startswith(b"..") else body


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
