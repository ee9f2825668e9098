"""The port on a real socket: its bounds, and how it ends."""

from __future__ import annotations

import asyncio
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest

from listserv_py.smtpd.limits import host_key
from listserv_py.tcpgui.port import Answer, Bounds, Port
from listserv_py.tcpgui.protocol import GREETING, TOO_BUSY, Call
from listserv_py.units import HostPort

LINES: list[asyncio.StreamWriter] = []
STORY = b"1B\r\n\x00\x1c\x0ba@host.test"
COMMAND = b"THANKS PW=SECRET"


async def friendly(call: Call) -> str:
    return f"You're welcome, {call.origin}!"


@asynccontextmanager
async def opened(
    answer: Answer = friendly, key: Callable[[str], str | None] = host_key, **bounds: Any
) -> AsyncIterator[Port]:
    port = Port(answer, Bounds(**bounds), key)
    await port.open(HostPort("127.0.0.1", 0))
    try:
        yield port
    finally:
        await port.close(30)


async def dial(port: Port, **how: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*port.addresses[0], **how)
    LINES.append(writer)
    return reader, writer


@pytest.fixture(autouse=True)
async def hang_up() -> AsyncIterator[None]:
    LINES.clear()
    yield
    for writer in LINES:
        writer.transport.abort()
        with suppress(OSError):
            await writer.wait_closed()


