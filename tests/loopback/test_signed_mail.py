"""A real server, a real signature, a DNS of our own: who signs needs no code."""

import asyncio
import base64
import smtplib
from collections.abc import Callable
from email.utils import formatdate

import dkim
from cryptography.hazmat.primitives import serialization
from loopback_rig import DOMAIN, Server
from name_server import NameServer
from rsa_key import KEY

OWNER = "owner@example.org"
LISTSERV = f"listserv@{DOMAIN}"
PEM = KEY.private_bytes(
    serialization.Encoding.PEM,
    serialization.PrivateFormat.TraditionalOpenSSL,
    serialization.NoEncryption(),
)
PUBLIC = base64.b64encode(
    KEY.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
).decode()
ZONE = {("s1._domainkey.example.org", "TXT"): [f'"v=DKIM1; p={PUBLIC[:200]}" "{PUBLIC[200:]}"']}


def command(line: str, number: int) -> bytes:
    return (
        f"From: {OWNER}\r\nTo: {LISTSERV}\r\nDate: {formatdate()}\r\n"
        f"Message-ID: <{number}@example.org>\r\n\r\n{line}\r\n"
    ).encode()


def deliver(server: Server, raw: bytes) -> None:
    with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
        client.sendmail(OWNER, [LISTSERV], raw)


async def test_a_signed_owner_is_obeyed_and_an_unsigned_one_is_asked(
    make_server: Callable[..., Server],
) -> None:
    async with NameServer(dict(ZONE)).listening() as names:
        server = make_server(extra=f'[dns]\nservers = ["127.0.0.1:{names.port}"]')
        await asyncio.to_thread(play, server)


def play(server: Server) -> None:
    server.start().wait_up()
    server.run("create", "NEWS-L", "--owner", OWNER)
    unsigned = command("QUIET ADD NEWS-L bert@example.com Bert Berg", 1)
    deliver(server, unsigned)
    [request] = server.received(OWNER, 1, "the request")
    assert "confirm" in str(request["Subject"]).lower()
    assert server.run("export", "NEWS-L").count("@") == 0

    raw = command("QUIET ADD NEWS-L anna@example.net Anna Arm", 2)
    covered = [b"from", b"to", b"date", b"message-id"]
    deliver(server, dkim.sign(raw, b"s1", b"example.org", PEM, include_headers=covered) + raw)
    server.received(OWNER, 2, "the answer")
    assert "anna@example.net" in server.run("export", "NEWS-L")
