"""The disk is full, or broken: what the door says, and what is there afterwards."""

import os
import smtplib
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback_rig import DOMAIN, Server, wait_for

LISTSERV = f"listserv@{DOMAIN}"
is_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to mount a small disk")


def answer(server: Server, sender: str) -> int:
    """The code that one mail gets; 0 when the connection ends."""
    text = f"From: {sender}\r\nMessage-ID: <{sender}>\r\nSubject: x\r\n\r\nTHANKS\r\n"
    try:
        with smtplib.SMTP("127.0.0.1", server.port, timeout=30) as client:
            client.sendmail(sender, LISTSERV, text)
    except smtplib.SMTPRecipientsRefused as exc:
        return next(iter(exc.recipients.values()))[0]
    except smtplib.SMTPResponseException as exc:
        return exc.smtp_code
    except (smtplib.SMTPException, OSError):
        return 0
    return 250


@is_root
def test_a_full_disk_is_said_before_a_mail_comes_and_heals_by_itself(
    make_server: Callable[..., Server],
) -> None:
    # What the full disk kept out of its Maildir comes when there is room.
    server = make_server(pauses='"1s"')
    mount = f'mount -t tmpfs -o size=8m,mode=700 none {server.data_dir} && exec "$@"'
    server.start("unshare", "--mount", "--propagation", "private", "sh", "-c", mount, "sh")
    server.wait_up()
    assert server.process is not None
    inside = Path(f"/proc/{server.process.pid}/root{server.data_dir}")
    assert answer(server, "anna@example.net") == 250
    ballast = inside / "ballast"
    with pytest.raises(OSError, match="No space"):
        ballast.write_bytes(bytes(9_000_000))
    codes = []

    def is_refused() -> bool:
        codes.append(answer(server, f"ben{len(codes)}@example.net"))
        return codes[-1] == 452

    wait_for(is_refused, "452")
    assert set(codes) <= {250, 451, 452}
    ballast.unlink()
    wait_for(lambda: answer(server, "carl@example.net") == 250, "room again, without a restart")
    kept = [f"ben{number}@example.net" for number, code in enumerate(codes) if code == 250]
    for one in ("anna@example.net", *kept, "carl@example.net"):
        wait_for(lambda one=one: list((inside / "maildir" / one / "new").glob("*")), one)


@pytest.mark.parametrize("calls", ["fsync,fdatasync", "pwrite64"])
def test_a_disk_that_fails_is_no_250_and_ends_the_server(
    make_server: Callable[..., Server], calls: str
) -> None:
    server = make_server().start().wait_up()
    assert server.process is not None
    inject = f"inject={calls}:error=EIO"
    tracer = subprocess.Popen(
        ["strace", "-f", "-qq", "-o", "/dev/null", "-e", inject, "-p", str(server.process.pid)]
    )
    wait_for(lambda: "TracerPid:\t0\n" not in _status(server), "strace")
    assert answer(server, "anna@example.net") in (451, 0)
    assert server.process.wait(30) != 0
    tracer.wait(30)
    server.start().wait_up()
    assert answer(server, "anna@example.net") == 250
    assert len(server.received("anna@example.net", 1)) == 1


def _status(server: Server) -> str:
    assert server.process is not None
    return Path(f"/proc/{server.process.pid}/status").read_text()
