"""Our ARC set on copies in which no signature of the author's holds any more (RFC 8617).

It tells the reader's host what we had verified before we changed the post. Made once a variant,
below our own signature; `t=` comes from the mailing, so that a copy made again is the same.
"""

from __future__ import annotations

import base64
import hashlib
import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, replace

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from listserv_py.config import Settings
from listserv_py.delivery.render import Variant
from listserv_py.delivery.sign import load
from listserv_py.mail.fields import Field, field, read_header
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.relaxed import relaxed_body

COVERED = frozenset(
    (
        *("from", "reply-to", "sender", "subject", "date", "to", "cc", "message-id"),
        *("in-reply-to", "references", "mime-version", "content-type"),
        *("content-transfer-encoding", "list-id", "list-post", "list-help", "list-unsubscribe"),
    )
)
_SETS = ("arc-authentication-results", "arc-message-signature", "arc-seal")
_INSTANCE = re.compile(rb"(?:^|;)[ \t]*i[ \t]*=[ \t]*(\d{1,3})[ \t]*;")
_WIDTH = 74


@dataclass(frozen=True, slots=True)
class Sealer:
    """The key that we seal with, and the name it is published under."""

    domain: str
    selector: str
    key: rsa.RSAPrivateKey

    def sealed(self, variant: Variant, facts: ListFacts) -> Variant:
        """The variant with our set on top; as it is where the author's own signature holds."""
        if not facts.arc or not facts.signed or variant.genuine:
            return variant
        fields = read_header(variant.head, room=3).fields
        earlier = _chain(fields)
        if not _are_there(fields, earlier, facts):
            return variant
        made = self._set(fields, earlier, variant.body, facts)
        own_at = None if variant.own_at is None else variant.own_at + len(made)
        return replace(variant, head=made + variant.head, own_at=own_at)

    def _set(
        self, fields: tuple[Field, ...], earlier: list[Field], body: bytes, facts: ListFacts
    ) -> bytes:
        number = facts.arc_sets + 1
        status = "fail" if facts.arc_fails else "pass" if earlier else "none"
        results = _field(f"{self.domain}; {facts.arc}", "ARC-Authentication-Results", number)
        canonical = relaxed_body(body)
        covered = [one for one in reversed(fields) if one.name in COVERED]
        names = " : ".join(one.name for one in covered)
        folded = "\r\n ".join(textwrap.wrap(names, _WIDTH, break_on_hyphens=False))
        message = self._signed(
            "ARC-Message-Signature",
            f"i={number}; a=rsa-sha256; c=relaxed/relaxed; d={self.domain};\r\n"
            f" s={self.selector}; t={facts.stamp};\r\n h={folded};\r\n"
            f" bh={base64.b64encode(hashlib.sha256(canonical).digest()).decode('ascii')};\r\n b=",
            covered,
        )
        seal = self._signed(
            "ARC-Seal",
            f"i={number}; a=rsa-sha256; cv={status}; t={facts.stamp};\r\n"
            f" d={self.domain}; s={self.selector};\r\n b=",
            # RFC 8617 5.1.2: who finds a chain broken seals his own set alone.
            (*(() if facts.arc_fails else earlier), results, message),
        )
        return seal.raw + message.raw + results.raw

    def _signed(self, name: str, value: str, covered: Iterable[Field]) -> Field:
        """The field whose value ends in `b=`, with the signature over the others and itself."""
        unsigned = f"{name}: {value}".encode("ascii")
        text = b"".join(map(_canonical, covered)) + _relaxed(unsigned)
        signature = self.key.sign(text, padding.PKCS1v15(), hashes.SHA256())
        lines = textwrap.wrap(base64.b64encode(signature).decode("ascii"), _WIDTH)
        return _read(unsigned + "\r\n ".join(lines).encode("ascii") + b"\r\n")


def load_sealer(settings: Settings) -> Sealer | None:
    """The sealer, None where the site seals nothing or has no key."""
    arc, dkim, domain = settings.arc, settings.dkim, settings.site.domain
    if not arc.seal:
        return None
    own = {"selector": arc.selector or dkim.selector, "key_file": arc.key_file or dkim.key_file}
    for signer in load(domain, dkim.model_copy(update={**own, "ed25519_key_file": None})):
        if isinstance(signer.key, rsa.RSAPrivateKey):
            return Sealer(domain, signer.selector, signer.key)
    return None


def _are_there(fields: Iterable[Field], earlier: list[Field], facts: ListFacts) -> bool:
    """Whether a copy still has the sets that ours is about; short headers leave them out."""
    if facts.arc_fails:
        return any(one.name in _SETS for one in fields)
    return len(earlier) == len(_SETS) * facts.arc_sets


def _chain(fields: Iterable[Field]) -> list[Field]:
    """The sets that the copy has, the oldest first, each in the order in which they are sealed."""
    found = []
    for one in fields:
        instance = _INSTANCE.search(one.value) if one.name in _SETS else None
        if instance is not None:
            found.append((int(instance[1]), _SETS.index(one.name), one))
    return [one for _, _, one in sorted(found, key=lambda known: known[:2])]


def _field(value: str, name: str, number: int) -> Field:
    folded = value.replace("; ", ";\r\n ")
    return _read(f"{name}: i={number}; {folded}\r\n".encode("ascii"))


def _read(raw: bytes) -> Field:
    made = field(raw)
    assert made is not None  # noqa: S101 - its name stands above
    return made


def _canonical(one: Field) -> bytes:
    return _relaxed(one.raw) + b"\r\n"


def _relaxed(raw: bytes) -> bytes:
    """A field in its relaxed form without the line end (RFC 6376 3.4.2)."""
    name, _, value = raw.partition(b":")
    return name.strip().lower() + b":" + b" ".join(value.split())
