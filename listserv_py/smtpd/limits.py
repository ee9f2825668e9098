"""What the door allows, and the count of who is inside.

One Census serves all listeners. Hosts of our own machine are counted in all, never per host: behind
them stands our own MTA, which speaks for everybody.
"""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from listserv_py.config import Settings
from listserv_py.smtpd import replies
from listserv_py.smtpd.replies import SmtpReply


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """The door's part of the configuration, and the figures that nobody needs to set."""

    domain: str
    message_size: int = 10_000_000
    connections: int = 1000
    connections_per_host: int = 20
    tls: ssl.SSLContext | None = None
    connections_per_minute: int = 300
    recipients: int = 1000
    hops: int = 100
    junk: int = 100
    idle: float = 300.0
    """Seconds to wait for a command (RFC 5321 4.5.3.2.7)."""
    read: float = 60.0
    """Seconds to wait for more of a mail; also the time before its average rate counts."""
    data_rate: int = 500
    session: float = 1200.0
    commit: float = 540.0
    """Seconds to wait for the disk; a client waits ten minutes for us (RFC 5321 4.5.3.2.6)."""
    linger: float = 5.0
    octets: int = 64_000_000
    """How much mail may be in memory at once, in all sessions."""


def door_settings(settings: Settings) -> DoorSettings:
    """The door's settings; reads the certificate (HOUSE checked that it can be read)."""
    limits = settings.limits
    return DoorSettings(
        domain=settings.site.domain,
        message_size=limits.message_size,
        connections=limits.connections,
        connections_per_host=limits.connections_per_host,
        tls=_tls(settings),
        octets=max(64_000_000, 4 * limits.message_size),
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.tls.certificate is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    context.load_cert_chain(settings.tls.certificate, settings.tls.key)
    return context


class Census:
    """How many connections there are, from where, and how much mail they hold in memory.

    `turned_away`: so many were sent off since the start.
    """

    def __init__(self, settings: DoorSettings) -> None:
        self.settings = settings
        self.octets = 0
        self.empty = asyncio.Event()
        self.empty.set()
        self.live = 0
        self.turned_away = 0
        self._hosts: Counter[str] = Counter()
        self._minute = -1
        self._came: Counter[str] = Counter()

    def enter(self, client: str, now: float) -> SmtpReply | None:
        """Count a connection in; or a farewell, when there is no place for it."""
        farewell = self._farewell(host_key(client), now)
        if farewell is not None:
            self.turned_away += 1
            return farewell
        self.live += 1
        self.empty.clear()
        return None

    def _farewell(self, host: str | None, now: float) -> SmtpReply | None:
        settings = self.settings
        if self.live >= settings.connections:
            return replies.TOO_BUSY
        if host is not None:
            if self._minute != int(now // 60):
                self._minute = int(now // 60)
                self._came.clear()
            self._came[host] += 1
            if self._came[host] > settings.connections_per_minute:
                return replies.TOO_MANY_FROM_YOU
            if self._hosts[host] >= settings.connections_per_host:
                return replies.TOO_MANY_FROM_YOU
            self._hosts[host] += 1
        return None

    def leave(self, client: str) -> None:
        """Count a connection out."""
        host = host_key(client)
        if host is not None:
            self._hosts[host] -= 1
            if not self._hosts[host]:
                del self._hosts[host]
        self.live -= 1
        if not self.live:
            self.empty.set()

    def is_full(self, client: str, more: int = 0) -> bool:
        """Whether `more` mail does not fit into memory; a quarter is kept for our own MTA."""
        most = self.settings.octets
        return self.octets + more >= (most if host_key(client) is None else most * 3 // 4)


@lru_cache(maxsize=4096)
def host_key(client: str) -> str | None:
    """What one customer of the network has to himself: an IPv4 address, an IPv6 /64; None is us."""
    if not client:
        return None
    address: IPv4Address | IPv6Address = ip_address(client)
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    if address.is_loopback:
        return None
    if isinstance(address, IPv6Address):
        return str(ip_network((address, 64), strict=False))
    return str(address)
