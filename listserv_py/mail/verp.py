"""The VERP key in `owner-LIST+KEY@domain`: which subscription a copy went to, and in which month.

A key is 24 base32 letters: 7 masked bytes (id, month) and 8 bytes of keyed tag. Without our key it
can be neither read nor made; the list's name is under the tag, so it serves at no other list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hmac import compare_digest

KEY_LENGTH = 24
_EPOCH_YEAR = 2020
_MONTHS = 1 << 16
MONTHS = 3


@dataclass(frozen=True, slots=True)
class VerpKey:
    """What a key names; `month` counts from January 2020."""

    subscription_id: int
    month: int


def month_of(when: datetime) -> int:
    """The month that a copy sent at `when` carries."""
    return ((when.year - _EPOCH_YEAR) * 12 + when.month - 1) % _MONTHS


def begin_of(month: int) -> datetime:
    """When such a month began; the twin of `month_of`."""
    return datetime(_EPOCH_YEAR + month // 12, month % 12 + 1, 1, tzinfo=UTC)


def is_of_late(key: VerpKey, now: datetime) -> bool:
    """Whether a key serves still: in the month of its copy and in the two behind it."""
    return 0 <= month_of(now) - key.month < MONTHS


class Verp:
    """Makes and opens keys with a secret of ours (32 bytes)."""

    def __init__(self, secret: bytes) -> None:
        tag_key = hashlib.blake2b(b"verp tag", key=secret).digest()
        mask_key = hashlib.blake2b(b"verp mask", key=secret).digest()
        self._tags = hashlib.blake2b(key=tag_key, digest_size=8)
        self._masks = hashlib.blake2b(key=mask_key, digest_size=7)

    def key_for(self, subscription_id: int, listname: str, when: datetime) -> str:
        """The key of one copy: lower-case letters and digits."""
        return self.keys(listname, when)(subscription_id)

    def keys(self, listname: str, when: datetime) -> Callable[[int], str]:
        """What makes the keys of many copies; all in one function, for it is asked for each."""
        month, name = month_of(when), _folded(listname)
        tail = month.to_bytes(2, "big") + name
        copy_tags, copy_masks, number = self._tags.copy, self._masks.copy, int.from_bytes

        def key(subscription_id: int) -> str:
            tags, masks = copy_tags(), copy_masks()
            tags.update(subscription_id.to_bytes(5, "big") + tail)
            tag = tags.digest()
            masks.update(tag)
            plain = subscription_id << 16 | month
            return _base32((plain ^ number(masks.digest(), "big")) << 64 | number(tag, "big"))

        return key

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
        tags = self._tags.copy()
        tags.update(plain + _folded(listname))
        return tags.digest()

    def _mask(self, seven: bytes, tag: bytes) -> bytes:
        masks = self._masks.copy()
        masks.update(tag)
        mixed = int.from_bytes(seven, "big") ^ int.from_bytes(masks.digest(), "big")
        return mixed.to_bytes(7, "big")


_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"
_PAIRS = tuple(one + other for one in _LETTERS for other in _LETTERS)


def _base32(bits: int) -> str:
    """What base64.b32encode says of 15 bytes, in lower case; that one was half a key's cost."""
    pairs = _PAIRS
    return (
        f"{pairs[bits >> 110]}{pairs[bits >> 100 & 1023]}{pairs[bits >> 90 & 1023]}"
        f"{pairs[bits >> 80 & 1023]}{pairs[bits >> 70 & 1023]}{pairs[bits >> 60 & 1023]}"
        f"{pairs[bits >> 50 & 1023]}{pairs[bits >> 40 & 1023]}{pairs[bits >> 30 & 1023]}"
        f"{pairs[bits >> 20 & 1023]}{pairs[bits >> 10 & 1023]}{pairs[bits & 1023]}"
    )


@lru_cache(maxsize=1024)
def _folded(listname: str) -> bytes:
    return listname.encode("ascii").upper()
