import asyncio
import os
import socket
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from network import needs_ipv6

from listserv_py.config import Listen
from listserv_py.errors import ConfigError
from listserv_py.smtpd.limits import DoorSettings
from listserv_py.smtpd.listener import listen
from listserv_py.smtpd.sockets import activated


@needs_ipv6
async def test_several_doors_lead_into_one_house(tmp_path: Path, open_door: Callable) -> None:
    house = await open_door(connections=2)
    doors = [
        Listen(protocol="smtp", address="127.0.0.1:0"),
        Listen(protocol="smtp", address="[::1]:0"),
        Listen(protocol="lmtp", address=f"unix:{tmp_path / 'lmtp'}"),
    ]
    listener = await listen(doors, house.room, DoorSettings("lists.example.org", connections=2), {})
    first, second, third = listener.addresses
    assert (first[0], second[0], third) == ("127.0.0.1", "::1", str(tmp_path / "lmtp"))
    one = await asyncio.open_connection(*first)
    two = await asyncio.open_connection(*second)
    assert (await one[0].readline()).startswith(b"220 lists.example.org ESMTP")
    assert (await two[0].readline()).startswith(b"220 ")
    three = await asyncio.open_unix_connection(third)
    assert (await three[0].readline()).startswith(b"421 4.3.2 ")
    for _, writer in (one, two, three):
        writer.close()
    await listener.close(30)


async def test_replies_are_sent_without_nagle(open_door: Callable) -> None:
    house = await open_door()
    talk = await house.connect()
    await talk.hear()
    (session,) = house.listener.sessions
    sock = session.transport.get_extra_info("socket")
    assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


async def test_a_unix_socket_is_for_its_owner_and_group(
    tmp_path: Path, open_door: Callable
) -> None:
    path = tmp_path / "lmtp"
    house = await open_door("lmtp", f"unix:{path}")
    assert stat.S_IMODE(path.stat().st_mode) == 0o660
    talk = await house.connect()
    assert (await talk.hear()).startswith("220 lists.example.org LMTP ")
    await house.listener.close(30)
    assert not path.exists()


async def test_the_socket_that_a_killed_server_left_is_replaced(
    tmp_path: Path, open_door: Callable
) -> None:
    path = tmp_path / "lmtp"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    house = await open_door("lmtp", f"unix:{path}")
    assert (await (await house.connect()).hear()).startswith("220 ")


async def test_a_socket_that_is_answered_is_left_alone(tmp_path: Path, open_door: Callable) -> None:
    path = tmp_path / "lmtp"
    house = await open_door("lmtp", f"unix:{path}")
    with pytest.raises(ConfigError, match="another server is listening there"):
        await open_door("lmtp", f"unix:{path}")
    assert (await (await house.connect()).hear()).startswith("220 ")


async def test_a_file_that_is_no_socket_is_left_alone(tmp_path: Path, open_door: Callable) -> None:
    path = tmp_path / "mailbox"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="no socket"):
        await open_door("lmtp", f"unix:{path}")
    assert path.read_text() == "precious"


async def test_a_socket_that_took_our_place_is_left_alone(
    tmp_path: Path, open_door: Callable
) -> None:
    path = tmp_path / "lmtp"
    house = await open_door("lmtp", f"unix:{path}")
    path.rename(tmp_path / "old")
    with socket.socket(socket.AF_UNIX) as other:
        other.bind(str(path))
        await house.listener.close(30)
    assert path.exists()


@pytest.mark.parametrize("taken", ["127.0.0.1:{port}", "unix:/nonexistent/lmtp", "systemd:lmtp"])
async def test_all_doors_open_or_none(open_door: Callable, tmp_path: Path, taken: str) -> None:
    house = await open_door()
    path = tmp_path / "smtp"
    doors = [
        Listen(protocol="smtp", address=f"unix:{path}"),
        Listen(protocol="smtp", address=taken.format(port=house.port)),
    ]
    with pytest.raises(ConfigError, match=r"listen\[1\]\.address: "):
        await listen(doors, house.room, DoorSettings("lists.example.org"), {})
    assert not path.exists()


def test_sockets_that_are_for_another_process_are_not_taken() -> None:
    environ = {"LISTEN_PID": "1", "LISTEN_FDS": "2", "LISTEN_FDNAMES": "smtp:lmtp", "HOME": "/"}
    assert activated(environ) == {}
    assert environ == {"HOME": "/"}
    assert activated({"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "²"}) == {}


SERVER = """
import asyncio, sys
from listserv_py.config import Listen
from listserv_py.smtpd.limits import DoorSettings
from listserv_py.smtpd.listener import listen

class Room:
    async def accepts(self, sender, rcpt, size): return None
    async def take(self, envelope): pass

async def main():
    doors = [Listen(protocol=one, address=f"systemd:{one}") for one in ("smtp", "lmtp")]
    listener = await listen(doors, Room(), DoorSettings("lists.example.org"))
    print([sock.proto for server in listener.servers for sock in server.sockets])
    await asyncio.to_thread(sys.stdin.read)
    await listener.close(1)

asyncio.run(main())
"""


async def test_systemd_hands_over_several_sockets_of_one_name(tmp_path: Path) -> None:
    """As sd_listen_fds(3) says: from 3 upwards, the name's variable and our own process id."""
    path, script = tmp_path / "lmtp", tmp_path / "server.py"
    script.write_text(SERVER)
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
        socket.socket(socket.AF_UNIX) as three,
    ):
        three.bind(str(path))
        three.listen()
        fds = [sock.fileno() for sock in (one, two, three)]
        # They are moved up first, out of each other's way.
        above = max(*fds, 5) + 1
        moves = [f"{above + at}<&{fd}" for at, fd in enumerate(fds)]
        moves += [f"{3 + at}<&{above + at}" for at in range(3)]
        process = await asyncio.create_subprocess_exec(
            *("bash", "-c", f'exec {" ".join(moves)}; LISTEN_PID=$$ exec "$@"', "bash"),
            *(sys.executable, str(script)),
            env={**os.environ, "LISTEN_FDS": "3", "LISTEN_FDNAMES": "smtp:smtp:lmtp"},
            pass_fds=fds,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        greetings = [await greeting(sock.getsockname()) for sock in (one, two, three)]
    output, _ = await process.communicate(b"")
    assert process.returncode == 0
    assert [words[2] for words in greetings] == ["ESMTP", "ESMTP", "LMTP"]
    assert output.decode().strip() == f"[{socket.IPPROTO_TCP}, {socket.IPPROTO_TCP}, 0]"
    assert path.exists()


async def greeting(address: tuple[str, int] | str) -> list[str]:
    if isinstance(address, str):
        reader, writer = await asyncio.open_unix_connection(address)
    else:
        reader, writer = await asyncio.open_connection(*address)
    line = await reader.readline()
    writer.close()
    await writer.wait_closed()
    return line.decode().split()
