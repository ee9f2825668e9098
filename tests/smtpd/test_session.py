import asyncio
import socket
import struct
from collections.abc import Callable

import pytest

DATA_END = b"Subject: x\r\n\r\ntext\r\n.\r\n"


async def test_our_received_field_stands_on_top(open_door: Callable) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.begin()
    await talk.send(b"Received: older\r\n" + DATA_END)
    reply = await talk.reply()
    (mail,) = house.room.mails
    lines = mail.content.split(b"\r\n")
    assert lines[0] == b"Received: from client.example.org ([127.0.0.1])"
    assert lines[1].startswith(b"\tby lists.example.org with ESMTP id ")
    assert lines[1].endswith(reply.rpartition(" ")[2].encode())
    assert lines[2].startswith(b"\tfor <test-l@lists.example.org>; ")
    assert lines[3] == b"Received: older"
    assert (mail.client, mail.helo, mail.protocol) == ("127.0.0.1", "client.example.org", "smtp")


async def test_a_fault_is_told_to_the_log_and_not_to_the_client(
    open_door: Callable, caplog: pytest.LogCaptureFixture
) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.begin(to=("fault-l",))
    await talk.send(DATA_END)
    reply = await talk.reply()
    assert reply.startswith("451 4.3.0 ")
    assert "secret" not in reply
    assert "/var" not in reply
    token = reply.rpartition("(")[2].rstrip(")")
    (record,) = [one for one in caplog.records if "door.fault" in one.getMessage()]
    assert token in record.getMessage()
    assert "SELECT secret" in record.getMessage()


async def test_a_client_that_half_closes_at_the_dot_is_answered(open_door: Callable) -> None:
    house = await open_door()
    house.room.gate.clear()
    talk = await house.connect()
    await talk.begin()
    talk.writer.write(DATA_END)
    talk.writer.write_eof()
    await house.room.begun.wait()
    house.room.gate.set()
    assert (await talk.reply()).startswith("250 2.0.0 ")
    assert await talk.hear() == ""
    assert len(house.room.mails) == 1


async def test_a_commit_goes_on_when_the_client_vanishes(open_door: Callable) -> None:
    house = await open_door()
    house.room.gate.clear()
    talk = await house.connect()
    await talk.begin()
    await talk.send(DATA_END)
    await house.room.begun.wait()
    reset(talk.writer)
    await house.listener.handler.census.empty.wait()
    assert house.room.mails == []
    house.room.gate.set()
    await house.until(lambda: len(house.room.mails) == 1)


def reset(writer: asyncio.StreamWriter) -> None:
    """Vanish without a goodbye."""
    linger = struct.pack("ii", 1, 0)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
    writer.transport.abort()


@pytest.mark.parametrize("said", [b"", b"EHLO x\r\nMAIL FR", b"EHLO x\r\n", None])
async def test_a_client_may_vanish_anywhere(open_door: Callable, said: bytes | None) -> None:
    house = await open_door()
    talk = await house.connect()
    if said is None:
        await talk.begin()
        await talk.send(b"half a mail")
    else:
        await talk.hear()
        await talk.send(said)
    reset(talk.writer)
    await house.until(house.listener.handler.census.empty.is_set)
    assert house.room.mails == []


async def test_a_silent_client_is_sent_away(open_door: Callable) -> None:
    house = await open_door(idle=0.05)
    talk = await house.connect()
    assert (await talk.hear()).startswith("220 ")
    assert await talk.hear() == "421 4.4.2 That took too long"
    assert await talk.hear() == ""


async def test_a_client_that_stops_in_its_mail_is_sent_away(open_door: Callable) -> None:
    house = await open_door(read=0.05)
    talk = await house.connect()
    await talk.begin()
    await talk.send(b"half a")
    assert await talk.hear() == "421 4.4.2 That took too long"
    assert await talk.hear() == ""


async def test_a_client_that_trickles_is_sent_away(open_door: Callable) -> None:
    house = await open_door(read=0.05, data_rate=10_000)
    talk = await house.connect()
    await talk.begin()
    heard = asyncio.create_task(talk.hear())
    while not heard.done():
        talk.writer.write(b"A")
        await asyncio.wait([heard], timeout=0.01)
    assert await heard == "421 4.4.2 That took too long"


async def test_a_slow_but_steady_client_is_not(open_door: Callable) -> None:
    house = await open_door(idle=0.4, read=0.4, data_rate=10)
    talk = await house.connect()
    await talk.begin()
    heard = asyncio.create_task(talk.reply())
    for _ in range(30):
        talk.writer.write(b"A line\r\n")
        await asyncio.wait([heard], timeout=0.02)
    assert not heard.done()
    await talk.send(b".\r\n")
    assert (await heard).startswith("250 ")


async def test_nobody_stays_for_ever(open_door: Callable) -> None:
    house = await open_door(session=0.1, junk=10**9)
    talk = await house.connect()
    await talk.hear()
    while (reply := await talk.ask("NOOP")).startswith("250 "):
        await asyncio.wait([asyncio.create_task(house.room.gate.wait())], timeout=0.01)
    assert reply == "421 4.4.2 That took too long"


