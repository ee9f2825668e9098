"""TCPGUI on a running server: the story of the reference, and what `check` says of the address."""

import json
import signal
import socket
import struct
import threading
import time

import pytest
from cli_site import OWNER, Site, server

PAUSE = threading.Event()
SECRET = "Sesame-Open-1"  # noqa: S105 - of nobody


def ready(site: Site, word: str = "daemon.ready") -> dict[str, str]:
    """What the server logged at that event, once it has."""
    end = time.monotonic() + 20
    while True:
        for line in (site.folder / "log").read_text().splitlines():
            if f'"{word}"' in line:
                found: dict[str, str] = json.loads(line)
                return found
        assert time.monotonic() < end
        PAUSE.wait(0.02)


def call(port: int, origin: str, command: str) -> str:
    with socket.create_connection(("127.0.0.1", port), 20) as line:
        total = len(origin) + len(command) + 1
        line.sendall(b"1B\r\n" + struct.pack(">HB", total, len(origin)) + origin.encode())
        answer = line.makefile("rb")
        assert answer.readline().startswith(b"250")
        line.sendall(command.encode())
        code, length = struct.unpack(">II", answer.read(8))
        assert code == 0
        text = answer.read()
        assert len(text) == length
        return str(text, "utf-8")


def add(site: Site, text: str) -> None:
    site.config.write_text(f"{site.config.read_text()}{text}")


def test_on_a_running_server(site: Site) -> None:
    add(site, '[tcpgui]\nlisten = "127.0.0.1:0"\n')
    site.ok("create", "TEST-L", "--owner", OWNER)
    site.ok("cmd", "--as", OWNER, f"PW REP {SECRET}")
    with server(site) as running:
        port = int(ready(site)["tcpgui"].partition(":")[2])
        assert call(port, "a@host.test", "THANKS PW=SECRET") == "You're welcome!\r\n"
        assert call(port, "@", "THANKS PW=password") == "You're welcome!\r\n"
        added = call(port, OWNER, f"ADD TEST-L joe@example.net Joe Doe PW={SECRET}")
        assert added == "Joe Doe <joe@example.net> has been added to the TEST-L list.\r\n"
        assert "needs your password" in call(port, OWNER, "QUERY ***GUI*** * FOR joe@example.net")
        said = call(port, OWNER, f"QUERY ***GUI*** TEST-L FOR joe@example.net PW={SECRET}")
        assert said.startswith("***HDR*** joe@example.net\r\n***NAME*** Joe Doe\r\n")
        before, _, _ = site.config.read_text().rpartition("127.0.0.1:0")
        site.config.write_text(f'{before}127.0.0.1:1"\n')
        running.send_signal(signal.SIGHUP)
        ready(site, "daemon.config_reread")
        assert call(port, "@", "THANKS") == "You're welcome!\r\n"
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.1", port), 20)
    assert SECRET not in (site.folder / "log").read_text()


def test_off_by_default(site: Site) -> None:
    assert "tcpgui" not in site.ok("check")


def test_an_address_that_others_reach(site: Site) -> None:
    add(site, '[tcpgui]\nlisten = "0.0.0.0:2306"\n')
    assert "tcpgui.listen: 0.0.0.0:2306 is not on loopback" in site.run("check").output


@pytest.mark.parametrize("address", ["192.0.2.1:2306", "no.such.host.invalid:2306"])
def test_an_address_of_another_machine(site: Site, address: str) -> None:
    add(site, f'[tcpgui]\nlisten = "{address}"\n')
    for words in ("check", "serve"):
        assert f"tcpgui.listen: {address}: " in site.refused(words, status=2)


def test_an_address_that_is_the_door_s_already(site: Site) -> None:
    site.config.write_text(site.config.read_text().replace("127.0.0.1:0", "127.0.0.1:2525"))
    add(site, '[tcpgui]\nlisten = "127.0.0.1:2525"\n')
    assert "tcpgui.listen: 127.0.0.1:2525 is that of listen[0]" in site.refused("check", status=2)
