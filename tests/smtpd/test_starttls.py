import asyncio
import ssl
import subprocess
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

CA = trustme.CA()


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    CA.issue_cert("lists.example.org").configure_cert(context)
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context()
    CA.configure_trust(context)
    return context


async def secured(talk: object) -> None:
    """Say STARTTLS and shake hands."""
    assert (await talk.ask("STARTTLS")).startswith("220 ")
    await talk.writer.start_tls(client_context(), server_hostname="lists.example.org")


async def test_after_the_handshake_everything_begins_anew(open_door: Callable) -> None:
    house = await open_door(tls=server_context())
    talk = await house.connect()
    await talk.reply()
    assert await talk.ask("EHLO client.example.org") == "250 STARTTLS"
    await talk.ask("MAIL FROM:<ann@example.org>")
    await secured(talk)
    assert (await talk.ask("RCPT TO:<test-l@lists.example.org>")).startswith("503 ")
    assert (await talk.ask("MAIL FROM:<ann@example.org>")).startswith("503 ")
    assert await talk.ask("EHLO client.example.org") == "250 ENHANCEDSTATUSCODES"
    assert (await talk.ask("STARTTLS")).startswith("503 5.5.1 ")
    await talk.ask("MAIL FROM:<ann@example.org>")
    await talk.ask("RCPT TO:<test-l@lists.example.org>")
    await talk.ask("DATA")
    assert (await talk.ask("text\r\n.")).startswith("250 ")
    assert b" with ESMTPS id " in house.room.mails[0].content
    assert (await talk.ask("QUIT")).startswith("221 ")
    assert await talk.hear() == ""


async def test_what_was_said_in_clear_behind_starttls_is_forgotten(open_door: Callable) -> None:
    """CVE-2021-38371 and its kin: a man in the middle must not speak inside the tunnel."""
    house = await open_door(tls=server_context())
    talk = await house.connect()
    await talk.reply()
    await talk.ask("EHLO client.example.org")
    await talk.send(b"STARTTLS\r\nMAIL FROM:<evil@example.net>\r\nRSET\r\n")
    assert (await talk.reply()).startswith("220 ")
    await talk.writer.start_tls(client_context(), server_hostname="lists.example.org")
    assert await talk.ask("EHLO client.example.org") == "250 ENHANCEDSTATUSCODES"
    assert (await talk.ask("RCPT TO:<test-l@lists.example.org>")).startswith("503 5.5.1 ")
    assert (await talk.ask("NOOP")).startswith("250 ")


async def test_starttls_with_a_parameter(open_door: Callable) -> None:
    house = await open_door(tls=server_context())
    talk = await house.connect()
    await talk.reply()
    assert (await talk.ask("STARTTLS now")).startswith("501 ")


async def test_old_tls_is_refused(open_door: Callable) -> None:
    house = await open_door(tls=server_context())
    talk = await house.connect()
    await talk.reply()
    await talk.ask("STARTTLS")
    context = client_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await talk.writer.start_tls(context, server_hostname="lists.example.org")
    await house.until(house.listener.handler.census.empty.is_set)


@pytest.mark.parametrize("said", [b"", b"NOOP\r\n", b"\x16\x03\x01\x02\x00\x01\x00"])
async def test_a_handshake_that_fails_leaves_nothing_behind(
    open_door: Callable, said: bytes
) -> None:
    house = await open_door(tls=server_context())
    talk = await house.connect()
    await talk.reply()
    await talk.ask("STARTTLS")
    await talk.send(said)
    talk.close()
    await house.until(house.listener.handler.census.empty.is_set)


async def test_a_handshake_that_never_ends_is_cut_off(open_door: Callable) -> None:
    house = await open_door(tls=server_context(), idle=0.05)
    talk = await house.connect()
    await talk.reply()
    await talk.ask("STARTTLS")
    assert await talk.hear() == ""
    await house.until(house.listener.handler.census.empty.is_set)


async def test_half_closing_inside_tls_ends_the_session(open_door: Callable) -> None:
    house = await open_door(tls=server_context())
    talk = await house.connect()
    await talk.reply()
    await secured(talk)
    assert (await talk.ask("NOOP")).startswith("250 ")
    talk.close()
    await house.until(house.listener.handler.census.empty.is_set)


async def swaks(*arguments: str) -> str:
    process = await asyncio.create_subprocess_exec(
        "swaks",
        *arguments,
        *("--from", "ann@example.org", "--helo", "client.example.org"),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_swaks_speaks_tls(open_door: Callable) -> None:
    house = await open_door(tls=server_context())
    server = f"127.0.0.1:{house.port}"
    output = await swaks("-s", server, "-tls", "--to", "test-l@lists.example.org")
    assert "TLS started with cipher TLSv1.3" in output
    (mail,) = house.room.mails
    assert b" with ESMTPS id " in mail.content


async def test_swaks_speaks_lmtp_on_a_unix_socket(open_door: Callable, tmp_path: Path) -> None:
    path = tmp_path / "lmtp"
    house = await open_door("lmtp", f"unix:{path}", message_size=5000)
    people = "test-l@lists.example.org,listserv@lists.example.org,TEST-L@lists.example.org"
    socket = ("--socket", str(path), "--protocol", "LMTP", "--to", people)
    output = await swaks(*socket, "--pipeline")
    assert output.count("250 2.0.0 Kept as") == 3
    (mail,) = house.room.mails
    assert [str(rcpt) for rcpt in mail.rcpt_to] == people.split(",")[:2]
    assert (mail.protocol, mail.client) == ("lmtp", "")
