"""A domain's DMARC policy, found by the DNS tree walk (RFC 9989 4.10).

Where the DNS does not answer, the policy is unknown, and counts as one that refuses: a From that
was rewritten for nothing is read all the same, a copy that every strict host refuses is not.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from weakref import WeakValueDictionary

from listserv_py.authn.rules import is_above
from listserv_py.errors import Transient
from listserv_py.maillog import get_logger
from listserv_py.resolver import Resolver

log = get_logger("authn")

LABELS_MAX = 8
RECORD_MAX = 4096
KEPT = 4096
GOOD_FOR = 900.0
"""Seconds for which an answer is believed; the DNS itself is asked again no sooner than it says."""
UNKNOWN_FOR = 60.0
STALE_FOR = 86400.0
"""Seconds for which an older answer stands in while the DNS does not give another."""

_VERSION = re.compile(rb"[vV][ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


class Policy(StrEnum):
    """What a domain wants done with mail that cannot be shown to be its own."""

    NONE = "none"
    QUARANTINE = "quarantine"
    REJECT = "reject"


@dataclass(frozen=True, slots=True)
class Record:
    """A policy record (RFC 9989 4.7); `psd` is `y`, `n` or `u`.

    `pct` is of the past, and `t=y` asks receivers for a step less but others to act as if it were
    in force; who reads records in the older way does not know it. Both leave the policy as it is.
    """

    policy: Policy
    subdomains: Policy
    missing: Policy
    strict: bool
    psd: str


@dataclass(frozen=True, slots=True)
class Standing:
    """A domain's policy, None when nobody could tell; the same of its organisational domain."""

    domain: str
    policy: Policy | None
    strict: bool
    organisation: str | None

    @property
    def is_whole(self) -> bool:
        """Whether the DNS has answered all that was asked."""
        return self.policy is not None and self.organisation is not None

    @property
    def demands(self) -> bool:
        """Whether what cannot be shown to be the domain's own may be refused."""
        return self.policy is not Policy.NONE

    def is_kin(self, other: Standing) -> bool:
        """Whether both are one organisation's; by their names alone where the DNS was silent."""
        if self.domain == other.domain:
            return True
        if self.organisation is None or other.organisation is None:
            return _are_in_line(self.domain, other.domain)
        return self.organisation == other.organisation

    def may_align(self, name: str) -> bool:
        """Whether a signature by `name` can count at all; without a question to the DNS."""
        top = self.organisation
        if self.strict or top is None:
            return name == self.domain or (not self.strict and _are_in_line(name, self.domain))
        return name == top or name.endswith(f".{top}")

    def is_aligned(self, other: Standing) -> bool:
        """Whether a signature by `other` counts as this domain's (RFC 9989 4.4)."""
        return self.domain == other.domain or (not self.strict and self.is_kin(other))


def _are_in_line(one: str, other: str) -> bool:
    return is_above(one, other) or is_above(other, one)


def walked(domain: str) -> tuple[str, ...]:
    """The names whose records the tree walk asks for, longest first (RFC 9989 4.10)."""
    labels = domain.split(".")
    # A name of more labels than eight goes on with its last seven: never more than eight questions.
    start = 1 if len(labels) <= LABELS_MAX else len(labels) - LABELS_MAX + 1
    return (domain, *(".".join(labels[at:]) for at in range(start, len(labels))))


def read_record(texts: Sequence[bytes]) -> Record | None:
    """The one policy record among the TXT records of a name; two are as good as none."""
    found = [one for one in texts if _VERSION.match(one) and len(one) <= RECORD_MAX]
    return _read(found[0].decode("utf-8", "replace")) if len(found) == 1 else None


def _read(text: str) -> Record:
    tags: dict[str, str] = {}
    for pair in text.split(";"):
        name, equals, value = pair.partition("=")
        if equals:
            tags.setdefault(name.strip().lower(), value.strip().lower())
    psd = tags.get("psd", "u")
    strict = tags.get("adkim", "r") == "s"
    try:
        policy = Policy(tags.get("p", Policy.NONE))
        below = Policy(tags.get("sp", policy))
        missing = Policy(tags.get("np", below))
    except ValueError:  # RFC 9989 4.10.1: what cannot be read asks for reports at most
        policy = below = missing = Policy.NONE
    return Record(policy, below, missing, strict, psd)


