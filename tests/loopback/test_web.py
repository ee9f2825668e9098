"""The whole way: a post with links of its own, a click, the farewell; and the figures of it all."""

import re
import signal
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import EmailMessage

import pytest
from loopback_rig import DOMAIN, Server, free_port, wait_for

OWNER, ANNA, BEN = "owner@example.org", "anna@example.net", "ben@example.net"


@pytest.fixture
def ports() -> tuple[int, int]:
    return free_port(), free_port()


@pytest.fixture
def server(make_server: Callable[..., Server], ports: tuple[int, int]) -> Server:
    extra = (
        f'[web]\nlisten = "127.0.0.1:{ports[0]}"\nbase_url = "https://{DOMAIN}/lists"\n'
        f'[metrics]\nlisten = "127.0.0.1:{ports[1]}"\n'
    )
    made = make_server(extra=extra)
    made.run("dkim")
    return made.start().wait_up()


def fetch(port: int, path: str, data: bytes | None = None) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", data, timeout=20) as reply:
            return reply.status, reply.read().decode()
    except urllib.error.HTTPError as exc:
        with exc:
            return exc.code, exc.read().decode()


def post(server: Server, subject: str) -> None:
    server.run("create", "NEWS-L", "--owner", OWNER, "--set", "Send= Owner", "--set", "Notify= Yes")
    server.run("import", "NEWS-L", "-", given=f"{ANNA}\n{BEN}\n")
    server.mail(OWNER, f"news-l@{DOMAIN}", "What is new.\n", subject)
    [request] = server.received(OWNER, 1)
    server.confirm(OWNER, request)


def link_of(mail: EmailMessage) -> str:
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    found = re.match(
        rf"<https://{DOMAIN}(/lists/u/[a-z2-7]{{32}})>, <mailto:", mail["List-Unsubscribe"]
    )
    assert found, mail["List-Unsubscribe"]
    return found[1]


def test_a_click_ends_a_subscription_and_a_form_in_hand_is_finished(
    server: Server, ports: tuple[int, int]
) -> None:
    web, metrics = ports
    post(server, "Hello")
    [mail], [other] = server.received(ANNA, 1), server.received(BEN, 1)
    path = link_of(mail)
    assert link_of(other) != path
    assert "list-unsubscribe-post" in mail["DKIM-Signature"]

    status, page = fetch(web, path)
    assert (status, page.count("<button")) == (200, 1)
    assert ANNA in server.run("export", "NEWS-L")
    assert fetch(web, path, b"List-Unsubscribe=One-Click")[0] == 200
    assert ANNA not in server.run("export", "NEWS-L")
    assert BEN in server.run("export", "NEWS-L")
    wait_for(
        lambda: any("SIGNOFF1" in m or ANNA in m for m in map(str, server.received(OWNER, 2))),
        "the owner hears",
    )

    # The public door has no figures, the other one no pages.
    assert fetch(web, "/metrics")[0] == 404
    assert fetch(metrics, path)[0] == 404
    lines = (
        'listserv_py_deliveries_total{outcome="sent"} ',
        "listserv_py_mails_taken_total 2.0",
        "listserv_py_messages_total 2.0",
        'listserv_py_mailings{state="running"} 0.0',
        "listserv_py_bounces_total 0.0",
        'listserv_py_connections{door="smtp in"} ',
        'listserv_py_codes{kind="',
        "listserv_py_process_cpu_seconds_total ",
    )

    def missing() -> list[str]:
        figures = fetch(metrics, "/metrics")[1]
        return [line for line in lines if f"\n{line}" not in figures]

    # What became of the last copies is recorded behind them.
    wait_for(lambda: not missing(), f"the figures, at first {missing()}")
    log = (server.folder / "log").read_text()
    assert path.rpartition("/")[2] not in log

    # SIGTERM is ours: the form in hand is answered, and the process ends well.
    with socket.create_connection(("127.0.0.1", ports[0]), timeout=20) as talk:
        head = f"POST {link_of(other)} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n"
        talk.sendall(head.encode() + b"Content-Length: 2\r\n\r\n")
        assert b" 100 " in talk.recv(1000)
        assert server.process
        server.process.send_signal(signal.SIGTERM)
        wait_for(lambda: not server.is_up(), "the door for mail is closed")
        talk.sendall(b"xy")
        assert talk.recv(1000).startswith(b"HTTP/1.1 200 ")
    assert server.process.wait(30) == 0
    server.process = None
    assert BEN not in server.run("export", "NEWS-L")
