"""The torture's smarthost: it takes copies, refuses, falls silent or breaks off, and remembers.

A copy is in its file, fsynced, before its 250. For each copy that came once more there must be an
excuse: the last transaction past its dot on a connection that whoever died had open at that moment,
or one whose reply this sink took away. So the bound on repeated copies is exact, copy by copy: not
what is likely after so many kills, but one transaction for each connection that a death cut.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import os
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from loopback_rig import read_mail

MODES = {"ok": 85, "4xx": 6, "421": 2, "mute": 2, "rst": 2, "slow": 3}
FAULTS_AFTER = 12
"""A faulty connection carries up to so many mails before its fault shows."""
PIPELINING = 0.8
"""How often a connection offers it."""
MUTE_FOR = 6.0
SLOW_BY = 0.05
_RESET = struct.pack("ii", 1, 0)

Key = tuple[str, str]
"""A recipient and a Message-ID."""


@dataclass(slots=True, eq=False)
class _Talk:
    """One connection; `past_dot` are the copies whose 250 the other side may not have heard."""

    mode: str
    at: int
    stage: str
    port: int
    pipelines: bool
    mails: int = 0
    past_dot: list[Key] = field(default_factory=list)
    has_quit: bool = False
    died_by: str = ""
    """How its other end was killed, if it was."""


@dataclass
class TortureSink:
    """See the module; `calm` ends all faults.

    `excuses` are by what gave them, as `events`: transactions and copies. `cut` are the connections
    that each death cut, `most` the connections that were open at once.
    """

    ledger: Path
    seed: int
    calm: bool = False
    counts: Counter[Key] = field(default_factory=Counter)
    excuses: dict[str, Counter[Key]] = field(default_factory=dict)
    events: dict[str, list[int]] = field(default_factory=dict)
    cut: list[int] = field(default_factory=list)
    most: int = 0
    awaited: int = 0
    come: asyncio.Event = field(default_factory=asyncio.Event)
    shapes: dict[Key, set[str]] = field(default_factory=dict)
    subjects: dict[str, list[tuple[str, str]]] = field(default_factory=dict)
    listening: asyncio.Server | None = None

    async def open(self) -> str:
        """Listen; where."""
        self._luck = random.Random(self.seed)  # noqa: S311 - a test's dice
        self._file = os.open(self.ledger, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._syncing: asyncio.Task[None] | None = None
        self._talks: set[_Talk] = set()
        self._doomed: dict[int, str] = {}
        self.listening = await asyncio.start_server(self._serve, "127.0.0.1", 0, limit=2**20)
        self.port = self.listening.sockets[0].getsockname()[1]
        return f"127.0.0.1:{self.port}"

    async def close(self) -> None:
        """Take no more."""
        if self.listening is not None:
            self.listening.close()
        os.close(self._file)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        mode = "ok" if self.calm else self._luck.choices([*MODES], [*MODES.values()])[0]
        stage = self._luck.choice(["CONNECT", "MAIL", "RCPT", "DATA", "DOT", "TAKEN"])
        port = writer.get_extra_info("peername")[1]
        after, pipelines = self._luck.randrange(FAULTS_AFTER), self._luck.random() < PIPELINING
        talk = _Talk(mode, after, stage, port, pipelines)
        talk.died_by = self._doomed.pop(port, "")
        self._talks.add(talk)
        self.most = max(self.most, sum(not one.died_by for one in self._talks))
        try:
            await self._talk(talk, reader, writer)
        except (OSError, EOFError, asyncio.LimitOverrunError):
            pass
        finally:
            self._talks.discard(talk)
            if talk.died_by and not talk.has_quit:
                self._excuse(talk, talk.died_by)
            writer.close()

    def after(self, many: int) -> asyncio.Event:
        """An event for when so many more copies have come."""
        self.awaited, self.come = many, asyncio.Event()
        return self.come

    def dies(self, doomed: Mapping[int, str]) -> None:
        """Whoever has these ports is being killed, and how; its connections are as they are now."""
        self.cut.append(len(doomed))
        self._doomed.update(doomed)
        for talk in self._talks:
            if not talk.died_by:
                talk.died_by = self._doomed.pop(talk.port, "")

    def _excuse(self, talk: _Talk, why: str) -> None:
        if talk.past_dot:
            self.excuses.setdefault(why, Counter()).update(talk.past_dot)
            event = self.events.setdefault(why, [0, 0])
            event[0] += 1
            event[1] += len(talk.past_dot)
        talk.past_dot = []

    async def _talk(
        self, talk: _Talk, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        if await self._fails(talk, "CONNECT", reader, writer):
            return
        await self._say(talk, writer, "220 sink")
        sender, rcpts = "", []
        while line := (await reader.readline()).decode("utf-8", "replace").strip():
            verb = line[:4].upper()
            if verb == "QUIT":
                talk.has_quit = True
                return
            if await self._fails(talk, verb, reader, writer):
                return
            reply = self._reply(talk, verb, line, rcpts)
            if verb == "MAIL":
                sender, rcpts = _path(line), []
            elif reply.startswith("354"):
                await self._say(talk, writer, reply)
                if await self._mail(talk, reader, writer, (sender, rcpts)):
                    return
                reply = "250 taken"
            await self._say(talk, writer, reply)

    def _reply(self, talk: _Talk, verb: str, line: str, rcpts: list[str]) -> str:
        if verb == "EHLO":
            extra = "250-PIPELINING\r\n" if talk.pipelines else ""
            return f"250-sink\r\n{extra}250 8BITMIME"
        if verb == "DATA":
            return "354 go" if rcpts else "503 no recipients"
        if verb == "RCPT":
            if self._now(talk) == "4xx":
                return "450 4.2.1 not now"
            rcpts.append(_path(line))
        return "250 ok"

    async def _mail(
        self,
        talk: _Talk,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        envelope: tuple[str, list[str]],
    ) -> bool:
        """Read a mail to its dot and keep it; whether the connection ends here."""
        lines: list[bytes] = []
        while (line := await reader.readline()) != b".\r\n":
            if not line.endswith(b"\r\n"):
                raise EOFError
            lines.append(line[1:] if line.startswith(b".") else line)
        # Its next dot says that the other side has noted our last 250.
        talk.past_dot = []
        talk.mails += 1
        if await self._fails(talk, "DOT", reader, writer):
            return True
        self._keep(talk, *envelope, b"".join(lines))
        await self._synced()
        if self._now(talk) == "mute":
            self._excuse(talk, "mute")
            await asyncio.sleep(self._luck.uniform(0.5, MUTE_FOR))
            return True
        return await self._fails(talk, "TAKEN", reader, writer)

    def _keep(self, talk: _Talk, sender: str, rcpts: list[str], content: bytes) -> None:
        head = read_mail(content.partition(b"\r\n\r\n")[0])
        message_id, subject = str(head["Message-ID"]), str(head["Subject"])
        shape = hashlib.sha256(sender.encode() + b"\n" + content).hexdigest()
        for rcpt in rcpts:
            os.write(self._file, f"{rcpt} {message_id} {shape} {time.time():.3f}\n".encode())
        for rcpt in rcpts:
            key = (rcpt, message_id)
            self.counts[key] += 1
            self.awaited -= 1
            if not self.awaited:
                self.come.set()
            self.shapes.setdefault(key, set()).add(shape)
            self.subjects.setdefault(rcpt, []).append((message_id, subject))
            talk.past_dot.append(key)

    async def _synced(self) -> None:
        """One sync for all that wait, or the sink would only measure the disk."""
        if self._syncing is None:
            self._syncing = asyncio.create_task(self._sync())
        await asyncio.shield(self._syncing)

    async def _sync(self) -> None:
        await asyncio.sleep(0)
        self._syncing = None
        await asyncio.to_thread(os.fdatasync, self._file)

    def _now(self, talk: _Talk) -> str:
        """The connection's fault, once it is time for it."""
        return talk.mode if not self.calm and talk.mails >= talk.at else "ok"

    async def _fails(
        self,
        talk: _Talk,
        stage: str,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> bool:
        """Break off here with 421 or RST, if this connection is to."""
        mode = self._now(talk)
        if stage != talk.stage or mode not in ("421", "rst"):
            return False
        if mode == "421":
            # Said in peace: whatever 250 was said before is read before it.
            if stage == "TAKEN":
                self._excuse(talk, mode)
            writer.write(b"421 4.3.2 not now\r\n")
            await writer.drain()
            writer.write_eof()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(MUTE_FOR):
                    while await reader.read(65_536):
                        pass
        else:
            # A reset may take the 250 along that was said just before.
            self._excuse(talk, mode)
            peer: socket.socket = writer.get_extra_info("socket")
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        return True

    async def _say(self, talk: _Talk, writer: asyncio.StreamWriter, reply: str) -> None:
        if self._now(talk) == "slow":
            await asyncio.sleep(SLOW_BY)
        writer.write(reply.encode() + b"\r\n")
        await writer.drain()


def _path(line: str) -> str:
    return line.partition("<")[2].rpartition(">")[0]
