"""A DKIM key as a file: made for its owner alone, read for the half that is published."""

import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from listserv_py.control.operation import Refused

KEY_BITS = 2048


class Kind(StrEnum):
    """What a key is for, as `k=` has it in the DNS."""

    RSA = "rsa"
    ED25519 = "ed25519"


@dataclass(frozen=True, slots=True)
class PublicKey:
    """What the DNS tells of a key (RFC 6376 3.6.1, RFC 8463 4.2)."""

    kind: Kind
    data: bytes


def make_key(path: Path, owner: Path, kind: Kind = Kind.RSA) -> None:
    """Write a new key that only the owner of the folder `owner` may read (RFC 8301 3.2)."""
    key: rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey
    if kind is Kind.RSA:
        key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
    else:
        key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        if os.geteuid() == 0 and owner.exists():
            status = owner.stat()
            os.fchown(descriptor, status.st_uid, status.st_gid)
        file.write(pem)
        file.flush()
        os.fsync(descriptor)


def public_key(path: Path) -> PublicKey:
    """The public half of a key: DER for RSA, the bare octets for Ed25519."""
    try:
        public = serialization.load_pem_private_key(path.read_bytes(), password=None).public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise Refused(f"{path}: no private key in PEM form") from exc
    if isinstance(public, ed25519.Ed25519PublicKey):
        return PublicKey(Kind.ED25519, public.public_bytes_raw())
    der = public.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return PublicKey(Kind.RSA, der)
