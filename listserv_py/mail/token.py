"""The token of one-click unsubscription (RFC 8058): which subscription a link ends.

32 base32 letters: 5 masked bytes (the id) and 15 bytes of keyed tag. Without our key it can be
neither read nor made. There is no time in it, so the link of an old mail works as long as the
subscription lasts, and never for another one: ids are not used again.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from hmac import compare_digest

TOKEN_LENGTH = 32
_ID, _TAG = 5, 15


class Tokens:
    """Makes and opens tokens with a secret of ours (32 bytes), which is never changed."""

    def __init__(self, secret: bytes) -> None:
        self._tag_key = hashlib.blake2b(b"token tag", key=secret).digest()
        self._mask_key = hashlib.blake2b(b"token mask", key=secret).digest()

    def token_for(self, subscription_id: int) -> str:
        """The token of a subscription: lower-case letters and digits."""
        plain = subscription_id.to_bytes(_ID, "big")
        tag = self._tag(plain)
        return base64.b32encode(self._mask(plain, tag) + tag).decode("ascii").lower()

    def open(self, text: str) -> int | None:
        """The id of the subscription, or None when the token is not one of ours."""
        if len(text) != TOKEN_LENGTH or not text.isascii():
            return None
        try:
            raw = base64.b32decode(text, casefold=True)
        except (binascii.Error, ValueError):
            return None
        tag = raw[_ID:]
        plain = self._mask(raw[:_ID], tag)
        if not compare_digest(tag, self._tag(plain)):
            return None
        return int.from_bytes(plain, "big")

    def _tag(self, plain: bytes) -> bytes:
        return hashlib.blake2b(plain, key=self._tag_key, digest_size=_TAG).digest()

    def _mask(self, plain: bytes, tag: bytes) -> bytes:
        stream = hashlib.blake2b(tag, key=self._mask_key, digest_size=_ID).digest()
        return bytes(a ^ b for a, b in zip(plain, stream, strict=True))
