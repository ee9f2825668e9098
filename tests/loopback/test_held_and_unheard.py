"""The database is held by somebody else; nobody hears the log; yesterday's backup comes back."""

from __future__ import annotations

import os
import signal
import smtplib
import sqlite3
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from forked import listserv_py
from loopback_rig import DOMAIN, Server, Sink, wait_for

LISTSERV = f"listserv@{DOMAIN}"
READERS = [f"reader{number}@example.net" for number in range(300)]
Maker = Callable[..., Server]


def answer(server: Server, number: int) -> int:
    """The code that one mail gets."""
    sender = f"joe{number}@example.net"
    text = f"From: {sender}\r\nMessage-ID: <{number}@x.y>\r\n\r\nTHANKS\r\n"
    try:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=60) as client:
            client.sendmail(sender, LISTSERV, text)
    except smtplib.SMTPResponseException as exc:
        return exc.smtp_code
    return 250


def test_a_start_and_fifty_clients_while_somebody_holds_the_database(
    make_server: Maker, sink: Sink
) -> None:
    server = filled(make_server, sink).start().wait_up()
    posted(server)
    wait_for(lambda: len(counted(sink)) > 50, "the first copies")
    server.stop(signal.SIGKILL)
    with ThreadPoolExecutor(50) as clients:
        with closing(sqlite3.connect(server.data_dir / "listserv.db", timeout=20)) as other:
            other.execute("BEGIN EXCLUSIVE")
            server.start().wait_up()
            before = len(sink.copies())
            assert list(clients.map(lambda n: answer(server, n), range(50))) == [451] * 50
            assert len(sink.copies()) == before, "nothing is sent before it is known what was"
            other.rollback()
        wait_for(lambda: answer(server, 99) == 250, "it goes on by itself")
        assert list(clients.map(lambda n: answer(server, n), range(50))) == [250] * 50
    wait_for(lambda: len(counted(sink)) == len(READERS), "all copies")
    assert sum(counted(sink).values()) - len(READERS) <= 20, "one a connection"
    people = {f"joe{number}@example.net" for number in range(50)}
    wait_for(lambda: people <= {one.rcpt for one in sink.copies()}, "the answers")
    assert Counter(one.rcpt for one in sink.copies() if one.rcpt in people) == Counter(people)


def posted(server: Server, number: int = 1) -> None:
    server.mail("joe@example.com", f"big-l@{DOMAIN}", "Hello.\n", f"Post {number}")


def filled(make_server: Maker, sink: Sink) -> Server:
    server = make_server(transport="smtp", relay=sink.address, pauses='"1s"')
    server.run("create", "BIG-L", "--owner", "owner@example.org", "--set", "Send= Public")
    rows = "".join(f"{one},,,\n" for one in READERS)
    server.run("import", "BIG-L", "-", given=f"address,name,options,subscribed\n{rows}")
    return server


def counted(sink: Sink, number: int = 1) -> Counter[str]:
    return Counter(one.rcpt for one in sink.copies() if one.subject == f"Post {number}")


def workers(server: Server) -> list[int]:
    assert server.process is not None
    tasks = Path(f"/proc/{server.process.pid}/task").iterdir()
    return [int(child) for task in tasks for child in (task / "children").read_text().split()]


def test_workers_need_nobody_who_hears_their_log(
    make_server: Maker, sink: Sink, tmp_path: Path
) -> None:
    server, output = filled(make_server, sink), tmp_path / "pipe"
    os.mkfifo(output)
    listener = os.open(output, os.O_RDONLY | os.O_NONBLOCK)
    server.process = listserv_py("--config", str(server.config), "serve", output=output)
    wait_for(server.is_up, "the server answers")
    os.close(listener)
    posted(server)
    wait_for(lambda: len(counted(sink)) > 50, "the first copies")
    for worker in workers(server):
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: len(counted(sink)) == len(READERS), "all copies")
    assert server.stop() == 0


def test_a_closed_output_is_no_place_for_a_file_of_ours(make_server: Maker, sink: Sink) -> None:
    server = filled(make_server, sink)
    server.start("sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh")
    wait_for(server.is_up, "the server answers")
    assert server.process is not None
    for number in range(3):
        assert str(Path(f"/proc/{server.process.pid}/fd/{number}").readlink()) == os.devnull
    assert server.stop() == 0


def test_what_went_out_since_the_backup_goes_out_no_second_time(
    make_server: Maker, sink: Sink
) -> None:
    server = filled(make_server, sink)
    sink.refuse = lambda line: (
        "450 4.2.1 later" if line.startswith("RCPT") and "reader1" in line else None
    )
    server.start().wait_up()
    posted(server)
    wait_for(lambda: len(counted(sink)) > 50, "the first copies")
    backup = server.folder / "backup"
    server.run("backup", str(backup))
    with pytest.raises(AssertionError, match="in use"):
        server.run("restore", str(backup))
    sink.refuse = lambda _: None
    wait_for(lambda: len(counted(sink)) == len(READERS), "all copies")
    assert server.stop() == 0
    server.run("restore", str(backup))
    server.start().wait_up()
    wait_for(lambda: '"held": true' in server.run("queue", "--json"), "the old post is held")
    posted(server, 2)
    wait_for(lambda: len(counted(sink, 2)) == len(READERS), "a new post")
    assert counted(sink) == Counter(READERS)