async def answered(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    assert await reader.readline() == GREETING
    code, length = struct.unpack(">II", await reader.readexactly(8))
    text = await reader.readexactly(length)
    assert await reader.read() == b""
    return code, text


async def test_the_story_of_the_reference() -> None:
    async with opened() as port:
        reader, writer = await dial(port)
        writer.write(STORY)
        assert await reader.readline() == GREETING
        writer.write(COMMAND)
        head = await reader.readexactly(8)
        assert head == b"\0\0\0\0" + struct.pack(">I", 30)
        assert await reader.read() == b"You're welcome, a@host.test!\r\n"


async def test_octet_by_octet_and_all_at_once() -> None:
    async with opened() as port:
        for size in (1, 3, 1000):
            reader, writer = await dial(port)
            octets = STORY + COMMAND
            for at in range(0, len(octets), size):
                writer.write(octets[at : at + size])
                await writer.drain()
            assert await answered(reader) == (0, b"You're welcome, a@host.test!\r\n")


async def test_one_command_a_connection() -> None:
    asked = []

    async def answer(call: Call) -> str:
        asked.append(call.command)
        return "Done"

    async with opened(answer) as port:
        reader, writer = await dial(port)
        writer.write(STORY + COMMAND)
        assert await answered(reader) == (0, b"Done\r\n")
        writer.write(STORY + COMMAND)
        assert asked == ["THANKS"]


@pytest.mark.parametrize(
    "octets", [b"GET / HTTP/1.1\r\n\r\n", b"EHLO x\r\n", b"\0" * 7, b"1B\r\n\0\0\0"]
)
async def test_who_speaks_otherwise(octets: bytes) -> None:
    async with opened() as port:
        reader, writer = await dial(port)
        writer.write(octets)
        assert (await reader.readline())[:2] == b"50"


async def test_a_command_that_is_no_line() -> None:
    async with opened() as port:
        reader, writer = await dial(port)
        writer.write(STORY + b"THANKS\nTHANKS\nAB")
        code, text = await answered(reader)
        assert (code, text[:19]) == (0, b"That cannot be read")


async def test_the_largest_command() -> None:
    async with opened() as port:
        reader, writer = await dial(port)
        writer.write(b"1B\r\n\xff\xff\x01@" + b"x" * (65535 - 2))
        assert (await answered(reader))[0] == 0


async def test_who_is_silent_is_hung_up_on() -> None:
    async with opened(speak=0.05) as port:
        for said in (b"", STORY[:5], STORY, STORY + COMMAND[:-1]):
            reader, writer = await dial(port)
            writer.write(said)
            with suppress(ConnectionError):
                assert await reader.read() in (b"", GREETING)


async def test_who_does_not_listen_is_hung_up_on() -> None:
    calls = []

    async def much(_: Call) -> str:
        calls.append(asyncio.current_task())
        return "x" * 3_900_000

    async with opened(much, hear=0.1) as port:
        with socket.socket() as deaf:
            deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            deaf.setblocking(False)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(deaf, port.addresses[0])
            await loop.sock_sendall(deaf, STORY + COMMAND)
            assert await loop.sock_recv(deaf, 4) == GREETING[:4]
            await asyncio.wait(list(filter(None, calls)))
            assert port.callers == 0
            octets = len(GREETING)
            with suppress(ConnectionError):
                while more := await loop.sock_recv(deaf, 100_000):
                    octets += len(more)
            assert octets < 3_900_000


async def test_more_callers_than_places() -> None:
    async with opened(callers=2) as port:
        lines = [await dial(port) for _ in range(2)]
        for _, writer in lines:
            writer.write(STORY)
        for reader, _ in lines:
            assert await reader.readline() == GREETING
        reader, writer = await dial(port)
        assert await reader.read() == TOO_BUSY


async def test_from_one_host() -> None:
    async with opened(callers_per_host=1, key=str) as port:
        first, one = await dial(port)
        one.write(STORY)
        assert await first.readline() == GREETING
        reader, writer = await dial(port)
        assert await reader.read() == TOO_BUSY
        one.write(COMMAND)
        assert (await first.read())[8:] == b"You're welcome, a@host.test!\r\n"
        again, writer = await dial(port)
        writer.write(STORY + COMMAND)
        assert (await answered(again))[0] == 0


async def test_our_fault_is_told_and_no_more() -> None:
    async def broken(_: Call) -> str:
        raise ZeroDivisionError("secret things")

    async with opened(broken) as port:
        reader, writer = await dial(port)
        writer.write(STORY + COMMAND)
        code, text = await answered(reader)
        assert code == 8
        assert b"secret" not in text


async def test_at_the_end_what_is_in_hand_is_finished() -> None:
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: Call) -> str:
        begun.set()
        await go_on.wait()
        return "Done"

    port = Port(slow, Bounds())
    await port.open(HostPort("127.0.0.1", 0))
    address = port.addresses[0]
    asking, asker = await dial(port)
    asker.write(STORY + COMMAND)
    await begun.wait()
    speaking, speaker = await dial(port)
    speaker.write(STORY)
    assert await speaking.readline() == GREETING
    closing = asyncio.create_task(port.close(20))
    with pytest.raises((ConnectionError, AssertionError)):
        assert await speaking.read()
    with pytest.raises(OSError, match="Connect"):
        await asyncio.open_connection(*address)
    go_on.set()
    assert await answered(asking) == (0, b"Done\r\n")
    await closing


async def test_a_port_that_hangs_at_the_end_is_left() -> None:
    begun = asyncio.Event()

    async def never(_: Call) -> str:
        begun.set()
        await asyncio.Event().wait()
        return ""

    async with opened(never) as port:
        _, writer = await dial(port)
        writer.write(STORY + COMMAND)
        await begun.wait()
        await port.close(0.01)
        assert port.callers == 0


async def test_hostile_octets() -> None:
    dice = random.Random(2306)  # noqa: S311 - a test's own
    async with opened(speak=0.2) as port:
        for _ in range(60):
            octets = bytearray(STORY + COMMAND)
            for _ in range(dice.randrange(4)):
                octets[dice.randrange(len(octets))] = dice.randrange(256)
            reader, writer = await dial(port)
            writer.write(bytes(octets[: dice.randrange(len(octets) + 1)]))
            writer.write_eof()
            with suppress(ConnectionError):
                await reader.read()
        reader, writer = await dial(port)
        writer.write(STORY + COMMAND)
        assert (await answered(reader))[0] == 0
