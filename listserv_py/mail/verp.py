"""The VERP key in `owner-LIST+KEY@domain`: which subscription a copy went to, and in which month.

A key is 24 base32 letters: 7 masked bytes (id, month) and 8 bytes of keyed tag. Without our key it
can be neither read nor made; the list's name is under the tag, so it serves at no other list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hmac import compare_digest

KEY_LENGTH = 24
_EPOCH_YEAR = 2020
_MONTHS = 1 << 16


@dataclass(frozen=True, slots=True)
class VerpKey:
    """What a key names; `month` counts from January 2020."""

    subscription_id: int
    month: int


def month_of(when: datetime) -> int:
    """The month that a copy sent at `when` carries."""
    return ((when.year - _EPOCH_YEAR) * 12 + when.month - 1) % _MONTHS


class Verp:
    """Makes and opens keys with a secret of ours (32 bytes)."""

    def __init__(self, secret: bytes) -> None:
        self._tag_key = hashlib.blake2b(b"verp tag", key=secret).digest()
        self._mask_key = hashlib.blake2b(b"verp mask", key=secret).digest()

    def key_for(self, subscription_id: int, listname: str, when: datetime) -> str:
        """The key of one copy: lower-case letters and digits."""
        plain = subscription_id.to_bytes(5, "big") + month_of(when).to_bytes(2, "big")
        tag = self._tag(plain, listname)
        return base64.b32encode(self._mask(plain, tag) + tag).decode("ascii").lower()

    def open(self, text: str, listname: str) -> VerpKey | None:
        """What a key that came back names, or None when it is not one of ours for this list."""
        if len(text) != KEY_LENGTH or not text.isascii():
            return None
        try:
            raw = base64.b32decode(text, casefold=True)
        except (binascii.Error, ValueError):
            return None
        tag = raw[7:]
        plain = self._mask(raw[:7], tag)
        if not compare_digest(tag, self._tag(plain, listname)):
            return None
        return VerpKey(int.from_bytes(plain[:5], "big"), int.from_bytes(plain[5:], "big"))

    def _tag(self, plain: bytes, listname: str) -> bytes:
        return hashlib.blake2b(plain + _folded(listname), key=self._tag_key, digest_size=8).digest()

    def _mask(self, seven: bytes, tag: bytes) -> bytes:
        stream = hashlib.blake2b(tag, key=self._mask_key, digest_size=7).digest()
        mixed = int.from_bytes(seven, "big") ^ int.from_bytes(stream, "big")
        return mixed.to_bytes(7, "big")


@lru_cache(maxsize=1024)
def _folded(listname: str) -> bytes:
    return listname.encode("ascii").upper()