async def test_a_stuck_disk_ends_the_session_and_not_the_mail(open_door: Callable) -> None:
    house = await open_door(commit=0.05)
    house.room.gate.clear()
    talk = await house.connect()
    await talk.begin()
    await talk.send(DATA_END)
    assert (await talk.hear()).startswith("421 4.4.2 ")
    house.room.gate.set()
    await house.until(lambda: len(house.room.mails) == 1)


async def test_a_client_that_does_not_listen_is_cut_off(open_door: Callable) -> None:
    house = await open_door(idle=0.1, linger=0.05, junk=10**9)
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setblocking(False)
    with sock:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(sock, ("127.0.0.1", house.port))
        await house.until(lambda: not house.listener.handler.census.empty.is_set())
        wordy = asyncio.create_task(loop.sock_sendall(sock, b"VRFY x\r\n" * 1_000_000))
        await asyncio.wait_for(house.listener.handler.census.empty.wait(), 30)
        wordy.cancel()
        with pytest.raises((asyncio.CancelledError, ConnectionError)):
            await wordy


async def test_far_too_much_is_cut_off(open_door: Callable) -> None:
    house = await open_door(message_size=100_000)
    census = house.listener.handler.census
    talk = await house.connect()
    await talk.begin()
    heard = asyncio.create_task(talk.hear())
    most = 0
    for _ in range(5000):
        if heard.done() or talk.writer.is_closing():
            break
        talk.writer.write(b"A" * 65536)
        await asyncio.wait([heard], timeout=0)
        most = max(most, census.octets)
    # Unread input makes the kernel reset the connection, and the 421 may be lost with it.
    assert (await heard)[:9] in {"421 4.3.4", ""}
    assert most < 700_000


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"NOOP " + b"x" * 505 + b"\r\n", "250 2.0.0"),
        (b"NOOP " + b"x" * 506 + b"\r\n", "500 5.5.2"),
        (b"x" * 4000 + b"\r\n", "500 5.5.2"),
        (b"MAIL FROM:<> " + b"x" * 540 + b"\r\n", "555 5.5.4"),
        (b"MAIL FROM:<> " + b"x" * 551 + b"\r\n", "500 5.5.2"),
        (b"x" * 10_000, "421 4.7.0"),
    ],
)
async def test_command_lines_have_a_length(open_door: Callable, line: bytes, answer: str) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.reply()
    await talk.ask("EHLO client.example.org")
    await talk.send(line)
    assert (await talk.reply())[:9] == answer


async def test_1000_recipients_are_taken_and_the_next_is_not(open_door: Callable) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.reply()
    await talk.ask("EHLO client.example.org")
    await talk.ask("MAIL FROM:<ann@example.org>")
    await talk.send(b"RCPT TO:<test-l@lists.example.org>\r\n" * 1150)
    answers = [(await talk.reply())[:9] for _ in range(1150)]
    assert answers == ["250 2.1.5"] * 1000 + ["452 4.5.3"] * 150
    assert (await talk.ask("DATA")).startswith("354 ")


async def test_our_own_mta_may_ask_for_many_unknown_lists(open_door: Callable) -> None:
    house = await open_door("lmtp", junk=5)
    talk = await house.connect()
    await talk.reply()
    await talk.ask("LHLO mta.example.org")
    await talk.ask("MAIL FROM:<ann@example.org>")
    for _ in range(20):
        assert (await talk.ask("RCPT TO:<nobody-l@lists.example.org>")).startswith("550 5.1.1 ")


async def test_sessions_do_not_wait_for_each_other(open_door: Callable) -> None:
    house = await open_door()
    house.room.gate.clear()
    slow, honest = await house.connect(), await house.connect()
    await slow.begin()
    await slow.send(DATA_END)
    await house.room.begun.wait()
    assert (await honest.hear()).startswith("220 ")
    assert (await honest.ask("NOOP")).startswith("250 ")


# The end of the server.


async def test_at_the_end_idle_clients_are_sent_away(open_door: Callable) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.hear()
    port = house.port
    await house.listener.close(30)
    assert await talk.hear() == "421 4.3.2 Shutting down; try again later"
    assert await talk.hear() == ""
    with pytest.raises(OSError, match="onnect"):
        await asyncio.open_connection("127.0.0.1", port)


async def test_at_the_end_the_mail_in_hand_is_finished(open_door: Callable) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.begin()
    await talk.send(b"half a mail\r\n")
    closing = asyncio.create_task(house.listener.close(30))
    await house.until(lambda: not house.listener.addresses)
    await talk.send(b"the other half\r\n.\r\nMAIL FROM:<ann@example.org>\r\n")
    assert (await talk.hear()).startswith("250 2.0.0 ")
    assert (await talk.hear()).startswith("421 4.3.2 ")
    await closing
    assert len(house.room.mails) == 1


async def test_at_the_end_nobody_is_waited_for_longer_than_the_grace(open_door: Callable) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.begin()
    await talk.send(b"half a mail\r\n")
    await house.listener.close(0.05)
    assert (await talk.hear()).startswith("421 4.3.2 ")
    assert await talk.hear() == ""
    assert house.room.mails == []
