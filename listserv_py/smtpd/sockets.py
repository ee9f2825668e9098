"""Listening sockets: TCP, Unix, and those that systemd opened for us (sd_listen_fds(3)).

TCP sockets carry their protocol number: asyncio turns Nagle off only where it sees one, and with it
on each reply takes 40 ms.
"""

from __future__ import annotations

import asyncio
import os
import socket
import stat
import sys
from collections.abc import Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from listserv_py.errors import ListservError
from listserv_py.units import HostPort, ListenAddress, SystemdName, UnixPath

_FIRST_FD = 3
_AT_ONCE = 16
"""asyncio accepts so many in one go, and logs each that it has no descriptor for."""
_QUEUE = 512
_UNIX_MODE = 0o660

Activated = Mapping[str, Sequence[socket.socket]]
Factory = Callable[[], asyncio.BaseProtocol]


class Unusable(ListservError):
    """An address that we cannot listen on."""

    def __init__(self, address: ListenAddress, reason: str) -> None:
        super().__init__(f"{address}: {reason}")


@dataclass(frozen=True, slots=True)
class OwnPath:
    """A Unix socket's file that we made; it is removed only as long as it is still ours."""

    path: Path
    device: int
    inode: int

    def remove(self) -> None:
        """Unlink it, unless somebody has put another one in its place."""
        try:
            found = self.path.lstat()
            if (found.st_dev, found.st_ino) == (self.device, self.inode):
                self.path.unlink()
        except OSError:
            return


def activated(environ: MutableMapping[str, str]) -> dict[str, list[socket.socket]]:
    """The sockets that systemd handed over, by FileDescriptorName=; the variables are taken out."""
    count = environ.pop("LISTEN_FDS", "0")
    names = environ.pop("LISTEN_FDNAMES", "").split(":")
    if environ.pop("LISTEN_PID", "") != str(os.getpid()) or not count.isdecimal():
        return {}
    found: dict[str, list[socket.socket]] = {}
    for index in range(int(count)):
        sock = socket.socket(fileno=_FIRST_FD + index)
        sock.setblocking(False)
        os.set_inheritable(sock.fileno(), False)
        found.setdefault(names[index] if index < len(names) else "", []).append(sock)
    return found


async def open_servers(
    address: ListenAddress, factory: Factory, handed: Activated
) -> tuple[list[asyncio.Server], OwnPath | None]:
    """Listen at `address`; Unusable when that cannot be."""
    try:
        match address:
            case HostPort(host, port):
                loop = asyncio.get_running_loop()
                server = await loop.create_server(factory, host, port, backlog=_AT_ONCE)
                _lengthen_queue(server)
                return [server], None
            case UnixPath(path):
                sock, own = _unix_socket(path)
                return [await _serve(sock, factory)], own
            case SystemdName(name):
                return [await _serve(sock, factory) for sock in _handed(name, handed)], None
    except OSError as exc:
        raise Unusable(address, exc.strerror or type(exc).__name__) from exc


def _handed(name: str, handed: Activated) -> Sequence[socket.socket]:
    if not handed.get(name):
        known = ", ".join(sorted(handed)) or "none"
        raise Unusable(SystemdName(name), f"systemd handed over no socket of that name ({known})")
    return handed[name]


async def _serve(sock: socket.socket, factory: Factory) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if sock.family == socket.AF_UNIX:
        # Python 3.13 would unlink the path at the end; it is ours or systemd's to remove.
        keep: dict[str, Any] = {"cleanup_socket": False} if sys.version_info >= (3, 13) else {}
        server = await loop.create_unix_server(factory, sock=sock, backlog=_AT_ONCE, **keep)
    else:
        server = await loop.create_server(factory, sock=sock, backlog=_AT_ONCE)
    _lengthen_queue(server)
    return server


def _lengthen_queue(server: asyncio.Server) -> None:
    """Let more clients wait to be accepted than asyncio accepts at once."""
    for sock in server.sockets:
        with socket.socket(fileno=os.dup(sock.fileno())) as same:
            same.listen(_QUEUE)


def _unix_socket(path: Path) -> tuple[socket.socket, OwnPath]:
    """A bound socket: nobody can connect before its mode is set, as it does not listen yet."""
    _remove_stale(path)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        sock.bind(os.fspath(path))
        path.chmod(_UNIX_MODE)
        made = path.lstat()
    except OSError:
        sock.close()
        raise
    return sock, OwnPath(path, made.st_dev, made.st_ino)


def _remove_stale(path: Path) -> None:
    """Remove the socket that a killed server left: nothing else, and none that is answered."""
    try:
        mode = path.lstat().st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(mode):
        raise Unusable(UnixPath(path), "there is a file of that name that is no socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.setblocking(False)
        try:
            probe.connect(os.fspath(path))
        except ConnectionRefusedError:
            path.unlink()
            return
    raise Unusable(UnixPath(path), "another server is listening there")
