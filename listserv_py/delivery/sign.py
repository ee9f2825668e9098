"""Our DKIM signature (RFC 6376): rsa-sha256, relaxed/relaxed, oversigned, no `l=`.

`t=` and `x=` come from the mailing, never from the clock: a copy signed again after a crash must be
the same to the byte. Body and header are canonicalised once in `prepare`; `field` then costs one
RSA operation, so that a later version can sign per recipient.
"""

import base64
import hashlib
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from dkim.canonicalization import CanonicalizationPolicy

from listserv_py.errors import ConfigError
from listserv_py.mail.fields import read_header
from listserv_py.mail.relaxed import compressed

# Each is named once more than it occurs: nobody can put another one on top (RFC 6376 8.15).
OVERSIGNED = (
    "from",
    "reply-to",
    "sender",
    "subject",
    "date",
    "to",
    "cc",
    "message-id",
    "in-reply-to",
    "references",
    "mime-version",
    "content-type",
    "content-transfer-encoding",
    "list-id",
    "list-post",
    "list-help",
    "list-unsubscribe",
    "list-unsubscribe-post",
)
VALID_FOR = 14 * 86400
KEY_BITS = 2048
_RELAXED = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
_LINE = 74

Canonical = Sequence[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Signer:
    """The site's key and the names it is published under."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey

    def prepare(self, head: bytes, body: bytes, stamp: int) -> "Prepared":
        """Canonicalise a mail once; `head` holds whole field lines, `body` all behind the blank."""
        parted = (one.raw.partition(b":") for one in read_header(head, room=3).fields)
        headers = [(name, value) for name, _, value in parted]
        canonical = [
            (name.strip().lower(), value) for name, value in _RELAXED.canonicalize_headers(headers)
        ]
        digest = hashlib.sha256(_RELAXED.canonicalize_body(compressed(body))).digest()
        return Prepared(self, canonical, base64.b64encode(digest).decode("ascii"), stamp)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A mail ready to be signed."""

    signer: Signer
    headers: Canonical
    body_hash: str
    stamp: int

    def field(self) -> bytes:
        """The DKIM-Signature field with its CRLF, to be put on top of the header."""
        names, signed = _select(self.headers)
        unsigned = self._unsigned(names)
        canonical = b" ".join(unsigned.encode("ascii").split())
        signature = self.signer.key.sign(
            signed + b"dkim-signature:" + canonical, padding.PKCS1v15(), hashes.SHA256()
        )
        value = base64.b64encode(signature).decode("ascii")
        folded = "\r\n ".join(textwrap.wrap(value, _LINE))
        return f"DKIM-Signature: {unsigned}{folded}\r\n".encode("ascii")

    def _unsigned(self, names: Sequence[str]) -> str:
        signer, expires = self.signer, self.stamp + VALID_FOR
        folded = textwrap.wrap(" : ".join(names), _LINE - 4, break_on_hyphens=False)
        return (
            f"v=1; a=rsa-sha256; c=relaxed/relaxed; d={signer.domain};\r\n"
            f" s={signer.selector}; t={self.stamp}; x={expires};\r\n"
            " h=" + "\r\n ".join(folded) + f";\r\n bh={self.body_hash};\r\n b="
        )


def load(domain: str, selector: str, key_file: Path | None) -> Signer | None:
    """The site's signer, or None where no key file is named or there: nothing is signed."""
    if key_file is None or not key_file.exists():
        return None
    try:
        key = serialization.load_pem_private_key(key_file.read_bytes(), None)
    except (OSError, ValueError, TypeError) as exc:
        raise ConfigError(str(key_file), "dkim.key_file", f"no private key: {exc}") from exc
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
        raise ConfigError(str(key_file), "dkim.key_file", "an RSA key of 2048 bits is expected")
    return Signer(domain, selector, key)


def _select(headers: Canonical) -> tuple[list[str], bytes]:
    """The names for `h=` and the canonical fields they cover, the lowest of each name first."""
    names: list[str] = []
    signed: list[bytes] = []
    for name in OVERSIGNED:
        raw = name.encode("ascii")
        found = [b":".join((raw, value)) for field, value in headers if field == raw]
        signed += reversed(found)
        names += [name] * (len(found) + 1)
    return names, b"".join(signed)
