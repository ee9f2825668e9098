"""The running server needs no more than the service of systemd/ lets it have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from loopback_rig import DOMAIN, Server, wait_for

LISTSERV = f"listserv@{DOMAIN}"
ANNA = "anna@example.net"
UNIT = Path(__file__).parents[2] / "systemd/listserv-py.service"
# prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN): what MemoryDenyWriteExecute= asks of the kernel.
NO_NEW_CODE = (
    "import ctypes, os, sys; "
    "assert ctypes.CDLL(None, use_errno=True).prctl(65, 1, 0, 0, 0) == 0, ctypes.get_errno(); "
    "os.execvp(sys.argv[1], sys.argv[1:])"
)


def calls_of(group: str) -> set[str]:
    """The system calls of a group as systemd knows it."""
    said = subprocess.run(
        ["systemd-analyze", "--no-pager", "syscall-filter", group],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    names = [line.strip() for line in said.splitlines()[1:]]
    found = {name for name in names if re.fullmatch(r"\w+", name)}
    return found.union(*(calls_of(name) for name in names if name.startswith("@")))


def allowed_by_the_unit() -> set[str]:
    allowed: set[str] = set()
    for line in re.findall(r"^SystemCallFilter=(.+)$", UNIT.read_text(), re.MULTILINE):
        groups = line.removeprefix("~").split()
        calls = set[str]().union(*(calls_of(group) for group in groups))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def subscribe(server: Server) -> None:
    """A round through commands, confirmation, posting and delivery."""
    server.run("create", "TEST-L", "--owner", ANNA, "--set", "Send= Public")
    server.mail(ANNA, LISTSERV, "SUBSCRIBE TEST-L Anna Arm\n")
    (request,) = server.received(ANNA, 1)
    server.confirm(ANNA, request)
    server.received(ANNA, 2)
    server.mail("joe@example.com", f"test-l@{DOMAIN}", "Hello.\n", "A post")
    wait_for(lambda: has_post(server), "the post")


def has_post(server: Server) -> bool:
    return any(b"Subject: A post" in path.read_bytes() for path in server.inbox(ANNA))


def test_the_server_makes_no_call_that_the_service_forbids(
    make_server: Callable[..., Server], tmp_path: Path
) -> None:
    server = make_server()
    server.run("dkim")
    counts = tmp_path / "counts"
    server.start("strace", "-f", "-qq", "-c", "-U", "name", "-o", str(counts), "--").wait_up()
    subscribe(server)
    server.stop()

    made = {line.strip() for line in counts.read_text().splitlines() if re.match(r"\w+$", line)}
    assert {"fdatasync", "accept4", "sendto"} & made
    # SQLite hands its files to the database's owner, but only when it is root.
    as_root = {"fchown"} if os.geteuid() == 0 else set()
    assert made - allowed_by_the_unit() - as_root <= {"syscall", "total"}


def test_the_server_makes_no_new_code_in_memory(make_server: Callable[..., Server]) -> None:
    server = make_server()
    server.run("dkim")
    server.start(sys.executable, "-c", NO_NEW_CODE).wait_up()

    subscribe(server)


def test_the_server_takes_its_socket_and_needs_no_privilege(
    make_server: Callable[..., Server],
) -> None:
    server = make_server()
    server.run("create", "TEST-L", "--owner", ANNA)
    text = server.config.read_text().replace(f"127.0.0.1:{server.port}", "systemd:smtp")
    server.config.write_text(text)
    confined = ["setpriv", "--no-new-privs"]
    if os.geteuid() == 0:
        confined += ["--bounding-set=-all", "--inh-caps=-all"]
    activate = shutil.which("systemd-socket-activate") or "systemd-socket-activate is missing"
    listening = ["-l", f"127.0.0.1:{server.port}", "--fdname=smtp"]
    paths = [f"-E{name}={os.environ[name]}" for name in ("PATH", "HOME") if name in os.environ]
    server.start(*confined, activate, *listening, *paths)

    wait_for(server.is_up, "the server answers on the socket that it was handed")
    server.mail(ANNA, LISTSERV, "THANKS\n")
    server.received(ANNA, 1)
