"""Our DKIM signatures (RFC 6376, RFC 8463): relaxed/relaxed, oversigned, no `l=`.

`t=` and `x=` come from the mailing, never from the clock: a copy signed again after a crash must be
the same to the byte. `seal` canonicalises body and header once for all copies of a variant; what is
left for a copy with fields of its own is to put these behind and one operation with each key.
"""

import base64
import hashlib
import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa
from dkim.canonicalization import CanonicalizationPolicy

from listserv_py.config import Dkim
from listserv_py.errors import ConfigError
from listserv_py.mail.fields import read_header
from listserv_py.mail.relaxed import compressed, relaxed_body

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
_PLAIN_MAX = 50_000
_PLAIN_FIELD = re.compile(rb"^([!-9;-~]{1,998}):([^\r\n]*)\r\n", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Sealed:
    """What the signatures of a mail cover, but for the fields of one copy: plain data.

    `names` is the value of `h=`, folded; the fields of the copy come last in it.
    """

    canonical: bytes
    names: str
    body_hash: str
    stamp: int


@dataclass(frozen=True, slots=True)
class Signer:
    """A key of the site and the name it is published under."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey

    def field(self, sealed: Sealed, personal: bytes) -> bytes:
        """The DKIM-Signature field with its CRLF; `personal`: canonical fields of the copy."""
        unsigned = self._unsigned(sealed)
        canonical = b"dkim-signature:" + b" ".join(unsigned.split())
        covered = b"".join((sealed.canonical, personal, canonical))
        value = base64.b64encode(self._sign(covered))
        lines = [value[at : at + _LINE] for at in range(0, len(value), _LINE)]
        return b"".join((b"DKIM-Signature: ", unsigned, b"\r\n ".join(lines), b"\r\n"))

    def _sign(self, covered: bytes) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            return self.key.sign(covered, padding.PKCS1v15(), hashes.SHA256())
        return self.key.sign(hashlib.sha256(covered).digest())  # RFC 8463 3: of the hash

    def _unsigned(self, sealed: Sealed) -> bytes:
        kind = "rsa" if isinstance(self.key, rsa.RSAPrivateKey) else "ed25519"
        return (
            f"v=1; a={kind}-sha256; c=relaxed/relaxed; d={self.domain};\r\n"
            f" s={self.selector}; t={sealed.stamp}; x={sealed.stamp + VALID_FOR};\r\n"
            f" h={sealed.names};\r\n bh={sealed.body_hash};\r\n b="
        ).encode("ascii")


Signers = Sequence[Signer]


def seal(head: bytes, body: bytes, stamp: int, personal: Sequence[str] = ()) -> Sealed:
    """Canonicalise a mail once; `head` holds whole field lines, `body` all behind the blank.

    `personal`: the names, in lower case, of the fields that each copy has for itself, in order;
    none of them occurs in `head`.
    """
    wanted = [name for name in OVERSIGNED if name not in personal] if personal else OVERSIGNED
    names, covered = _select(_canonical(head), wanted)
    names += [name for name in personal for _ in range(2)]
    digest = hashlib.sha256(relaxed_body(body)).digest()
    body_hash = base64.b64encode(digest).decode("ascii")
    return Sealed(covered, _folded(tuple(names)), body_hash, stamp)


def _canonical(head: bytes) -> Sequence[tuple[bytes, bytes]]:
    """Name and value of each field, as relaxed wants them."""
    return _plain(head) or _as_read(head)


def _plain(head: bytes) -> list[tuple[bytes, bytes]]:
    """The same for a head on which no two readers differ, all at once; empty for any other."""
    ends = head.count(b"\r\n")
    if len(head) > _PLAIN_MAX or head.count(b"\n") != ends or head.count(b"\r") != ends:
        return []
    unfolded = compressed(head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" "))
    found = _PLAIN_FIELD.findall(unfolded)
    is_whole = len(found) == unfolded.count(b"\r\n") and unfolded.endswith(b"\r\n")
    return [(name.lower(), value.strip() + b"\r\n") for name, value in found] if is_whole else []


def _as_read(head: bytes) -> list[tuple[bytes, bytes]]:
    parted = (one.raw.partition(b":") for one in read_header(head, room=3).fields)
    headers = [(name, value) for name, _, value in parted]
    return [(name.strip().lower(), value) for name, value in _RELAXED.canonicalize_headers(headers)]


def signatures(signers: Signers, sealed: Sealed, personal: bytes = b"") -> bytes:
    """The DKIM-Signature fields, one for each key, to be put on top of the header."""
    covered = _relaxed(personal)
    return b"".join(signer.field(sealed, covered) for signer in signers)


def load(domain: str, dkim: Dkim) -> tuple[Signer, ...]:
    """The site's signers; empty where no key file is named or there: nothing is signed."""
    found = []
    key = _key(dkim.key_file, "dkim.key_file")
    if key is not None:
        if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
            wrong = "an RSA key of 2048 bits is expected"
            raise ConfigError(str(dkim.key_file), "dkim.key_file", wrong)
        found.append(Signer(domain, dkim.selector, key))
    second = _key(dkim.ed25519_key_file, "dkim.ed25519_key_file")
    if second is not None:
        if not isinstance(second, ed25519.Ed25519PrivateKey):
            wrong = "an Ed25519 key is expected"
            raise ConfigError(str(dkim.ed25519_key_file), "dkim.ed25519_key_file", wrong)
        found.append(Signer(domain, dkim.ed25519_selector, second))
    return tuple(found)


def _key(file: Path | None, setting: str) -> object:
    """What a key file holds; None where it is not named or not there."""
    if file is None or not file.exists():
        return None
    try:
        return serialization.load_pem_private_key(file.read_bytes(), None)
    except OSError as exc:
        raise ConfigError(str(file), setting, exc.strerror or str(exc)) from exc
    except TypeError as exc:
        raise ConfigError(str(file), setting, "a key with a passphrase") from exc
    except (ValueError, UnsupportedAlgorithm) as exc:
        raise ConfigError(str(file), setting, "no private key in PEM form") from exc


def _select(
    headers: Sequence[tuple[bytes, bytes]], wanted: Sequence[str]
) -> tuple[list[str], bytes]:
    """The names for `h=` and the canonical fields they cover, the lowest of each name first."""
    lines: dict[str, list[bytes]] = {}
    for field, value in headers:
        lines.setdefault(field.decode("latin-1"), []).append(b"%b:%b" % (field, value))
    names: list[str] = []
    signed: list[bytes] = []
    for name in wanted:
        names.append(name)
        found = lines.get(name)
        if found:
            signed += reversed(found)
            names += [name] * len(found)
    return names, b"".join(signed)


@lru_cache(maxsize=100)
def _folded(names: tuple[str, ...]) -> str:
    """The value of `h=`; most mails of ours have the same fields."""
    lines = textwrap.wrap(" : ".join(names), _LINE - 4, break_on_hyphens=False)
    return "\r\n ".join(lines)


def _relaxed(fields: bytes) -> bytes:
    """Fields of ours in their canonical form (RFC 6376 3.4.2)."""
    lines = fields.replace(b"\r\n ", b" ").split(b"\r\n")[:-1]
    parted = (line.partition(b":") for line in lines)
    return b"".join(b"%b:%b\r\n" % (name.lower(), b" ".join(v.split())) for name, _, v in parted)
