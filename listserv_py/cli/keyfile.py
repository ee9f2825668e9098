"""The DKIM key as a file: made for its owner alone, read for the half that is published."""

import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from listserv_py.control.operation import Refused

KEY_BITS = 2048


def make_key(path: Path, owner: Path) -> None:
    """Write a new RSA key that only the owner of the folder `owner` may read (RFC 8301 3.2)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
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


def public_key(path: Path) -> bytes:
    """What the DNS tells of a key: its public half, DER (RFC 6376 3.6.1)."""
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        raise Refused(f"{path}: no private key in PEM form") from exc
    return key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
