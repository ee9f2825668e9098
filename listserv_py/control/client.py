"""Asks the running server; where none runs, takes its place for the one operation.

Either the socket answers, or the folder's lock can be had: between the two lies only the moment in
which a server starts or stops, which is waited out.
"""

import asyncio
import json
import socket
import time
from pathlib import Path

from listserv_py.config import Settings
from listserv_py.control.desk import Desk
from listserv_py.control.operation import A, Operation, R, Refused
from listserv_py.control.socket import address
from listserv_py.store.lock import FolderInUse, lock
from listserv_py.store.thread import Store
from listserv_py.store.turn import Turns
from listserv_py.texts import site

PATIENCE = 30.0
ANSWER_WITHIN = 600.0


def ask(settings: Settings, operation: Operation[A, R], question: A) -> R:
    """Have one thing done and return the answer; Refused says why not."""
    data_dir = settings.site.data_dir
    until = time.monotonic() + PATIENCE
    while True:
        server = _dial(data_dir)
        if server is not None:
            with server:
                return _asked(server, operation, question)
        try:
            with lock(data_dir):
                return asyncio.run(_alone(settings, operation, question))
        except FolderInUse:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)


def _dial(data_dir: Path) -> socket.socket | None:
    """A line to the running server, or None when nobody listens."""
    server = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        server.settimeout(ANSWER_WITHIN)
        with address(data_dir) as where:
            server.connect(where)
    except (FileNotFoundError, ConnectionRefusedError):
        server.close()
        return None
    except OSError as exc:
        server.close()
        raise Refused(f"{data_dir}: the server cannot be asked: {exc.strerror}") from exc
    return server


def _asked(server: socket.socket, operation: Operation[A, R], question: A) -> R:
    asked = {
        "operation": operation.name,
        "question": operation.asks.dump_python(question, mode="json"),
    }
    try:
        server.sendall(json.dumps(asked).encode() + b"\n")
        with server.makefile("rb") as lines:
            line = lines.readline()
    except OSError as exc:
        raise Refused(f"the server did not answer: {exc}") from exc
    if not line.endswith(b"\n"):
        raise Refused("the server hung up; look whether it was done before you try again")
    answer = json.loads(line)
    if "refused" in answer:
        raise Refused(answer["refused"])
    return operation.answers.validate_python(answer["answer"])


async def _alone(settings: Settings, operation: Operation[A, R], question: A) -> R:
    store = Store.open(settings.site.data_dir, settings.site.domain)
    try:
        turns = Turns(settings, site.load(settings.site.data_dir))
        return await Desk(store, turns).carry_out(operation, question)
    finally:
        await store.close()
