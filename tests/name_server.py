"""A DNS server on loopback whose zone is a dictionary; other names do not exist."""

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import dns.rrset


@dataclass
class NameServer(asyncio.DatagramProtocol):
    """`zone[name, type]` is a list of records, or "SERVFAIL", or "MUTE"."""

    zone: dict[tuple[str, str], list[str] | str]
    asked: list[tuple[str, str]] = field(default_factory=list)
    port: int = 0
    timeout: str = ""
    unanswered: list[tuple[bytes, tuple[str, int]]] = field(default_factory=list)

    @asynccontextmanager
    async def listening(self) -> Any:
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(
            lambda: self, local_addr=("127.0.0.1", 0)
        )
        self.port = transport.get_extra_info("sockname")[1]
        try:
            yield self
        finally:
            transport.close()

    @property
    def table(self) -> dict[str, Any]:
        """The [dns] table that asks here; where some are mute, nobody is waited for long."""
        timeout = self.timeout or ("0.4s" if "MUTE" in self.zone.values() else "20s")
        return {"servers": [f"127.0.0.1:{self.port}"], "timeout": timeout}

    def speak(self) -> None:
        """Say SERVFAIL to those who were not answered."""
        for answer, peer in self.unanswered:
            self._transport.sendto(answer, peer)  # type: ignore[attr-defined]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
        query = dns.message.from_wire(data)
        question = query.question[0]
        name = question.name.to_text(omit_final_dot=True).lower()
        kind = dns.rdatatype.to_text(question.rdtype)
        self.asked.append((name, kind))
        found = self.zone.get((name, kind))
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        if found in ("MUTE", "SERVFAIL"):
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif isinstance(found, list) and found:
            answer.answer.append(dns.rrset.from_text(question.name, 60, "IN", kind, *found))
        elif not any(known == name for known, _ in self.zone):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        if found == "MUTE":
            self.unanswered.append((answer.to_wire(), peer))
            return
        self._transport.sendto(answer.to_wire(), peer)  # type: ignore[attr-defined]
