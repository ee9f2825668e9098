"""A post to 100,000 whose server is killed twenty times on the way.

    PYTHONPATH=tests python tests/loopback/big_post.py [readers [kills [seed]]]

Everybody has it; those who have it twice are no more than there were connections at the kills, and
it is the same to the byte. What is recorded is not begun again: with each kill the post is further.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing
from pathlib import Path

from loopback_rig import DOMAIN, Server, Sink, wait_for
from processes_rig import children, connections, until_stopped


def run(folder: Path, readers: int, kills: int, luck: random.Random) -> list[str]:
    """What is wrong."""
    sink = Sink()
    server = Server(folder, transport="smtp", relay=sink.address)
    server.configure()
    server.config.write_text(server.config.read_text().replace("workers = 1", "workers = 2"))
    port = int(sink.address.partition(":")[2])
    try:
        _prepare(server, readers)
        server.start().wait_up()
        server.mail("joe@example.com", f"big-l@{DOMAIN}", "Hello.\n", "A post")
        cut, cursors = 0, [-1]
        for number in range(kills):
            goal = int(readers * (number + luck.random()) / kills)
            wait_for(lambda goal=goal: len(sink.copies()) >= goal, f"{goal} copies", 120)
            cut += _kill(server, port)
            cursors.append(_cursor(server))
            server.start().wait_up()
        wait_for(lambda: len(_counted(sink)) == readers, "all copies", 600)
        code = server.stop()
    finally:
        server.stop(signal.SIGKILL)
        sink.close()
    counted = _counted(sink)
    again = sum(counted.values()) - readers
    shapes = {(one.rcpt, one.digest, one.sender) for one in sink.copies()}
    print(f"{again} of {readers} came again; {kills} kills cut {cut} connections", flush=True)
    wrong = {
        f"more came again than connections were cut: {again}": again > cut,
        "some were changed": len(shapes) != readers,
        f"the post went back: {cursors}": cursors != sorted(cursors),
        f"it ended with {code}": code != 0,
    }
    return [what for what, is_so in wrong.items() if is_so]


def _prepare(server: Server, readers: int) -> None:
    server.run("dkim")
    server.run("create", "BIG-L", "--owner", "owner@example.org", "--set", "Send= Public")
    rows = "".join(f"reader{number}@example.net,,,\n" for number in range(readers))
    server.run("import", "BIG-L", "-", given=f"address,name,options,subscribed\n{rows}")


def _kill(server: Server, port: int) -> int:
    """Kill the server and its workers; how many connections they had."""
    process = server.process
    assert process is not None
    os.killpg(process.pid, signal.SIGSTOP)
    ours = [process.pid, *children(process.pid)]
    for one in ours:
        until_stopped(one)
    cut = sum(len(connections(pid, port)) for pid in ours)
    server.stop(signal.SIGKILL)
    return cut


def _cursor(server: Server) -> int:
    with closing(sqlite3.connect(server.data_dir / "listserv.db", timeout=20)) as db:
        found = db.execute("SELECT cursor FROM mailing WHERE kind = 'post'").fetchone()
    return int(found[0]) if found else 0


def _counted(sink: Sink) -> Counter[str]:
    return Counter(one.rcpt for one in sink.copies() if one.subject == "A post")


def main(readers: int = 100_000, kills: int = 20, seed: int = 1) -> int:
    """Run it, and say what came of it."""
    folder = Path(tempfile.mkdtemp(prefix="big"))
    try:
        faults = run(folder, readers, kills, random.Random(seed))  # noqa: S311 - a test's dice
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    print(*(faults or ["ok"]), sep="\n", flush=True)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
