"""The command line as real processes: beside a running server, as root, with a damaged folder."""

import json
import os
import pwd
import shutil
import smtplib
import socket
import sqlite3
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
from cli_site import OWNER, Site, process, server

from listserv_py.config import load
from listserv_py.control.client import ask
from listserv_py.control.operation import Refused
from listserv_py.control.operations import QUEUE

AS_ROOT = pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")


def port_in(site: Site) -> int:
    """Where the server said that it takes mail."""
    lines = (site.folder / "log").read_text().splitlines()
    ready = next(line for line in lines if "daemon.ready" in line)
    return int("".join(c for c in ready.rpartition("127.0.0.1")[2] if c.isdigit()))


def test_every_command_works_beside_a_running_server(with_list: Site) -> None:
    backup = with_list.folder / "backup"
    with server(with_list):
        with_list.ok("import", "TEST-L", "-", stdin="a@b.example A\n")
        assert "a@b.example" in with_list.ok("cmd", "REVIEW", "TEST-L")
        with_list.ok("create", "SECOND", "--owner", OWNER)
        assert "SECOND" in with_list.ok("cmd", "LISTS")
        assert with_list.ok("export", "TEST-L").count("\n") == 2
        assert json.loads(with_list.ok("personal-data", "a@b.example"))["subscriptions"]
        with_list.ok("check")
        with_list.ok("dkim")
        with_list.ok("backup", str(backup))
        with_list.ok("queue", "retry")
        with_list.ok("erase", "a@b.example")
        assert with_list.anywhere("a@b.example") == []
        assert with_list.ok("export", "TEST-L").count("\n") == 1
        assert "no list" in with_list.refused("export", "NOPE")
        assert "in use" in with_list.refused("restore", str(backup))
    assert "SECOND" in with_list.ok("cmd", "LISTS")
    with_list.ok("restore", str(backup))


def test_the_server_sees_a_command_at_once(with_list: Site) -> None:
    with server(with_list), smtplib.SMTP("127.0.0.1", port_in(with_list), timeout=30) as client:
        client.ehlo()
        client.mail("joe@example.com")
        assert client.rcpt("new-l@lists.example.org")[0] == 550
        with_list.ok("create", "NEW-L", "--owner", OWNER)
        assert client.rcpt("new-l@lists.example.org")[0] == 250


def test_a_password_is_gone_from_the_disk_when_its_mail_is_answered(with_list: Site) -> None:
    secret, pause, end = "Canary4711", threading.Event(), time.monotonic() + 50
    with server(with_list):
        with smtplib.SMTP("127.0.0.1", port_in(with_list), timeout=30) as client:
            mail = f"From: joe@example.com\r\n\r\nTHANKS PW={secret}\r\nPW ADD {secret}\r\n"
            client.sendmail("joe@example.com", ["listserv@lists.example.org"], mail)
        while "commands.done" not in (with_list.folder / "log").read_text():
            assert time.monotonic() < end
            pause.wait(0.02)
        while with_list.anywhere(secret):
            assert time.monotonic() < end, with_list.anywhere(secret)
            pause.wait(0.02)


def test_a_second_server_is_refused(with_list: Site) -> None:
    with server(with_list) as first:
        second = process(with_list, "serve")
        assert second.returncode != 0
        assert f"in use by process {first.pid}" in second.stderr + second.stdout
        assert "Traceback" not in second.stderr
        assert first.poll() is None


def test_what_a_killed_server_leaves_is_in_nobodys_way(with_list: Site) -> None:
    with pytest.raises(AssertionError), server(with_list) as running:
        running.kill()
    assert (with_list.data / "control.sock").exists()
    with_list.ok("cmd", "LISTS")
    with server(with_list):
        with_list.ok("cmd", "LISTS")


def damage(site: Site) -> None:
    path = site.data / "listserv.db"
    raw = bytearray(path.read_bytes())
    for at in range(4096, len(raw), 3):
        raw[at] ^= 0x5A
    path.write_bytes(raw)


def come_from_the_future(site: Site) -> None:
    with closing(sqlite3.connect(site.data / "listserv.db")) as db, db:
        db.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('listserv_py', 'from_the_future', '2099')"
        )
    db.close()


def vanish(site: Site) -> None:
    (site.data / "listserv.db").unlink()


@pytest.mark.parametrize("harm", [damage, come_from_the_future, vanish])
def test_a_database_that_is_not_ours_to_touch(with_list: Site, harm: object) -> None:
    assert callable(harm)
    harm(with_list)
    path = with_list.data / "listserv.db"
    before = path.read_bytes() if path.exists() else None
    done = process(with_list, "serve")
    assert done.returncode == 2, done.stderr
    for said in (done.stderr, with_list.refused("export", "TEST-L", status=2)):
        assert "listserv.db" in said
        assert len(said.splitlines()) == 1
    assert before == (path.read_bytes() if path.exists() else None)


