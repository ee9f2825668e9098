"""Whether a signature that has verified still does, after we have changed the mail (RFC 6376).

No key is asked for: what a signature covers of the header is the same as when it verified, and the
body has the hash that it names. A signature stands here as a digest, its seal, made of the fields
that it covers and of its own.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Sequence

from dkim.canonicalization import CanonicalizationPolicy
from dkim.util import InvalidTagValueList, parse_tag_value

from listserv_py.mail.fields import Field
from listserv_py.mail.relaxed import compressed

FIELD_MAX = 4096
LOOKED_AT = 5
"""How many signatures of a mail are looked at, the topmost first."""

_SIMPLE = b"simple"


def seal_of(fields: Sequence[Field], signature: Field) -> str:
    """What the signature covers of these fields and says itself; "" when it cannot be read."""
    tags = _tags(signature)
    if b"h" not in tags:
        return ""
    simple = _canon(tags)[0] == _SIMPLE
    lowest_last: dict[bytes, list[Field]] = {}
    for one in fields:
        lowest_last.setdefault(one.name.encode("ascii"), []).append(one)
    digest = hashlib.sha256()
    for name in tags[b"h"].lower().split(b":"):
        # RFC 6376 5.4.2: the lowest first; one that is missing says that there is none.
        found = lowest_last.get(name.strip())
        if found:
            digest.update(_covered(found.pop(), simple=simple))
    digest.update(signature.raw)
    return digest.hexdigest()


def is_sealed(
    fields: Sequence[Field], body: bytes, seals: Collection[str], added: Sequence[Field] = ()
) -> bool:
    """Whether one of these signatures verifies for this header, with `added` on top, and body."""
    found = [one for one in fields if one.name == "dkim-signature"][:LOOKED_AT]
    kept = (
        one
        for one in found
        if len(one.raw) <= FIELD_MAX and seal_of((*added, *fields), one) in seals
    )
    return any(_fits(body, _tags(one)) for one in kept)


def _covered(one: Field, *, simple: bool) -> bytes:
    if simple:
        return one.raw
    name, _, value = one.raw.partition(b":")
    return name.strip().lower() + b":" + b" ".join(value.split()) + b"\n"


def _fits(body: bytes, tags: dict[bytes, bytes]) -> bool:
    """Whether the body has the hash that the signature names."""
    if _canon(tags)[1] != _SIMPLE:
        body = compressed(body)
    canonical: bytes = CanonicalizationPolicy.from_c_value(
        b"/".join(_canon(tags))
    ).canonicalize_body(body)
    length = tags.get(b"l", b"").strip()
    if length.isdigit():
        canonical = canonical[: int(length[:12])]
    digest = base64.b64encode(hashlib.sha256(canonical).digest())
    return digest == b"".join(tags.get(b"bh", b"").split())


def _canon(tags: dict[bytes, bytes]) -> tuple[bytes, bytes]:
    header, _, body = tags.get(b"c", _SIMPLE).lower().partition(b"/")
    return header.strip(), body.strip() or _SIMPLE


def _tags(signature: Field) -> dict[bytes, bytes]:
    try:
        return dict(parse_tag_value(signature.raw.partition(b":")[2]))
    except (InvalidTagValueList, IndexError):
        return {}
