"""Reads and writes what an operator sets: durations, sizes, network addresses, e-mail addresses.

Every reader takes what TOML gave and raises ValueError with words for people; its twin is `str()`
of the value, or `write_duration` and `write_size` where the value is a plain Python one. The
address checks are kept small: this room lies below `mail`, which reads mailboxes in earnest.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, ValidationInfo

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_BYTES = {"kB": 10**3, "MB": 10**6, "GB": 10**9}
_LONGEST = timedelta(days=3650)
# SQLite keeps nothing larger in one piece (SQLITE_MAX_LENGTH).
_LARGEST = 10**9

_QUANTITY = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)\s*([A-Za-z]+)")
_LABEL = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")
_ATOMS = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~\-\u0080-\U0010ffff]+")
_QUOTED = re.compile(r'"(?:[^"\\\x00-\x1f\x7f]|\\[ -~])*"')
_SYSTEMD_NAME = re.compile(r"[A-Za-z0-9._@-]{1,255}")


class Table(BaseModel):
    """A table of the configuration: frozen, and closed to keys that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class HostPort:
    """A TCP address; an IPv6 host is kept without its brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it, as far as the name tells."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host.lower() == "localhost"


@dataclass(frozen=True, slots=True)
class UnixPath:
    """A Unix socket that we make ourselves."""

    path: Path

    def __str__(self) -> str:
        return f"unix:{self.path}"


@dataclass(frozen=True, slots=True)
class SystemdName:
    """A socket that systemd hands us: the FileDescriptorName= of its unit."""

    name: str

    def __str__(self) -> str:
        return f"systemd:{self.name}"


ListenAddress = HostPort | UnixPath | SystemdName


def text(value: object) -> str:
    """The value, when it is a string and nothing in it could break a line."""
    if not isinstance(value, str):
        raise ValueError("should be a string in quotes")  # noqa: TRY004 - pydantic reads ValueError
    if any(ord(character) < 32 or ord(character) == 127 for character in value):
        raise ValueError("should be one line without control characters")
    return value


def zone(value: object) -> str:
    """The name of a time zone, as the IANA database has it."""
    name = text(value)
    if name not in available_timezones():
        raise ValueError("should be a time zone such as Europe/Vienna or UTC")
    return name


def duration(value: object) -> timedelta:
    """A span of time, written as a number with s, m, h or d."""
    if isinstance(value, timedelta):
        return value
    found = _QUANTITY.fullmatch(text(value).strip())
    if found is None or found[2] not in _SECONDS:
        raise ValueError("should be a number with s, m, h or d")
    seconds = Decimal(found[1]) * _SECONDS[found[2]]
    if not 0 < seconds <= Decimal(_LONGEST.total_seconds()):
        raise ValueError("should be more than nothing and at most ten years")
    return timedelta(seconds=float(seconds))


def write_duration(span: timedelta) -> str:
    """The twin of `duration`: in the largest unit that needs no fraction; 48h stays 48h."""
    seconds = span.total_seconds()
    for unit in ("d", "h", "m"):
        if unit == "d" and seconds <= 72 * _SECONDS["h"]:
            continue
        if seconds % _SECONDS[unit] == 0:
            return f"{seconds / _SECONDS[unit]:.0f}{unit}"
    return f"{seconds:.6f}".rstrip("0").rstrip(".") + "s"


def size(value: object) -> int:
    """A number of bytes, written with kB, MB or GB (of 1000)."""
    if isinstance(value, int) and not isinstance(value, bool):
        raise ValueError("should have its unit, in quotes")  # noqa: TRY004 - as above
    found = _QUANTITY.fullmatch(text(value).strip())
    factor = {unit.lower(): many for unit, many in _BYTES.items()}
    if found is None or found[2].lower() not in factor:
        raise ValueError("should be a number with kB, MB or GB")
    many = int(Decimal(found[1]) * factor[found[2].lower()])
    if many < 1:
        raise ValueError("should be more than nothing")
    return many


def mail_size(value: object) -> int:
    """How large a mail may be."""
    many = size(value)
    if many > _LARGEST:
        raise ValueError("should be at most 1GB")
    return many


def write_size(many: int) -> str:
    """The twin of `size`."""
    for unit in ("GB", "MB"):
        if many % _BYTES[unit] == 0:
            return f"{many // _BYTES[unit]}{unit}"
    return f"{Decimal(many) / 1000:f}kB"


def host_port(value: object) -> HostPort:
    """`host:port` or `[v6]:port`; port 0 lets the system choose one, which only listeners may."""
    if isinstance(value, HostPort):
        return value
    host, colon, port = text(value).strip().rpartition(":")
    if not colon or not re.fullmatch(r"[0-9]{1,5}", port) or int(port) > 65535:
        raise ValueError("should be host:port or [v6]:port, the port from 0 to 65535")
    if host.startswith("[") and host.endswith("]"):
        return HostPort(str(_ip(host[1:-1], version=6)), int(port))
    if ":" in host:
        raise ValueError("should have its IPv6 address in brackets: [::1]:25")
    return HostPort(domain(host), int(port))


def peer(value: object) -> HostPort:
    """A `host:port` that can be dialled."""
    found = host_port(value)
    if found.port == 0:
        raise ValueError("should have a port from 1 to 65535")
    return found


def resolver(value: object) -> HostPort:
    """A name server: an IP address with its port."""
    found = peer(value)
    _ip(found.host)
    return found


def listen_address(value: object) -> ListenAddress:
    """Where a listener stands."""
    if isinstance(value, HostPort | UnixPath | SystemdName):
        return value
    written = text(value).strip()
    if written.startswith("unix:"):
        return UnixPath(_socket_path(written.removeprefix("unix:")))
    if written.startswith("systemd:"):
        name = written.removeprefix("systemd:")
        if not _SYSTEMD_NAME.fullmatch(name):
            raise ValueError("should name a socket behind systemd:, as FileDescriptorName= does")
        return SystemdName(name)
    return host_port(written)


def _socket_path(written: str) -> Path:
    path = Path(written)
    if not path.is_absolute():
        raise ValueError("should have a path that begins with / behind unix:")
    if len(written.encode()) > 107:
        raise ValueError("has a path too long for a Unix socket (107 bytes)")
    return path


def domain(value: object) -> str:
    """A host or domain name, in lower case; one label will do."""
    written = text(value).strip().lower()
    labels = written.split(".")
    if len(written) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        raise ValueError("should be a host name or an IPv4 address")
    if labels[-1].isdigit():
        return str(_ip(written, version=4))
    return written


def mail_domain(value: object) -> str:
    """A domain that can stand behind the @ of our own addresses."""
    found = domain(value)
    if found.rpartition(".")[2].isdigit():
        raise ValueError("should be a name, not an IP address")
    if not found.isascii():
        raise ValueError("should be in ASCII; an international name is written in its xn-- form")
    if "_" in found:
        raise ValueError("should have no underscore")
    return found


def selector(value: object) -> str:
    """The name of a DKIM key, which stands in front of ._domainkey in the DNS (RFC 6376 3.1)."""
    try:
        return mail_domain(value)
    except ValueError:
        raise ValueError("should be letters, digits and hyphens, dots between") from None


def address(value: object) -> str:
    """An e-mail address, `local@domain`, as RFC 5321 4.1.2 has it."""
    written = text(value).strip()
    local, at, host = written.rpartition("@")
    atoms = all(_ATOMS.fullmatch(atom) for atom in local.split("."))
    if not at or not (atoms or _QUOTED.fullmatch(local)) or len(local.encode()) > 64:
        raise ValueError("should be an e-mail address: somebody@example.org")
    if host.startswith("[") and host.endswith("]"):
        _ip(host[1:-1].removeprefix("IPv6:"))
    else:
        domain(host)
    return written


def url(value: object) -> str:
    """An http or https address without a query, its last slash taken off; empty for none."""
    written = text(value).strip()
    if written and not re.fullmatch(r"https?://[^\s/?#@<>\"]+(/[^\s?#<>\"]*)?", written):
        raise ValueError("should be an address such as https://lists.example.org")
    return written.rstrip("/")


def _ip(written: str, version: int | None = None) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        found = ipaddress.ip_address(written)
    except ValueError:
        found = None
    if found is None or (version is not None and found.version != version):
        raise ValueError("should have an IP address for its host")
    return found


@dataclass(frozen=True, slots=True)
class Kind:
    """What may stand behind a key, in words, and how a value of it is written."""

    allowed: str
    write: Callable[[Any], str] = str


def _listname(value: object) -> str:
    written = text(value)
    if not re.fullmatch(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,30}[A-Za-z0-9])?", written):
        raise ValueError("should be 1 to 32 letters, digits, - _ . with a letter or digit around")
    if ".." in written or written.lower() in {"postmaster", "abuse", "mailer-daemon"}:
        raise ValueError("should be no reserved name, and have no two dots together")
    return written.lower()


def _path(value: object, info: ValidationInfo) -> Path:
    path = Path(value) if isinstance(value, Path) else Path(text(value)).expanduser()
    folder: Path = (info.context or {}).get("folder", Path())
    return (folder / path).absolute()


def _folder(value: object, info: ValidationInfo) -> Path:
    if not value:
        raise ValueError("should name a folder")
    return _path(value, info)


def _file(value: object, info: ValidationInfo) -> Path | None:
    return _path(value, info) if value else None


def _optional(read: Callable[[object], HostPort]) -> Callable[[object], HostPort | None]:
    return lambda value: None if value in ("", None) else read(value)


Word = Annotated[str, PlainValidator(text), Kind("text")]
Name = Annotated[str, PlainValidator(_listname), Kind("a local part such as listserv")]
Domain = Annotated[str, PlainValidator(mail_domain), Kind("a domain")]
Selector = Annotated[str, PlainValidator(selector), Kind("a name such as lists or lists.2026")]
OtherSelector = Annotated[
    str,
    PlainValidator(lambda value: selector(value) if value else ""),
    Kind("a name such as lists or lists.2026, or empty"),
]
Zone = Annotated[str, PlainValidator(zone), Kind("a time zone such as Europe/Vienna")]
Address = Annotated[str, PlainValidator(address), Kind("an e-mail address")]
Url = Annotated[str, PlainValidator(url), Kind("an http(s) address, or empty")]
Folder = Annotated[Path, PlainValidator(_folder), Kind("a folder")]
File = Annotated[
    Path | None, PlainValidator(_file), Kind("a file, or empty", lambda value: str(value or ""))
]
Whole = Annotated[int, Field(strict=True, ge=1, le=10**9), Kind("a whole number from 1")]
Amount = Annotated[int, Field(strict=True, ge=0, le=10**9), Kind("a whole number from 0")]
Count = Annotated[int, Field(strict=True, ge=0, le=10**4), Kind("a whole number from 0 to 10000")]
Port = Annotated[int, Field(strict=True, ge=1, le=65535), Kind("a port from 1 to 65535")]
Switch = Annotated[bool, Field(strict=True), Kind("true or false")]
Duration = Annotated[
    timedelta,
    PlainValidator(duration),
    Kind("a duration such as 30s, 5m, 48h or 5d", write_duration),
]
Span = Annotated[
    timedelta | None,
    PlainValidator(lambda value: duration(value) if value else None),
    Kind(
        "a duration such as 30s, 5m, 48h or 5d, or empty",
        lambda value: write_duration(value) if value else "",
    ),
]
Size = Annotated[
    int, PlainValidator(mail_size), Kind("a size such as 500kB, 10MB or 1GB", write_size)
]
Peer = Annotated[
    HostPort | None,
    PlainValidator(_optional(peer)),
    Kind("host:port or [v6]:port, or empty", lambda value: str(value or "")),
]
Resolver = Annotated[HostPort, PlainValidator(resolver), Kind("the host:port of a resolver")]
Door = Annotated[
    HostPort | None,
    PlainValidator(_optional(host_port)),
    Kind("host:port or [v6]:port, or empty", lambda value: str(value or "")),
]
Anywhere = Annotated[
    ListenAddress,
    PlainValidator(listen_address),
    Kind("host:port, [v6]:port, unix:/path or systemd:NAME"),
]
Tongue = Annotated[Literal["English", "German"], Kind('"English" or "German"')]
Language = Annotated[Literal["smtp", "lmtp"], Kind('"smtp" or "lmtp"')]
Transport = Annotated[Literal["smtp", "maildir"], Kind('"smtp" or "maildir"')]
Secrecy = Annotated[
    Literal["never", "opportunistic", "required"], Kind('"never", "opportunistic" or "required"')
]
