"""What the disk and this machine make wrong with a configuration, before anything is started.

`check` and `serve` look at all of it; SIGHUP at all but the doors, which stay as they are. So a
fault is told by its file and key, and never met half-way.
"""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

from listserv_py.config import Settings
from listserv_py.daemon.folders import folder_faults
from listserv_py.delivery.arc import load_sealer
from listserv_py.delivery.sign import load as load_signers
from listserv_py.errors import ConfigError, ConfigFaults
from listserv_py.tomlfaults import Location, line_of, located
from listserv_py.units import HostPort, UnixPath


def refuse_faults(settings: Settings, path: Path, *, with_doors: bool = True) -> None:
    """Raise ConfigFaults when the configuration at `path` cannot be used here and now."""
    faults = folder_faults(settings, path)
    if not faults:
        found = [*_key_faults(settings), *(_door_faults(settings) if with_doors else ())]
        faults = located(path, _written(path), found)
    if faults:
        raise ConfigFaults(faults)


def in_file(fault: ConfigError, path: Path, location: Location) -> ConfigError:
    """A fault that was met when the server started, told like those found before."""
    return ConfigError(str(path), fault.key, fault.text, line_of(_written(path), location))


def _written(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        return ""


def _key_faults(settings: Settings) -> Iterator[tuple[Location, str]]:
    """Files that can be read, but not used."""
    dkim, delivery = settings.dkim, settings.delivery
    for name, other, kind in (
        ("key_file", "ed25519_key_file", "an RSA key of 2048 bits or more"),
        ("ed25519_key_file", "key_file", "an Ed25519 key"),
    ):
        try:
            load_signers(settings.site.domain, dkim.model_copy(update={other: None}))
        except ConfigError as exc:
            file = getattr(dkim, name)
            yield ("dkim", name), f"{file} is of no use: {exc.text}; allowed: {kind}, PEM"
    try:
        load_sealer(settings)
    except ConfigError as exc:
        if settings.arc.key_file is not None:
            allowed = "allowed: an RSA key of 2048 bits or more, PEM"
            yield (
                ("arc", "key_file"),
                f"{settings.arc.key_file} is of no use: {exc.text}; {allowed}",
            )
    if delivery.password_file is not None:
        try:
            written = delivery.password_file.read_text(encoding="utf-8")
        except (OSError, ValueError):
            written = ""
        if not written.partition("\n")[0].strip():
            where = ("delivery", "password_file")
            yield where, f"{delivery.password_file} is of no use; allowed: a password, in UTF-8"


def _door_faults(settings: Settings) -> Iterator[tuple[Location, str]]:
    """Addresses that cannot be listened on; those in use are met only when we listen."""
    for index, door in enumerate(settings.listen):
        match door.address:
            case UnixPath(path):
                wrong = _wrong_path(path)
            case HostPort(host, _):
                wrong = _wrong_host(host)
            case _:
                wrong = ""
        if wrong:
            yield ("listen", index, "address"), f"{door.address}: {wrong}"
    port = settings.tcpgui.listen
    wrong = _wrong_host(port.host) if port else ""
    if wrong:
        yield ("tcpgui", "listen"), f"{port}: {wrong}"


def _wrong_path(path: Path) -> str:
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"{path.parent} cannot be written; allowed: a folder that we can write"
    if path.exists() and not path.is_socket():
        return "there is a file of that name; allowed: a socket, or nothing yet"
    return ""


def _wrong_host(host: str) -> str:
    """Why no socket can be bound to a host, "" when one can."""
    wrong = ""
    try:
        found = socket.getaddrinfo(host, 0, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except OSError as exc:
        return f"{exc.strerror}; allowed: an address of this machine"
    for family, kind, protocol, _, address in found:
        try:
            with socket.socket(family, kind, protocol) as sock:
                sock.bind(address)
        except OSError as exc:
            wrong = f"{exc.strerror}; allowed: an address of this machine"
        else:
            return ""
    return wrong
