"""Opens connections to hosts: dials, greets, encrypts, logs in, all by aiosmtplib step by step.

What comes back is a Session whose transport `pipeline.py` takes over, or which `plain.py` drives
command by command. `tls = "required"` never falls back; "opportunistic" tries again in clear on a
new connection, because nothing on one whose handshake failed can be trusted (RFC 7435 4).
"""

import asyncio
import socket
import ssl
from dataclasses import dataclass
from typing import cast

import aiosmtplib

from listserv_py.delivery.form import Caps
from listserv_py.delivery.route import Host
from listserv_py.errors import Transient


@dataclass(frozen=True, slots=True)
class Timeouts:
    """RFC 5321 4.5.3.2, in seconds; `idle` is how long a connection is kept for the next mail."""

    connect: float = 30
    command: float = 300
    data: float = 120
    block: float = 180
    final: float = 600
    idle: float = 5


@dataclass(frozen=True, slots=True)
class Policy:
    """How sessions are opened: `tls` as the setting has it, the login only for a relay."""

    helo: str
    tls: str
    timeouts: Timeouts
    username: str = ""
    password: str = ""
    verify: bool = False
    """Whether `required` checks the certificate: of a relay yes, of MX hosts nobody can."""


@dataclass(frozen=True, slots=True)
class Session:
    """An open connection, past EHLO, TLS and login."""

    smtp: aiosmtplib.SMTP
    caps: Caps
    host: str

    @property
    def transport(self) -> asyncio.Transport:
        """The connection itself, for the pipeline to take over."""
        found = self.smtp.transport
        if found is None or found.is_closing():
            raise Transient(f"{self.host}: the connection was lost")
        return cast(asyncio.Transport, found)


class TurnedAway(Transient):
    """A host said itself that it does not want us now; it may have too many connections."""


class Dialer:
    """Opens sessions; one SSL context serves them all, as building one is slow."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._strict = policy.tls == "required" and policy.verify
        if self._strict:
            self._context = ssl.create_default_context()
        else:
            # Nobody's certificate is looked at, so the world's authorities need not be read.
            self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            self._context.check_hostname = False
            self._context.verify_mode = ssl.CERT_NONE
        self._broken_tls: set[str] = set()

    async def open(self, host: Host) -> Session:
        """A session with a host; Transient says why there is none."""
        if self._policy.tls == "opportunistic" and str(host) not in self._broken_tls:
            try:
                return await self._attempt(host, "opportunistic")
            except _TlsFailed:
                # Remembered, or each connection to this host would be made twice.
                if len(self._broken_tls) < 10_000:
                    self._broken_tls.add(str(host))
                return await self._attempt(host, "never")
        return await self._attempt(host, "never" if self._policy.tls != "required" else "required")

    async def _attempt(self, host: Host, tls: str) -> Session:
        smtp = aiosmtplib.SMTP(
            hostname=host.name,
            start_tls=False,
            local_hostname=self._policy.helo,
            timeout=self._policy.timeouts.command,
            tls_context=self._context,
        )
        try:
            sock = await self._connect(host)
            smtp.sock, smtp.hostname, smtp.port = sock, None, None
            await smtp.connect()
            smtp.sock, smtp.hostname = None, host.name
            await self._hello(smtp)
            await self._encrypt(smtp, tls)
            await self._login(smtp, host, tls)
        except _TlsFailed:
            smtp.close()
            raise
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as exc:
            smtp.close()
            told = isinstance(exc, aiosmtplib.SMTPResponseException)
            raise (TurnedAway if told else Transient)(f"{host}: {_words(exc)}") from exc
        except BaseException:
            smtp.close()
            raise
        return Session(smtp, _caps(smtp), str(host))

    async def _connect(self, host: Host) -> socket.socket:
        """A connected socket; proto is named, or asyncio would leave Nagle's algorithm on."""
        last: Exception = OSError("it has no address")
        for family, address in host.addresses:
            sock = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
            sock.setblocking(False)
            try:
                async with asyncio.timeout(self._policy.timeouts.connect):
                    await asyncio.get_running_loop().sock_connect(sock, (address, host.port))
            except (OSError, TimeoutError) as exc:
                sock.close()
                last = exc
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise last

    async def _hello(self, smtp: aiosmtplib.SMTP) -> None:
        try:
            await smtp.ehlo()
        except aiosmtplib.SMTPHeloError as exc:
            if exc.code == 421:
                raise
            await smtp.helo()

    async def _encrypt(self, smtp: aiosmtplib.SMTP, tls: str) -> None:
        if tls == "never" or (tls == "opportunistic" and not smtp.supports_extension("starttls")):
            return
        try:
            await smtp.starttls()
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
            if tls == "opportunistic":
                raise _TlsFailed from exc
            raise aiosmtplib.SMTPException(f"no TLS: {_words(exc)}") from exc
        await smtp.ehlo()

    async def _login(self, smtp: aiosmtplib.SMTP, host: Host, tls: str) -> None:
        policy = self._policy
        if not policy.username:
            return
        encrypted = smtp.get_transport_info("sslcontext") is not None
        if not encrypted and policy.tls != "never" and not host.is_loopback:
            # The operator wanted encryption where it is to be had: a stripped STARTTLS must not
            # bring the password into the open.
            raise aiosmtplib.SMTPException(f"no login without TLS ({tls})")
        await smtp.login(policy.username, policy.password)


class _TlsFailed(Exception):
    """The handshake failed, and the policy allows to go on in clear."""


def _caps(smtp: aiosmtplib.SMTP) -> Caps:
    return Caps(
        pipelining=smtp.supports_extension("pipelining"),
        eight_bit=smtp.supports_extension("8bitmime"),
        utf8=smtp.supports_extension("smtputf8"),
        size=smtp.supports_extension("size"),
    )


def _words(exc: BaseException) -> str:
    """What happened, for a log line or `queue`."""
    if isinstance(exc, aiosmtplib.SMTPResponseException):
        return f"{exc.code} {exc.message}"
    if isinstance(exc, TimeoutError):
        return "timed out"
    return str(exc) or type(exc).__name__
