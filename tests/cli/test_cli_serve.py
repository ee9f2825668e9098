"""`serve` and `check`: what is told before anything is started, and SIGHUP, as real processes."""

import re
import signal
import smtplib
import socket
import threading
import time
from contextlib import ExitStack

import pytest
from cli_site import DOMAIN, Site, process, server
from forked import Forked

from listserv_py.daemon.server import DESCRIPTORS_OF_OURS

PAUSE = threading.Event()


def logged(site: Site, word: str) -> str:
    """The log, once a word stands in it."""
    end = time.monotonic() + 20
    while word not in (written := (site.folder / "log").read_text()):
        assert time.monotonic() < end, written
        PAUSE.wait(0.02)
    return written


def port(site: Site) -> int:
    found = re.search(r"127\.0\.0\.1:(\d+)", logged(site, "daemon.ready"))
    assert found is not None
    return int(found[1])


def configure(site: Site, *, listen: str = '"127.0.0.1:0"', more: str = "") -> None:
    site.config.write_text(
        f'[site]\ndomain = "{DOMAIN}"\ndata_dir = "data"\n[[listen]]\naddress = {listen}\n'
        f'[delivery]\nrelay = "127.0.0.1:1"\n{more}'
    )


DOORS = ["192.0.2.1:2525", "no.such.host.invalid:2525", "unix:/nowhere/s", "unix:/etc/passwd"]


@pytest.mark.parametrize("address", DOORS)
def test_a_door_that_cannot_be_opened(site: Site, address: str) -> None:
    configure(site, listen=f'"{address}"')
    for words in ("check", "serve"):
        said = site.refused(words, status=2)
        assert f"{site.config}:5: listen[0].address: {address}: " in said
    assert not site.data.exists()


def test_a_door_that_is_taken(site: Site) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        configure(site, listen=f'"{address}"')
        said = process(site, "serve")
    assert said.returncode == 2
    assert f"{site.config}:5: listen[0].address: {address}: " in said.stderr


def test_a_socket_that_systemd_did_not_hand_over(site: Site) -> None:
    configure(site, listen='"systemd:lmtp"')
    assert "listen[0].address: systemd:lmtp" in process(site, "serve").stderr


@pytest.mark.parametrize("content", [b"p\xe4ss\n", b"\n", b""])
def test_a_file_without_a_password(site: Site, content: bytes) -> None:
    (site.folder / "password").write_bytes(content)
    configure(site, more='username = "u"\npassword_file = "password"\n')
    for words in ("check", "serve"):
        assert f"{site.config}:9: delivery.password_file: " in site.refused(words, status=2)


@pytest.mark.parametrize("table", ["dkim", "arc"])
def test_a_file_without_a_key(site: Site, table: str) -> None:
    (site.folder / "key").write_text("nothing")
    seal = "seal = true\n" if table == "arc" else ""
    configure(site, more=f'[{table}]\nkey_file = "key"\n{seal}')
    for words in ("check", "serve"):
        assert f"{site.config}:9: {table}.key_file: " in site.refused(words, status=2)


def test_a_folder_that_nobody_can_make(site: Site) -> None:
    site.config.write_text(site.config.read_text().replace('"data"', '"/proc/data"'))
    assert "site.data_dir" in site.refused("serve", status=2)


def test_check_misses_the_database(with_list: Site) -> None:
    (with_list.data / "listserv.db").unlink()
    assert "gone" in with_list.refused("check", status=2)


def hang_up(site: Site, running: Forked, written: str, word: str) -> None:
    """Write another configuration and have it read; returns when the log says `word`."""
    before = logged(site, "daemon.ready").count(word)
    site.config.write_text(written)
    running.send_signal(signal.SIGHUP)
    end = time.monotonic() + 20
    while (site.folder / "log").read_text().count(word) == before:
        assert time.monotonic() < end
        PAUSE.wait(0.02)


def test_hang_up_rereads_and_a_fault_keeps_what_was(with_list: Site) -> None:
    good = with_list.config.read_text()
    (with_list.folder / "nothing.pem").write_text("nothing")
    smaller = f'{good}[limits]\nmessage_size = "1MB"\n'
    faults = [
        "[limits",
        "[web]\nlisten = 5\n",
        '[tls]\ncertificate = "/etc/passwd"\nkey = "/etc/passwd"\n',
        '[tls]\ncertificate = "/nowhere"\nkey = "/nowhere"\n',
    ]
    with server(with_list) as running:
        where = port(with_list)
        hang_up(with_list, running, smaller, "daemon.config_reread")
        refused = [smaller.replace("1MB", "2MB") + fault for fault in faults]
        refused.append(good.replace("dkim.pem", "nothing.pem"))
        for written in refused:
            hang_up(with_list, running, written, "daemon.config_refused")
        with smtplib.SMTP("127.0.0.1", where, timeout=30) as client:
            client.ehlo()
            assert client.esmtp_features["size"] == "1000000"


def test_hang_up_says_which_settings_need_a_restart(with_list: Site) -> None:
    good = with_list.config.read_text()
    doors = ("web", "metrics", "tcpgui")
    more = "".join(
        f'[{name}]\nlisten = "127.0.0.1:{number}"\n' for number, name in enumerate(doors, 9461)
    )
    with server(with_list) as running:
        hang_up(with_list, running, good + more, "daemon.config_reread")
        lines = logged(with_list, "daemon.needs_restart").splitlines()
    told = [line for line in lines if "needs_restart" in line]
    assert [name for name in doors for line in told if f'"{name}.listen"' in line] == list(doors)
    assert len(told) == len(doors)


def test_hang_up_moves_the_lists_to_another_domain(with_list: Site) -> None:
    other = with_list.config.read_text().replace(DOMAIN, "lists.example.net")
    with server(with_list) as running:
        hang_up(with_list, running, other, "daemon.config_reread")
        with smtplib.SMTP("127.0.0.1", port(with_list), timeout=30) as client:
            client.ehlo()
            client.mail("a@b.example")
            assert client.rcpt("test-l@lists.example.net")[0] == 250
            assert client.rcpt(f"test-l@{DOMAIN}")[0] == 550
        assert "test-l@lists.example.net" in with_list.ok("cmd", "INFO", "TEST-L")


def test_more_clients_than_descriptors(site: Site) -> None:
    with server(site, files=DESCRIPTORS_OF_OURS + 24) as running, ExitStack() as stack:
        where = port(site)
        clients = [
            stack.enter_context(socket.create_connection(("127.0.0.1", where))) for _ in range(100)
        ]
        greetings = [_greeting(client) for client in clients]
        assert greetings.count(b"220") == 24
        assert set(greetings) == {b"220", b"421"}
        clients[0].sendall(b"NOOP\r\n")
        with clients[0].makefile("rb") as replies:
            assert [replies.readline()[-4:] for _ in range(2)] == [b"py\r\n", b"Ok\r\n"]
        for client in clients:
            client.close()
        assert site.run("cmd", "--as", "a@b.example", "LISTS").exit_code == 0
        with smtplib.SMTP("127.0.0.1", where, timeout=30) as last:
            last.sendmail("a@b.example", f"listserv@{DOMAIN}", "From: a@b.example\n\nHELP")
        logged(site, "delivery.sent")
        assert running.poll() is None


def _greeting(client: socket.socket) -> bytes:
    client.settimeout(30)
    return client.recv(3)
