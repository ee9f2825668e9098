from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

UNITS = Path(__file__).parent.parent / "systemd"
POSTFIX = Path(__file__).parent.parent / "config/postfix"
MOST_EXPOSED = 1.5


def tool(name: str) -> str:
    """Where a tool of Debian's stands; these tests do not pass without it."""
    found = shutil.which(name, path="/usr/bin:/usr/sbin:/bin:/sbin")
    assert found, f"{name} is missing; .ci/run says which package has it"
    return found


def run(*words: str) -> str:
    done = subprocess.run(
        words, check=False, capture_output=True, text=True, timeout=50, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_the_units_verify(tmp_path: Path) -> None:
    for unit in UNITS.glob("*.s*"):
        text = unit.read_text(encoding="utf-8")
        # The command lies where the README installs it, which a test machine does not have.
        (tmp_path / unit.name).write_text(
            re.sub(r"^ExecStart=\S+", "ExecStart=/bin/true", text, flags=re.MULTILINE)
        )

    names = [str(path) for path in sorted(tmp_path.iterdir()) if path.suffix != ".conf"]
    assert len(names) == 3
    assert run(tool("systemd-analyze"), "verify", "--man=no", *names) == ""


def test_the_service_is_exposed_little(tmp_path: Path) -> None:
    said = run(
        tool("systemd-analyze"), "security", "--offline=true", "--no-pager",
        str(UNITS / "listserv-py.service"),
    )  # fmt: skip

    found = re.search(r"exposure level for listserv-py\.service: ([0-9.]+)", said)
    assert found, said
    assert float(found[1]) <= MOST_EXPOSED


def test_what_is_left_open_is_said(tmp_path: Path) -> None:
    said = run(
        tool("systemd-analyze"), "security", "--offline=true", "--no-pager",
        str(UNITS / "listserv-py.service"),
    )  # fmt: skip
    text = (UNITS / "listserv-py.service").read_text(encoding="utf-8")

    for name in re.findall(r"^✗ (\w+)=", said, re.MULTILINE):
        assert re.search(rf"# Left open: .*({name}|AF_INET)", text), name


def test_the_account_is_made(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    run(tool("systemd-sysusers"), f"--root={tmp_path}", str(UNITS / "listserv-py.sysusers.conf"))

    passwd = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    assert re.search(r"^listserv-py:.*:/var/lib/listserv-py:.*nologin$", passwd, re.MULTILINE)


@pytest.fixture
def postfix(tmp_path: Path) -> Path:
    """A private Postfix configuration with our lines at its end."""
    main = (POSTFIX / "main.cf").read_text(encoding="utf-8")
    master = (POSTFIX / "master.cf").read_text(encoding="utf-8")
    (tmp_path / "main.cf").write_text(f"compatibility_level = 3.6\n{main}")
    (tmp_path / "master.cf").write_text(master)
    return tmp_path


def test_postfix_reads_our_lines(postfix: Path) -> None:
    said = run(tool("postconf"), "-c", str(postfix), "-n")

    assert "warning" not in said
    assert "relay_domains = lists.example.org" in said


def test_postfix_hands_the_domain_to_the_socket_of_the_unit(postfix: Path) -> None:
    maps = run(tool("postconf"), "-c", str(postfix), "-hx", "transport_maps").strip()
    said = run(tool("postmap"), "-c", str(postfix), "-q", "lists.example.org", maps)
    socket = (UNITS / "listserv-py.socket").read_text(encoding="utf-8")

    assert said.strip() == "lmtp:unix:private/listserv-py"
    assert "ListenStream=/var/spool/postfix/private/listserv-py\n" in socket


def test_postfix_reads_our_smarthost(postfix: Path) -> None:
    said = run(tool("postconf"), "-c", str(postfix), "-P")

    assert "warning" not in said
    assert "127.0.0.1:10025/inet/local_header_rewrite_clients =\n" in said
