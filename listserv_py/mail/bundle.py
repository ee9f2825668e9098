"""Several mails in one, as multipart/digest: each whole, as message/rfc822 (RFC 2046 5.1.5)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from listserv_py.mail.compose import clean, header_line
from listserv_py.mail.splice import clean_lines


def bundled(mails: Sequence[bytes], subject: str) -> bytes:
    """A mail that holds the others, in their order."""
    parts = [clean_lines(one) for one in mails]
    boundary = _boundary(parts)
    mark = f"--{boundary}".encode("ascii")
    coding = "7bit" if all(part.isascii() for part in parts) else "8bit"
    head = b"".join(
        (
            header_line("Subject", clean(subject)),
            header_line("MIME-Version", "1.0"),
            header_line("Content-Type", f'multipart/digest; boundary="{boundary}"'),
            header_line("Content-Transfer-Encoding", coding),
        )
    )
    inside = b"Content-Type: message/rfc822\r\nContent-Transfer-Encoding: "
    inside += coding.encode("ascii") + b"\r\n\r\n"
    body = b"".join(mark + b"\r\n" + inside + part + b"\r\n" for part in parts)
    return head + b"\r\n" + body + mark + b"--\r\n"


def _boundary(parts: Sequence[bytes]) -> str:
    """One that stands in none of them."""
    digest = hashlib.blake2b(digest_size=12)
    for part in parts:
        digest.update(part)
    boundary = f"digest-{digest.hexdigest()}"
    while any(boundary.encode("ascii") in part for part in parts):
        boundary += "-"
    return boundary
