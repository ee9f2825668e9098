"""The one DNS resolver: MX, A/AAAA and TXT look-ups, cached, each with a time limit.

"There is no such name" (Permanent) and "nobody answered" (Transient) are never mixed up: mail waits
out a broken name server, and bounces at once from a name that does not exist.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

import dns.asyncresolver
import dns.exception
import dns.name
import dns.nameserver
import dns.rdatatype
import dns.resolver
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.ANY.TXT import TXT

from listserv_py.config import Dns
from listserv_py.errors import Permanent, Transient

MX_MAX = 10
CACHE = 10_000


@dataclass(frozen=True, slots=True)
class Exchange:
    """One host that takes a domain's mail."""

    preference: int
    name: str


class Resolver:
    """Asks the servers of the settings, or the system's when they name none."""

    def __init__(self, settings: Dns) -> None:
        self.apply(settings)

    def apply(self, settings: Dns) -> None:
        """Ask as the settings say from now on; what was asked before is forgotten."""
        servers, timeout = settings.servers, settings.timeout.total_seconds()
        try:
            self._resolver = dns.asyncresolver.Resolver(configure=not servers)
        except dns.resolver.NoResolverConfiguration:
            # A machine without DNS may well have a smarthost.
            self._resolver = dns.asyncresolver.Resolver(configure=False)
        if servers:
            self._resolver.nameservers = [
                dns.nameserver.Do53Nameserver(server.host, server.port) for server in servers
            ]
        self._resolver.cache = dns.resolver.LRUCache(CACHE)
        self._resolver.lifetime = timeout
        self._resolver.timeout = max(timeout / 3, 0.1)
        self.is_configured = bool(servers)

    async def exchanges(self, domain: str) -> tuple[Exchange, ...]:
        """Who takes mail for a domain, best first, at most ten; without MX the domain itself.

        Permanent: no such domain, or it says that it takes no mail (RFC 7505).
        """
        answer = await self._ask(domain, "MX")
        records = [record for record in answer if isinstance(record, MX)]
        if not records:
            return (Exchange(0, domain),)
        found = sorted((record.preference, _text(record.exchange)) for record in records)
        if any(name == "" for _, name in found):
            raise Permanent(f"5.1.10 {domain} takes no mail")
        return tuple(Exchange(preference, name) for preference, name in found[:MX_MAX])

    async def addresses(self, host: str) -> tuple[str, ...]:
        """The IP addresses of a host, IPv6 first; an address is its own answer."""
        if is_address(host):
            return (host,)
        found: list[str] = []
        unsure: Transient | None = None
        for kind in ("AAAA", "A"):
            try:
                found += [str(record) for record in await self._ask(host, kind)]
            except Transient as exc:
                unsure = exc
        if not found and unsure is not None:
            raise unsure
        if not found:
            raise Permanent(f"5.1.2 {host} has no address")
        return tuple(found)

    async def exists(self, name: str) -> bool:
        """Whether a name has an address or takes mail (RFC 9989 3.2.13)."""
        for kind in ("MX", "A", "AAAA"):
            try:
                if await self._ask(name, kind):
                    return True
            except Permanent:
                return False
        return False

    async def texts(self, name: str) -> tuple[bytes, ...]:
        """The TXT records of a name, each put together; empty when there are none."""
        try:
            answer = await self._ask(name, "TXT")
        except Permanent:
            return ()
        return tuple(b"".join(record.strings) for record in answer if isinstance(record, TXT))

    async def _ask(self, name: str, kind: str) -> list[dns.rdata.Rdata]:
        """The records; empty: the name is there, but has none of that kind."""
        try:
            absolute = dns.name.from_text(name).canonicalize()
            answer = await self._resolver.resolve(
                absolute, kind, raise_on_no_answer=False, search=False
            )
        except dns.resolver.NXDOMAIN as exc:
            raise Permanent(f"5.1.2 {name} does not exist") from exc
        except (dns.name.BadEscape, dns.name.LabelTooLong, dns.name.NameTooLong) as exc:
            raise Permanent(f"5.1.2 {name} is no domain") from exc
        except (dns.exception.DNSException, OSError, EOFError) as exc:
            raise Transient(f"4.4.3 no answer from the DNS about {name}") from exc
        return list(answer.rrset or ())


def is_address(text: str) -> bool:
    """Whether this is an IP address, not a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _text(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).rstrip(".").lower()
