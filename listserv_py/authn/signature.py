"""A DKIM-Signature field as we read it, before anybody has verified it (RFC 6376 3.5).

A field that is too long, or that does not say plainly whose it is, is no signature here: dkimpy's
patterns take quadratic time on long runs of blanks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from dkim.util import InvalidTagValueList, parse_tag_value

from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message

FIELD_MAX = 4096
LOOKED_AT = 5

_NAME = re.compile(r"[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*", re.ASCII)
_NAME_MAX = 253


@dataclass(frozen=True, slots=True)
class Signature:
    """What a signature claims; `index` counts the mail's DKIM-Signature fields top down.

    `domain` and `selector` are lower case, `covered` the names in `h=`; `identity` is the domain
    in `i=`. `is_partial`: it has an `l=`, so that anything may stand behind what was signed.
    """

    index: int
    domain: str
    selector: str
    algorithm: str
    identity: str
    covered: frozenset[str]
    is_body_relaxed: bool
    is_partial: bool

    @property
    def key_name(self) -> str:
        """Where its key stands in the DNS (RFC 6376 3.6.2.1)."""
        return f"{self.selector}._domainkey.{self.domain}"


def signatures(message: Message) -> tuple[Signature | None, ...]:
    """The topmost signatures, at most five; None stands for one that cannot be read."""
    found = message.all("dkim-signature")[:LOOKED_AT]
    return tuple(read_signature(index, field) for index, field in enumerate(found))


def read_signature(index: int, field: Field) -> Signature | None:
    """What a field claims, None when it cannot be read; ARC's two signatures are alike."""
    if len(field.raw) > FIELD_MAX or not field.is_strict:
        return None
    try:
        tags = parse_tag_value(field.raw.partition(b":")[2])
        said = {name.decode("ascii"): value.decode("ascii") for name, value in tags.items()}
    except (InvalidTagValueList, UnicodeDecodeError, IndexError):
        return None
    domain, selector = said.get("d", "").lower(), said.get("s", "").lower()
    if not _NAME.fullmatch(domain) or not _NAME.fullmatch(selector):
        return None
    if len(f"{selector}._domainkey.{domain}") > _NAME_MAX:
        return None
    return Signature(
        index=index,
        domain=domain,
        selector=selector,
        algorithm=said.get("a", ""),
        identity=said.get("i", f"@{domain}").rpartition("@")[2].lower(),
        covered=frozenset(name.strip().lower() for name in said.get("h", "").split(":")),
        is_body_relaxed=said.get("c", "").partition("/")[2].strip() == "relaxed",
        is_partial="l" in said,
    )
