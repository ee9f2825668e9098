"""Verifies signatures: keys by our own resolver, the arithmetic by dkimpy, in a thread.

An outcome is a word of RFC 8601 2.7.1; a DNS that does not answer is `temperror`, never `fail`.
Keys come from strangers: what would take long to compute with is refused before it is used.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from enum import StrEnum

import dkim

from listserv_py.authn import chain
from listserv_py.authn.chain import Chain
from listserv_py.authn.dmarc import Policies
from listserv_py.authn.keys import KEY_BITS_MIN, is_usable
from listserv_py.authn.signature import Signature
from listserv_py.errors import Transient
from listserv_py.mail.message import Message
from listserv_py.mail.relaxed import compressed
from listserv_py.resolver import Resolver

THREADS = 2


class Outcome(StrEnum):
    """What became of a signature."""

    PASS = "pass"  # noqa: S105 - a word of RFC 8601, no password
    FAIL = "fail"
    TEMPERROR = "temperror"
    PERMERROR = "permerror"


class Verifier:
    """Verifies by the keys that a resolver finds; `limit`: seconds to find those of one mail.

    `policies` are what domains say of themselves, found by the same resolver.
    """

    def __init__(self, resolver: Resolver, limit: float) -> None:
        self._resolver = resolver
        self._limit = limit
        self.policies = Policies(resolver, limit)
        self._at_once = asyncio.Semaphore(THREADS)

    def apply(self, limit: float) -> None:
        """Look for so long from now on."""
        self._limit = limit
        self.policies.apply(limit)

    async def chain_of(self, message: Message, own_domain: str) -> Chain | None:
        """The ARC chain that a mail came with; None when nothing may be added to it."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limit):
                return await chain.chain_of(message, self._resolver, own_domain, self._at_once)
        return None

    async def verify(
        self, message: Message, signatures: Sequence[Signature], *, every: bool = False
    ) -> tuple[Outcome, ...]:
        """The outcome of each signature; unless `every` is wanted, up to the first that passes."""
        keys: Sequence[bytes | Outcome] = [Outcome.TEMPERROR] * len(signatures)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._limit):
                keys = await asyncio.gather(*(_key(self._resolver, one) for one in signatures))
        pairs = tuple(zip(signatures, keys, strict=True))
        async with self._at_once:
            return await asyncio.to_thread(_outcomes, message, pairs, every)


async def _key(resolver: Resolver, signature: Signature) -> bytes | Outcome:
    """The key record; what the DNS says instead is remembered as the outcome."""
    try:
        records = await resolver.texts(signature.key_name)
    except Transient:
        return Outcome.TEMPERROR
    # RFC 6376 3.6.2.2: with several records at one name, the result is undefined.
    if len(records) != 1 or not is_usable(records[0], signature):
        return Outcome.PERMERROR
    return records[0]


def _outcomes(
    message: Message, pairs: Sequence[tuple[Signature, bytes | Outcome]], every: bool
) -> tuple[Outcome, ...]:
    found: list[Outcome] = []
    relaxed: bytes | None = None
    for signature, key in pairs:
        body = message.body
        if signature.is_body_relaxed:
            body = relaxed = relaxed if relaxed is not None else compressed(body)
        found.append(key if isinstance(key, Outcome) else _outcome(message, body, signature, key))
        if found[-1] is Outcome.PASS and not every:
            break
    return tuple(found)


def _outcome(message: Message, body: bytes, signature: Signature, record: bytes) -> Outcome:
    """What dkimpy makes of it; the header is the one that we have read ourselves."""
    try:
        mail = dkim.DKIM(message.raw[: message.header_end] + b"\r\n", minkey=KEY_BITS_MIN)
        mail.body = body
        passed = mail.verify(signature.index, dnsfunc=lambda *_, **__: record)
    except dkim.ValidationError:
        return Outcome.FAIL
    except Exception:  # noqa: BLE001 - on strange fields dkimpy raises whatever Python happens to
        return Outcome.PERMERROR
    return Outcome.PASS if passed else Outcome.FAIL