Records = Mapping[str, Record | None]
"""What stands at each name; a name that is not there could not be asked for."""


def organisation(domain: str, records: Records) -> str | None:
    """The organisational domain (RFC 9989 4.10.2), None when an answer is missing for it."""
    found = domain
    for name in walked(domain):
        if name not in records:
            return None
        record = records[name]
        if record is None:
            continue
        if record.psd == "y" and name != domain:
            return ".".join(domain.split(".")[-len(name.split(".")) - 1 :])
        found = name
        if record.psd in ("y", "n"):
            break
    return found


def applicable(domain: str, records: Records) -> Record | None:
    """The record that holds for a domain: its own, its organisation's, its public suffix's."""
    own = records.get(domain)
    if own is not None:
        return own
    organised = organisation(domain, records)
    if organised is None:
        return None
    record = records.get(organised)
    if record is None:  # the walk ended at a public suffix, which speaks for all below
        suffix = organised.partition(".")[2]
        record = records.get(suffix)
        record = record if record is not None and record.psd == "y" else None
    return record


@dataclass(frozen=True, slots=True)
class Known:
    """A standing, when the DNS gave it, and until when nobody is asked again."""

    standing: Standing
    learned: float
    until: float


class Policies:
    """Looks policies up and remembers them, the ones asked for last; `limit`: seconds for one."""

    def __init__(
        self, resolver: Resolver, limit: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._resolver = resolver
        self._limit = limit
        self._clock = clock
        self._kept: OrderedDict[str, Known] = OrderedDict()
        self._asking: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def apply(self, limit: float) -> None:
        """Take so long for one from now on."""
        self._limit = limit

    def known(self, domain: str) -> Standing | None:
        """What was found lately, None when it must be looked up."""
        kept = self._kept.get(domain)
        return kept.standing if kept and kept.until > self._clock() else None

    async def of(self, domain: str) -> Standing:
        """A domain's standing; never fails, and takes no longer than the limit."""
        # Fifty mails at once from one domain ask once.
        lock = self._asking.setdefault(domain, asyncio.Lock())
        async with lock:
            return self.known(domain) or await self._ask(domain)

    async def _ask(self, domain: str) -> Standing:
        try:
            async with asyncio.timeout(self._limit):
                found = await self._look(domain)
        except TimeoutError:
            found = unknown(domain)
        now = self._clock()
        if found.is_whole:
            return self._keep(Known(found, now, now + GOOD_FOR))
        log.info("authn.dmarc_unknown", domain=domain)
        older = self._kept.get(domain)
        if older and older.standing.is_whole and older.learned + STALE_FOR > now:
            return self._keep(Known(older.standing, older.learned, now + UNKNOWN_FOR))
        return self._keep(Known(found, now, now + UNKNOWN_FOR))

    def _keep(self, known: Known) -> Standing:
        self._kept[known.standing.domain] = known
        self._kept.move_to_end(known.standing.domain)
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return known.standing

    async def _look(self, domain: str) -> Standing:
        names = walked(domain)
        answers = await asyncio.gather(*map(self._record, names))
        records = {
            name: record for name, (asked, record) in zip(names, answers, strict=True) if asked
        }
        record = applicable(domain, records)
        whole = organisation(domain, records)
        if record is None and (domain not in records or whole is None):
            return unknown(domain)
        policy = await self._policy(domain, record, own=records.get(domain) is not None)
        return Standing(domain, policy, record is not None and record.strict, whole)

    async def _record(self, name: str) -> tuple[bool, Record | None]:
        """Whether the DNS has answered, and the record that it gave."""
        try:
            return True, read_record(await self._resolver.texts(f"_dmarc.{name}"))
        except Transient:
            return False, None

    async def _policy(self, domain: str, record: Record | None, *, own: bool) -> Policy | None:
        if record is None:
            return Policy.NONE
        if own:
            return record.policy
        if record.subdomains is record.missing:
            return record.subdomains
        try:
            exists = await self._resolver.exists(domain)
        except Transient:
            return None
        return record.subdomains if exists else record.missing


def unknown(domain: str) -> Standing:
    """A domain about which the DNS has not answered."""
    return Standing(domain, None, strict=False, organisation=None)
