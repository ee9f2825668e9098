"""A client process: so many mails from as many people at once, over so many SMTP sessions.

    python burst.py PORT TO MANY SESSIONS RUN TEXT

A process of its own, so that its CPU is not taken for the server's.
"""

from __future__ import annotations

import asyncio
import sys

from machine import HOST, join_mail, person


async def _session(port: int, to: str, text: str, people: list[str]) -> None:
    reader, writer = await asyncio.open_connection(HOST, port)
    await _reply(reader)
    writer.write(b"EHLO client.example\r\n")
    await _reply(reader)
    for sender in people:
        # Three commands at once, as RFC 2920 allows.
        writer.write(f"MAIL FROM:<{sender}>\r\nRCPT TO:<{to}>\r\nDATA\r\n".encode())
        for _ in range(3):
            await _reply(reader)
        writer.write(join_mail(sender, to, text).replace(b"\n", b"\r\n") + b".\r\n")
        await _reply(reader)
    writer.write(b"QUIT\r\n")
    writer.close()


async def _reply(reader: asyncio.StreamReader) -> None:
    while (line := await reader.readline())[3:4] == b"-":
        pass
    if line[:1] not in (b"2", b"3"):
        raise SystemExit(f"refused: {line!r}")


async def main(port: int, to: str, many: int, sessions: int, run: str, text: str) -> None:
    """Send them all; every mail has its own sender."""
    people = [person(number, run) for number in range(many)]
    shares = [people[one::sessions] for one in range(sessions)]
    await asyncio.gather(*(_session(port, to, text, share) for share in shares))


if __name__ == "__main__":
    asyncio.run(
        main(int(sys.argv[1]), sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), *sys.argv[5:7])
    )