@AS_ROOT
def test_root_becomes_the_folders_owner(tmp_path: Path) -> None:
    nobody = pwd.getpwnam("nobody")
    # The folder of the test is root's alone, which its real owner could not even enter.
    folder = Path("/tmp") / f"listserv-py-{os.getpid()}-{tmp_path.name}"  # noqa: S108 - see above
    folder.mkdir(mode=0o755)
    try:
        site = Site(folder)
        site.config.write_text(
            f'[site]\ndomain = "lists.example.org"\ndata_dir = "{site.data}"\n'
            f'[delivery]\ntransport = "maildir"\n[dkim]\nkey_file = "{site.data}/dkim.pem"\n'
        )
        site.config.chmod(0o600)
        site.data.mkdir(mode=0o700)
        os.chown(site.data, nobody.pw_uid, nobody.pw_gid)
        roster = folder / "people"
        roster.write_text("joe@example.com\n")
        roster.chmod(0o600)
        for words in (
            ("dkim",),
            ("create", "X-L", "--owner", OWNER),
            ("import", "X-L", str(roster)),
            ("backup", str(folder / "backup")),
            ("erase", "joe@example.com"),
            ("restore", str(folder / "backup")),
            ("check",),
        ):
            done = process(site, *words)
            assert done.returncode == 0, (words, done.stderr)
        owners = {path.name: path.stat().st_uid for path in site.data.rglob("*")}
        assert set(owners.values()) == {nobody.pw_uid}, owners
        assert {"listserv.db", "lock", "erased", "dkim.pem"} <= owners.keys()
        assert (folder / "backup").stat().st_uid == 0
        assert (folder / "backup").stat().st_mode & 0o777 == 0o600
    finally:
        shutil.rmtree(folder)


@AS_ROOT
def test_a_stranger_is_not_answered(with_list: Site) -> None:
    nobody = pwd.getpwnam("nobody")
    path = with_list.data / "control.sock"
    with server(with_list):
        assert path.stat().st_mode & 0o777 == 0o600
        # The folder and the mode keep strangers out; here one is let in by both.
        path.chmod(0o666)
        path.parent.chmod(0o711)
        reader, writer = os.pipe()
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            child = os.fork()
            if child == 0:
                try:
                    os.chdir(with_list.data)
                    os.setgroups([])
                    os.setgid(nobody.pw_gid)
                    os.setuid(nobody.pw_uid)
                    line.connect("control.sock")
                    os.write(writer, b"let in, ")
                    line.sendall(b'{"operation": "queue", "question": 1}\n')
                    os.write(writer, line.recv(1000))
                finally:
                    os._exit(0)
            os.waitpid(child, 0)
        os.close(writer)
        assert os.read(reader, 1000) == b"let in, "
        os.close(reader)
        with_list.ok("queue")


def test_the_socket_in_a_deep_folder(tmp_path: Path) -> None:
    folder = tmp_path / ("deep" * 30)
    folder.mkdir()
    site = Site(folder)
    site.config.write_text(
        '[site]\ndomain = "lists.example.org"\npostmasters = ["a@b.example"]\ndata_dir = "data"\n'
        '[[listen]]\naddress = "127.0.0.1:0"\n[delivery]\ntransport = "maildir"\n'
    )
    with server(site):
        site.ok("create", "X-L", "--owner", OWNER)
        assert "X-L" in site.ok("cmd", "LISTS")


def test_junk_on_the_socket(with_list: Site) -> None:
    with server(with_list):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.settimeout(30)
            line.connect(str(with_list.data / "control.sock"))
            for junk in (b"\xff\x00", b"{}", b"[1]", b'{"operation": "create", "question": {}}'):
                line.sendall(junk + b"\n")
                assert json.loads(line.recv(10_000)).keys() == {"refused"}
        with_list.ok("queue")


def test_a_server_that_cannot_be_asked_is_said_so(with_list: Site) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listening:
        listening.bind(str(with_list.data / "control.sock"))
        listening.listen()

        def hang_up() -> None:
            listening.accept()[0].close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(Refused, match=r"hung up|did not answer"):
            ask(load(with_list.config), QUEUE, 1)
        thread.join()


def test_the_demonstration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    done = process(Site(tmp_path), "demo")
    assert done.returncode == 0, done.stdout + done.stderr
    for said in ("SUBSCRIBE GARDEN Joe Doe", "approval required", "the DKIM signature verifies"):
        assert said in done.stdout
    [folder] = (tmp_path / ".demo").iterdir()
    assert list((folder / "data" / "maildir").glob("*reader.example/new/*"))


def test_a_demonstration_that_fails_says_where(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".demo").write_text("in the way")
    monkeypatch.chdir(tmp_path)
    done = process(Site(tmp_path), "demo")
    assert done.returncode == 1
    assert ".demo" in done.stderr
