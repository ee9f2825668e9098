import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
import trustme

from listserv_py.config import Settings
from listserv_py.smtpd.limits import Census, DoorSettings, door_settings, host_key


def census(**limits: object) -> Census:
    return Census(DoorSettings("lists.example.org", **limits))


async def test_one_host_gets_so_many_connections() -> None:
    count = census(connections_per_host=2)
    assert count.enter("192.0.2.1", 0) is None
    assert count.enter("192.0.2.1", 0) is None
    assert str(count.enter("192.0.2.1", 0)).startswith("421 4.7.0")
    assert count.enter("192.0.2.2", 0) is None
    count.leave("192.0.2.1")
    assert count.enter("192.0.2.1", 0) is None


@pytest.mark.parametrize("client", ["", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1"])
async def test_our_own_machine_is_not_counted_as_a_host(client: str) -> None:
    count = census(connections_per_host=1, connections=30)
    assert [count.enter(client, 0) for _ in range(30)] == [None] * 30
    assert str(count.enter(client, 0)).startswith("421 4.3.2")


async def test_all_together_are_counted() -> None:
    count = census(connections=2)
    assert count.enter("192.0.2.1", 0) is None
    assert count.enter("", 0) is None
    assert str(count.enter("192.0.2.2", 0)).startswith("421 4.3.2")
    assert not count.empty.is_set()
    count.leave("192.0.2.1")
    count.leave("")
    assert count.empty.is_set()


async def test_one_host_comes_so_often_a_minute() -> None:
    count = census(connections_per_minute=2)
    for _ in range(2):
        assert count.enter("192.0.2.1", 30) is None
        count.leave("192.0.2.1")
    assert str(count.enter("192.0.2.1", 59)).startswith("421 4.7.0")
    assert count.enter("192.0.2.1", 60) is None


def test_hosts_that_one_customer_has() -> None:
    assert host_key("2001:db8::1") == host_key("2001:db8::ffff:2")
    assert host_key("2001:db8::1") != host_key("2001:db8:0:1::1")
    assert host_key("::ffff:192.0.2.1") == host_key("192.0.2.1") == "192.0.2.1"


def test_the_door_is_set_by_the_configuration(tmp_path: Path) -> None:
    pair = trustme.CA().issue_cert("lists.example.org")
    pair.private_key_and_cert_chain_pem.write_to_path(tmp_path / "both.pem")
    settings = Settings.model_validate(
        {
            "site": {"domain": "lists.example.org", "data_dir": str(tmp_path)},
            "limits": {"message_size": "1MB", "connections": 7},
            "tls": {"certificate": str(tmp_path / "both.pem"), "key": str(tmp_path / "both.pem")},
        },
        context={"folder": tmp_path},
    )
    found = door_settings(settings)
    assert (found.message_size, found.connections, found.connections_per_host) == (10**6, 7, 20)
    assert found.tls is not None


async def test_the_connection_too_many_is_told_so(open_door: Callable) -> None:
    house = await open_door(connections=1)
    first = await house.connect()
    await first.reply()
    second = await house.connect()
    assert (await second.hear()).startswith("421 4.3.2 ")
    assert await second.hear() == ""
    assert (await first.ask("QUIT")).startswith("221 ")
    assert await first.hear() == ""
    third = await house.connect()
    assert (await third.hear()).startswith("220 ")


async def test_mail_that_fills_the_memory_is_read_but_not_kept(open_door: Callable) -> None:
    house = await open_door(octets=3000)
    census = house.listener.handler.census
    talk = await house.connect()
    await talk.begin()
    await talk.send(b"A" * 2000 + b"\r\n")
    await house.until(lambda: census.octets > 2000)
    await talk.send(b"B" * 2000 + b"\r\n")
    await house.until(lambda: census.octets < 100)
    await talk.send(b".\r\n")
    assert (await talk.reply()).startswith("452 4.3.1 ")
    assert (await talk.ask("NOOP")).startswith("250 ")
    assert house.room.mails == []


async def test_while_the_memory_is_full_no_mail_is_begun(open_door: Callable) -> None:
    house = await open_door(octets=3000)
    house.room.gate.clear()
    first, second = await house.connect(), await house.connect()
    await first.begin()
    await first.send(b"A" * 4000 + b"\r\n.\r\n")
    await house.room.begun.wait()
    await second.reply()
    await second.ask("HELO client.example.org")
    await second.ask("MAIL FROM:<ann@example.org>")
    await second.ask("RCPT TO:<test-l@lists.example.org>")
    assert (await second.ask("DATA")).startswith("452 4.3.1 ")
    house.room.gate.set()
    assert (await first.reply()).startswith("250 ")
    await second.ask("MAIL FROM:<ann@example.org>")
    await second.ask("RCPT TO:<test-l@lists.example.org>")
    assert (await second.ask("DATA")).startswith("354 ")


async def test_a_mail_that_says_it_would_not_fit_is_not_begun(open_door: Callable) -> None:
    house = await open_door(octets=3000)
    talk = await house.connect()
    await talk.reply()
    await talk.ask("EHLO client.example.org")
    await talk.ask("MAIL FROM:<ann@example.org> SIZE=3001")
    await talk.ask("RCPT TO:<test-l@lists.example.org>")
    assert (await talk.ask("DATA")).startswith("452 4.3.1 ")


async def test_of_many_large_mails_at_once_some_come_in(open_door: Callable) -> None:
    house = await open_door(octets=1_000_000, message_size=400_000)

    async def bring() -> str:
        talk = await house.connect()
        await talk.begin()
        for _ in range(30):
            await talk.send((b"A" * 98 + b"\r\n") * 100)
        await talk.send(b".\r\n")
        return (await talk.reply())[:9]

    answers = await asyncio.gather(*(bring() for _ in range(10)))
    assert set(answers) == {"250 2.0.0", "452 4.3.1"}
