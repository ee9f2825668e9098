"""Which hosts take the mail of a domain: the smarthost's, or those of its MX records.

An MX record is a stranger's word: one that points at loopback or a private network would make us
talk to our own machines, so such addresses are not dialled, unless `[dns] servers` names resolvers
that the operator runs himself.
"""

import asyncio
import ipaddress
import random
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from listserv_py.errors import Permanent, Transient
from listserv_py.resolver import Exchange, Resolver, is_address
from listserv_py.units import HostPort

Address = tuple[socket.AddressFamily, str]

_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")


@dataclass(frozen=True, slots=True)
class Host:
    """One machine to dial, with all its addresses."""

    name: str
    port: int
    addresses: tuple[Address, ...]

    @property
    def is_loopback(self) -> bool:
        """Whether a connection to it stays on this machine."""
        return all(ipaddress.ip_address(address).is_loopback for _, address in self.addresses)

    def __str__(self) -> str:
        return f"[{self.name}]:{self.port}" if ":" in self.name else f"{self.name}:{self.port}"


class Router:
    """Finds the hosts of a lane: `lane_of` names it, `hosts` says whom to dial, best first."""

    def __init__(self, resolver: Resolver, relay: HostPort | None, port: int) -> None:
        self._resolver, self._relay, self._port = resolver, relay, port

    @property
    def has_relay(self) -> bool:
        """Whether all mail goes to a smarthost."""
        return self._relay is not None

    def lane_of(self, domain: str) -> str:
        """The name under which the hosts of a domain succeed and fail together."""
        return str(self._relay) if self._relay is not None else domain

    async def hosts(self, lane: str) -> tuple[Host, ...]:
        """Whom to dial; Permanent when nobody ever will take this domain's mail."""
        if self._relay is not None:
            return (await self._smarthost(self._relay),)
        if lane.startswith("["):
            return (self._literal(lane),)
        found = []
        doubt: Transient | None = None
        for exchange in shuffled(await self._resolver.exchanges(lane)):
            try:
                addresses = await self._resolver.addresses(exchange.name)
            except Transient as exc:
                doubt = exc
                continue
            except Permanent:
                continue
            allowed = tuple((family_of(one), one) for one in addresses if self._may_dial(one))
            if allowed:
                found.append(Host(exchange.name, self._port, allowed))
        if found:
            return tuple(found)
        raise doubt or Permanent(f"5.4.4 {lane} names no host that can be dialled")

    async def _smarthost(self, relay: HostPort) -> Host:
        if self._resolver.is_configured or is_address(relay.host):
            addresses = await self._resolver.addresses(relay.host)
            return Host(relay.host, relay.port, tuple((family_of(one), one) for one in addresses))
        loop = asyncio.get_running_loop()
        try:
            infos = await loop.getaddrinfo(relay.host, relay.port, type=socket.SOCK_STREAM)
        except OSError as exc:
            raise Transient(f"4.4.3 {relay.host}: {exc.strerror or exc}") from exc
        return Host(relay.host, relay.port, tuple((info[0], str(info[4][0])) for info in infos))

    def _literal(self, lane: str) -> Host:
        address = lane.strip("[]").removeprefix("ipv6:").removeprefix("IPv6:")
        if not is_address(address) or not self._may_dial(address):
            raise Permanent(f"5.4.4 {lane} is not dialled")
        return Host(address, self._port, ((family_of(address), address),))

    def _may_dial(self, address: str) -> bool:
        return self._resolver.is_configured or is_public(address)


def shuffled(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """By preference; those of one preference share the load (RFC 5321 5.1)."""
    found: list[Exchange] = []
    for _, equals in groupby(exchanges, key=lambda exchange: exchange.preference):
        mixed = list(equals)
        random.shuffle(mixed)
        found += mixed
    return found


def is_public(address: str) -> bool:
    """Whether it is nobody's own, nor is the IPv4 address that it leads to."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        if found.is_site_local:
            return False
        if found in _NAT64:
            found = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        elif found.sixtofour is not None:
            # Older Pythons (3.11.2) call all of 2002::/16 private, newer ones global.
            found = found.sixtofour
    return found.is_global and not found.is_multicast


def family_of(address: str) -> socket.AddressFamily:
    """The socket family of an IP address."""
    version = ipaddress.ip_address(address).version
    return socket.AF_INET6 if version == 6 else socket.AF_INET
