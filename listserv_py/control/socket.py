"""The socket `control.sock` in the data folder: JSON lines, a question each, an answer each.

It lets nobody in but the server's own user and root (asked of the kernel, besides the file's mode):
whoever speaks here may do everything.
"""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from listserv_py.control.desk import Desk
from listserv_py.control.operation import Operation, Refused
from listserv_py.control.operations import OPERATIONS
from listserv_py.errors import ListservError
from listserv_py.maillog import get_logger

FILE = "control.sock"
QUESTION_MAX = 256 * 1024 * 1024
"""An import of a million subscribers has 100 MB; only the operator can send as much."""
IDLE = 60.0
AT_ONCE = 20
_PATH_MAX = 100

log = get_logger("control")


@asynccontextmanager
async def serve_control(data_dir: Path, desk: Desk) -> AsyncIterator[None]:
    """Answer the command line for as long as the context lasts; what is begun is finished."""
    talks: set[asyncio.Task[None]] = set()

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or len(talks) >= AT_ONCE:
            writer.close()
            return
        talks.add(task)
        try:
            await _talk(reader, writer, desk)
        finally:
            talks.discard(task)
            writer.close()

    with address(data_dir) as where:
        listening = _bind(where)
    server = await asyncio.start_unix_server(talk, sock=listening, limit=QUESTION_MAX)
    try:
        yield
    finally:
        server.close()
        (data_dir / FILE).unlink(missing_ok=True)
        if talks:
            await asyncio.wait(talks, timeout=5)
        for task in talks:
            task.cancel()


@contextmanager
def address(data_dir: Path) -> Iterator[str]:
    """The socket's path, by a short way where the folder's is too long for a socket (107 bytes)."""
    path = str(data_dir / FILE)
    if len(path.encode()) <= _PATH_MAX:
        yield path
        return
    folder = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{FILE}"
    finally:
        os.close(folder)


def _bind(where: str) -> socket.socket:
    Path(where).unlink(missing_ok=True)  # we hold the folder's lock: it is a dead server's
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listening.bind(where)
    finally:
        os.umask(before)
    listening.setblocking(False)
    return listening


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, desk: Desk) -> None:
    if not _is_trusted(writer.get_extra_info("socket")):
        log.warning("control.stranger")
        return
    with contextlib.suppress(ConnectionError, TimeoutError, ValueError):
        while line := await asyncio.wait_for(reader.readline(), IDLE):
            writer.write(await _answer(line, desk) + b"\n")
            await asyncio.wait_for(writer.drain(), IDLE)


def _is_trusted(peer: socket.socket) -> bool:
    raw = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, uid, _ = struct.unpack("3i", raw)
    return uid in (0, os.geteuid())


def _read(line: bytes) -> tuple[Operation[Any, Any], Any]:
    asked = json.loads(line)
    operation = OPERATIONS[asked["operation"]]
    return operation, operation.asks.validate_python(asked["question"])


async def _answer(line: bytes, desk: Desk) -> bytes:
    """One line's answer: `{"answer": …}` or `{"refused": why}`."""
    try:
        # A long list is read off the loop: mail must come in meanwhile.
        operation, question = await asyncio.to_thread(_read, line)
        found = operation.answers.dump_json(await desk.carry_out(operation, question))
    except Refused as exc:
        return json.dumps({"refused": str(exc)}).encode()
    except ListservError as exc:
        log.warning("control.failed", error=str(exc))
        return json.dumps({"refused": str(exc)}).encode()
    except Exception:
        log.exception("control.broken")
        return json.dumps({"refused": "the server failed at it; its log says more"}).encode()
    return b'{"answer": ' + found + b"}"
