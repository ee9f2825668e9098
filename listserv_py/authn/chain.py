"""The ARC chain that a mail came with (RFC 8617 5.2): how long it is, and whether it holds.

Only asked where we are to add a link of our own. Keys are fetched first, all at once; dkimpy does
the rest. What cannot be told is as good as broken: then nothing is added.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import dkim

from listserv_py.authn.keys import KEY_BITS_MIN, is_usable
from listserv_py.authn.signature import Signature, read_signature
from listserv_py.errors import Transient
from listserv_py.mail.message import Message
from listserv_py.mail.relaxed import compressed
from listserv_py.resolver import Resolver

SETS_MAX = 10
NAMES = ("arc-seal", "arc-message-signature", "arc-authentication-results")


def sets_of(message: Message) -> int | None:
    """How many sets there are; None when they are too many, or not all whole."""
    counts = {len(message.all(name)) for name in NAMES}
    many = max(counts)
    return many if len(counts) == 1 and many <= SETS_MAX else None


async def holds(
    message: Message, resolver: Resolver, own_domain: str, at_once: asyncio.Semaphore
) -> bool:
    """Whether a chain of at least one set verifies; one with a link of ours comes round again."""
    links = [
        read_signature(index, one)
        for name in NAMES[:2]
        for index, one in enumerate(message.all(name))
    ]
    sound = [one for one in links if one is not None and one.domain != own_domain]
    if len(sound) != len(links):
        return False
    try:
        keys = await asyncio.gather(*(_key(resolver, one) for one in sound))
    except Transient:
        return False
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
