"""Keys that strangers publish: which let a signature count (RFC 6376 3.6.1, RFC 8301 3.2).

What would take long to compute with is refused before it is used.
"""

from __future__ import annotations

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

from listserv_py.authn.signature import Signature

KEY_BITS_MIN = 1024
KEY_BITS_MAX = 8192
EXPONENT_BITS_MAX = 33
RECORD_MAX = 4096


def is_usable(record: bytes, signature: Signature) -> bool:
    """Whether a key record lets the signature count (RFC 6376 3.6.1, RFC 8301 3.2)."""
    if len(record) > RECORD_MAX:
        return False
    try:
        tags = parse_tag_value(record)
        size_fits = _size_fits(record)
    except (InvalidTagValueList, dkim.DKIMException, ValueError, TypeError, IndexError, KeyError):
        return False
    flags = _words(tags.get(b"t", b""))
    return (
        size_fits
        and tags.get(b"k", b"rsa").decode("ascii", "replace") == signature.algorithm.split("-")[0]
        and b"sha256" in _words(tags.get(b"h", b"sha256"))
        and not _words(tags.get(b"s", b"*")).isdisjoint((b"*", b"email"))
        # Who is only testing wants to be treated as if he had not signed at all.
        and b"y" not in flags
        and (b"s" not in flags or signature.identity == signature.domain)
    )


def _words(value: bytes) -> frozenset[bytes]:
    return frozenset(word.strip() for word in value.split(b":"))


def _size_fits(record: bytes) -> bool:
    key, bits, kind, _ = dkim.evaluate_pk("key", record)
    if kind != b"rsa":
        return bool(kind == b"ed25519")
    is_plain = key["publicExponent"].bit_length() <= EXPONENT_BITS_MAX
    return bool(is_plain and KEY_BITS_MIN <= bits <= KEY_BITS_MAX)
