"""The ARC chain that a mail came with (RFC 8617 5.2): how long it is, and whether it holds.

Only asked where we are to add a link of our own. Keys are fetched first, all at once; dkimpy does
the rest. A chain that is broken for certain is marked as such by our link; where nobody can tell,
because the DNS is silent or the chain is too long for us, nothing is added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import dkim
from dkim.util import InvalidTagValueList, parse_tag_value

from listserv_py.authn.keys import KEY_BITS_MIN, is_usable
from listserv_py.authn.signature import FIELD_MAX, Signature, read_signature
from listserv_py.errors import Transient
from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message
from listserv_py.mail.relaxed import compressed
from listserv_py.resolver import Resolver

SETS_MAX = 10
"""Longer chains are not looked at; RFC 8617 4.2.1 ends them at fifty."""
NAMES = ("arc-seal", "arc-message-signature", "arc-authentication-results")


class Status(StrEnum):
    """What `cv=` of our link has to say (RFC 8617 4.4)."""

    NONE = "none"
    PASS = "pass"  # noqa: S105 - a word of RFC 8617, no password
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Chain:
    """`last`: the highest instance there is, 0 for none."""

    last: int
    status: Status


async def chain_of(
    message: Message, resolver: Resolver, own_domain: str, at_once: asyncio.Semaphore
) -> Chain | None:
    """The chain; None when nothing may be added to it, or when a link of ours comes round again."""
    found = {name: message.all(name) for name in NAMES}
    instances = {name: [_instance(one) for one in fields] for name, fields in found.items()}
    last = max((one for each in instances.values() for one in each), default=0)
    if max(map(len, found.values())) > SETS_MAX or last > SETS_MAX or _has_ended(found, last):
        return None
    if not any(found.values()):
        return Chain(0, Status.NONE)
    links = [
        read_signature(index, one) for name in NAMES[:2] for index, one in enumerate(found[name])
    ]
    if any(one is not None and one.domain == own_domain for one in links):
        return None  # our copies go without it, and so without a whole chain
    holds: bool | None = False
    if all(sorted(each) == list(range(1, last + 1)) for each in instances.values()):
        holds = await _holds(message, links, resolver, at_once)
    return None if holds is None else Chain(last, Status.PASS if holds else Status.FAIL)


def _tags(one: Field) -> Mapping[bytes, bytes]:
    """What a field says by tags; of results only the first is one."""
    value = one.raw.partition(b":")[2]
    if one.name == NAMES[2]:
        value = value.partition(b";")[0]
    try:
        return dict(parse_tag_value(value)) if len(value) <= FIELD_MAX else {}
    except (InvalidTagValueList, IndexError):
        return {}


def _instance(one: Field) -> int:
    """The instance of a field, 0 when it cannot be read."""
    said = _tags(one).get(b"i", b"").strip()
    return int(said) if said.isdigit() and len(said) < len("1000") else 0


def _has_ended(found: Mapping[str, tuple[Field, ...]], last: int) -> bool:
    """Whether the last link says that the chain is broken: RFC 8617 5.1 adds nothing to it."""
    seals = [_tags(one) for one in found[NAMES[0]] if _instance(one) == last]
    return any(tags.get(b"cv", b"").strip().lower() == b"fail" for tags in seals)


async def _holds(
    message: Message,
    links: Sequence[Signature | None],
    resolver: Resolver,
    at_once: asyncio.Semaphore,
) -> bool | None:
    """Whether a chain that is whole verifies; None when its keys cannot be asked for."""
    sound = [one for one in links if one is not None]
    if len(sound) != len(links):
        return False
    try:
        keys = await asyncio.gather(*(_key(resolver, one) for one in sound))
    except Transient:
        return None
    found = {one.key_name: key for one, key in zip(sound, keys, strict=True)}
    if not all(keys):
        return False
    async with at_once:
        return await asyncio.to_thread(_verified, message, found)


async def _key(resolver: Resolver, link: Signature) -> bytes:
    records = await resolver.texts(link.key_name)
    return records[0] if len(records) == 1 and is_usable(records[0], link) else b""


def _verified(message: Message, keys: Mapping[str, bytes]) -> bool:
    def find(name: bytes, **_: float) -> bytes | None:
        return keys.get(name.decode("ascii", "replace").rstrip(".").lower())

    try:
        chain = dkim.ARC(message.raw[: message.header_end] + b"\r\n", minkey=KEY_BITS_MIN)
        chain.body = compressed(message.body)
        verdict, _, _ = chain.verify(dnsfunc=find)
    except Exception:  # noqa: BLE001 - on strange fields dkimpy raises whatever Python happens to
        return False
    return bool(verdict == dkim.CV_Pass)
