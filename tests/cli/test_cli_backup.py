import json
import re
import smtplib
import sqlite3
import threading
import time
from contextlib import closing, suppress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cli_site import OWNER, Site, server

from listserv_py.commands.subscribe import leave_list
from listserv_py.config import load
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.lock import lock
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms

JOE = parse_mailbox("joe@example.com")


@pytest.fixture
def peopled(with_list: Site) -> Site:
    with_list.ok("import", "TEST-L", "-", stdin="joe@example.com\nmia@example.com\n")
    return with_list


@pytest.fixture
def copy(peopled: Site) -> Path:
    path = peopled.folder / "backup"
    peopled.ok("backup", str(path))
    return path


def people(site: Site) -> list[str]:
    return [line.partition(",")[0] for line in site.ok("export", "TEST-L").splitlines()[1:]]


def test_there_and_back(peopled: Site, copy: Path) -> None:
    before = peopled.ok("export", "TEST-L")
    peopled.ok("cmd", "DELETE", "TEST-L", "joe@example.com")
    peopled.ok("create", "LATER", "--owner", OWNER)
    peopled.ok("restore", str(copy))
    assert peopled.ok("export", "TEST-L") == before
    assert "LATER" in peopled.refused("export", "LATER")


def test_a_backup_is_private_and_overwrites_nothing(peopled: Site, copy: Path) -> None:
    assert copy.stat().st_mode & 0o777 == 0o600
    before = copy.read_bytes()
    assert "exists" in peopled.refused("backup", str(copy))
    assert copy.read_bytes() == before
    assert not list(peopled.data.glob("*.tmp"))


def test_what_a_killed_backup_left_is_swept(peopled: Site) -> None:
    left = peopled.data / "backup-4194305-x.tmp"  # above any process number
    left.mkdir()
    (left / "listserv.db").write_text("joe@example.com")
    peopled.ok("erase", "joe@example.com")
    assert not left.exists()


def test_nothing_to_copy(site: Site) -> None:
    assert "no database" in site.refused("backup", str(site.folder / "backup"))
    assert not (site.folder / "backup").exists()


def test_a_lost_machine(peopled: Site, tmp_path: Path) -> None:
    text = peopled.config.read_text()
    more = '[arc]\nkey_file = "arc.pem"\n[dkim]\ned25519_key_file = "two.pem"\n'
    peopled.config.write_text(text.replace("[dkim]\n", more))
    peopled.ok("dkim")
    (peopled.folder / "arc.pem").write_bytes((peopled.folder / "dkim.pem").read_bytes())
    keys = [(peopled.folder / name).read_bytes() for name in ("dkim.pem", "two.pem", "arc.pem")]
    peopled.ok("backup", str(tmp_path / "backup"))
    other = Site(tmp_path / "other")
    other.folder.mkdir()
    other.config.write_text(peopled.config.read_text())
    other.ok("restore", str(tmp_path / "backup"))
    assert people(other) == ["joe@example.com", "mia@example.com"]
    for name, key in zip(("dkim.pem", "two.pem", "arc.pem"), keys, strict=True):
        assert (other.folder / name).read_bytes() == key
        assert (other.folder / name).stat().st_mode & 0o777 == 0o600
    other.ok("import", "TEST-L", "-", stdin="new@example.com\n")
    new = other.store(
        lambda tx: tx.subscribers.find(tx.lists.get("TEST-L").id, parse_mailbox("new@example.com"))
    )
    assert new is not None
    assert new.id > 1000  # the lost machine may have given out the next few


def test_the_logs_of_the_lost_machine_come_along(peopled: Site, copy: Path, tmp_path: Path) -> None:
    peopled.ok("erase", "joe@example.com")
    other = Site(tmp_path / "other")
    other.folder.mkdir()
    other.config.write_text(peopled.config.read_text())
    assert "copy erased, left, erased.key" in other.run("restore", str(copy)).stderr
    (other.data / "listserv.db").unlink()
    (other.data / "erased").write_bytes((peopled.data / "erased").read_bytes())
    assert "erased.key: is missing" in other.refused("restore", str(copy), status=2)
    (other.data / "erased.key").write_bytes((peopled.data / "erased.key").read_bytes())
    assert "1 erased since then" in other.run("restore", str(copy)).stderr
    assert people(other) == ["mia@example.com"]


def test_a_torn_line_of_the_log_costs_nobody_his_erasure(peopled: Site, copy: Path) -> None:
    (peopled.data / "erased").write_text("17953819", encoding="ascii")
    peopled.ok("erase", "joe@example.com")
    peopled.ok("restore", str(copy))
    assert people(peopled) == ["mia@example.com"]


def test_no_id_is_given_out_twice(peopled: Site, copy: Path) -> None:
    def latest() -> int:
        return peopled.store(
            lambda tx: int(tx.db.execute("SELECT max(id) FROM subscriber").fetchone()[0])
        )

    peopled.ok("import", "TEST-L", "-", stdin="".join(f"p{i}@example.com\n" for i in range(50)))
    before = latest()
    peopled.ok("restore", str(copy))
    peopled.ok("import", "TEST-L", "-", stdin="new@example.com\n")
    assert latest() == before + 1


def test_erasures_are_repeated(peopled: Site, copy: Path) -> None:
    peopled.ok("erase", "Joe@example.com")
    result = peopled.run("restore", str(copy))
    assert "erased again" in result.stderr
    assert people(peopled) == ["mia@example.com"]
    assert peopled.anywhere("joe@example.com") == []


def test_who_came_back_before_the_backup_stays(peopled: Site) -> None:
    peopled.ok("erase", "joe@example.com")
    log = peopled.data / "erased"
    stamp, who = log.read_text().split()
    log.write_text(f"{int(stamp) - 3600} {who}\n")
    peopled.ok("import", "TEST-L", "-", stdin="joe@example.com\n")
    peopled.ok("backup", str(peopled.folder / "backup"))
    peopled.ok("restore", str(peopled.folder / "backup"))
    assert "joe@example.com" in people(peopled)


def test_the_log_of_erasures_names_nobody(peopled: Site) -> None:
    peopled.ok("erase", "joe@example.com")
    assert (peopled.data / "erased.key").stat().st_mode & 0o777 == 0o600
    assert peopled.anywhere("joe") == []


def test_an_erased_person_who_owned_a_list_is_named(peopled: Site, copy: Path) -> None:
    peopled.store(
        lambda tx: tx.lists.update(
            tx.lists.get("TEST-L"), "* A test\n* Owner= new@example.com\n", datetime.now(UTC)
        )
    )
    peopled.ok("erase", OWNER)
    result = peopled.run("restore", str(copy))
    assert result.exit_code == 0
    assert OWNER in result.stderr


def leave(site: Site) -> None:
    """JOE takes the one-click link of a mail, which ends where SIGNOFF does."""
    own = site.store(lambda tx: tx.subscribers.find(tx.lists.get("TEST-L").id, JOE))
    assert own is not None
    turns = Turns(load(site.config), Forms.load())
    site.store(lambda tx: leave_list(turns.at(tx), tx.lists.get("TEST-L"), own))


def test_who_left_is_not_brought_back(peopled: Site, copy: Path) -> None:
    leave(peopled)
    assert people(peopled) == ["mia@example.com"]
    for _ in range(2):
        result = peopled.run("restore", str(copy))
        assert "1 had left a list since then" in result.stderr
        assert people(peopled) == ["mia@example.com"]
    assert "joe" not in (peopled.data / "left").read_text()


def test_who_left_and_came_again_stays(peopled: Site, copy: Path) -> None:
    leave(peopled)
    peopled.ok("import", "TEST-L", "-", stdin="joe@example.com\n")
    assert "had left" not in peopled.run("restore", str(copy)).stderr
    assert people(peopled) == ["joe@example.com", "mia@example.com"]


def test_a_sender_of_jobs_is_found_to_be_erased_again(peopled: Site) -> None:
    peopled.store(
        lambda tx: tx.db.execute(
            "INSERT INTO mailing (kind, state, reverse_path, created_at)"
            " VALUES ('job', 'done', 'job@example.net', 1)"
        )
    )
    peopled.ok("backup", str(peopled.folder / "backup"))
    peopled.ok("erase", "job@example.net")
    assert "1 erased since then" in peopled.run("restore", str(peopled.folder / "backup")).stderr
    assert peopled.anywhere("job@example.net") == []


class Sender:
    """Mails to the server until it is told to stop; `taken` are those that had their 250."""

    def __init__(self, site: Site) -> None:
        found = re.search(r"127\.0\.0\.1:(\d+)", (site.folder / "log").read_text())
        assert found is not None
        self.taken, self.stop = 0, threading.Event()
        self._port = int(found[1])
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        door, gone = ("127.0.0.1", self._port), suppress(smtplib.SMTPException, OSError)
        with gone, smtplib.SMTP(*door, timeout=30) as client:
            while not self.stop.is_set():
                sender, to = f"p{self.taken}@example.net", "listserv@lists.example.org"
                client.sendmail(sender, [to], f"From: {sender}\r\n\r\nTHANKS\r\n")
                self.taken += 1

    def wait(self, many: int) -> int:
        """How many were taken, once they are so many more."""
        least, end = self.taken + many, time.monotonic() + 50
        while self.taken < least:
            assert time.monotonic() < end
            self.stop.wait(0.005)
        return self.taken

    def end(self) -> int:
        self.stop.set()
        self._thread.join(50)
        return self.taken


def come_in(site: Site) -> int:
    """How many mails the database knows of, decided on or not."""
    ids = "SELECT id FROM spool UNION SELECT spool_id FROM trail"
    return site.store(
        lambda tx: int(tx.db.execute(f"SELECT count(*) FROM ({ids})").fetchone()[0])  # noqa: S608 - words of ours
    )


def test_a_backup_while_mail_comes_in_and_after_a_crash(peopled: Site) -> None:
    under_load, crashed = peopled.folder / "load", peopled.folder / "crashed"
    with pytest.raises(AssertionError), server(peopled) as running:  # noqa: PT012 - it is killed
        sender = Sender(peopled)
        before = sender.wait(10)
        peopled.ok("backup", str(under_load))
        sender.wait(10)
        running.kill()
        taken = sender.end()
    peopled.ok("backup", str(crashed))
    peopled.ok("restore", str(under_load))
    assert before <= come_in(peopled) <= taken + 1
    assert people(peopled) == ["joe@example.com", "mia@example.com"]
    peopled.ok("restore", str(crashed))
    assert taken <= come_in(peopled) <= taken + 1
    with server(peopled):
        peopled.ok("cmd", "LISTS")


def test_what_waited_is_held(peopled: Site) -> None:
    now = datetime.now(UTC)
    raw = b"From: joe@example.com\r\n\r\nHELP\r\n"
    robot = parse_mailbox("listserv@lists.example.org")
    envelope = Envelope(JOE, (robot,), raw, "", "", Protocol.SMTP, now)
    peopled.store(lambda tx: tx.outbox.send(JOE, b"Subject: x\r\n\r\n", kind=Kind.REPLY, now=now))
    peopled.store(lambda tx: tx.spool.take(envelope))
    peopled.ok("backup", str(peopled.folder / "backup"))
    result = peopled.run("restore", str(peopled.folder / "backup"))
    assert "held until" in result.stderr
    assert [one["held"] for one in json.loads(peopled.ok("queue", "--json"))] == [True]
    assert peopled.store(lambda tx: tx.spool.ready(10, 10**6)) == []
    assert "set aside" in peopled.run("queue").stderr
    peopled.ok("queue", "retry")
    assert [one["held"] for one in json.loads(peopled.ok("queue", "--json"))] == [False]
    assert len(peopled.store(lambda tx: tx.spool.ready(10, 10**6))) == 1


def test_restore_refuses_what_is_no_good_backup(peopled: Site, copy: Path) -> None:
    raw = copy.read_bytes()
    bad = peopled.folder / "bad"
    half = bytearray(raw)
    for at in range(len(half) // 2, len(half) // 2 + 5000):
        half[at] ^= 0x55
    for content in (b"", b"no database" * 100, raw[: len(raw) // 2], bytes(half)):
        bad.write_bytes(content)
        peopled.refused("restore", str(bad))
    with closing(sqlite3.connect(bad.with_name("other"))) as other, other:
        other.execute("CREATE TABLE x (y)")
    other.close()
    peopled.refused("restore", str(bad.with_name("other")))
    with closing(sqlite3.connect(copy)) as newer, newer:
        newer.execute(
            "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
            " VALUES ('listserv_py', 'from_the_future', '2099')"
        )
    newer.close()
    assert "newer" in peopled.refused("restore", str(copy))
    assert people(peopled) == ["joe@example.com", "mia@example.com"]
    assert not list(peopled.data.glob("*.tmp"))


def test_restore_over_a_damaged_database(peopled: Site, copy: Path) -> None:
    (peopled.data / "listserv.db").write_bytes(b"garbage" * 1000)
    peopled.refused("export", "TEST-L", status=2)
    peopled.ok("restore", str(copy))
    assert people(peopled) == ["joe@example.com", "mia@example.com"]


def test_restore_is_refused_while_somebody_works_there(peopled: Site, copy: Path) -> None:
    with lock(peopled.data):
        assert "in use by process" in peopled.refused("restore", str(copy))


def test_the_sites_own_forms_come_back(peopled: Site) -> None:
    forms = peopled.data / "templates" / "site.mailtpl"
    forms.parent.mkdir()
    forms.write_text(">>> THANKS\nOurs\n")
    path = peopled.folder / "with-forms"
    peopled.ok("backup", str(path))
    forms.write_text(">>> THANKS\nOthers\n")
    peopled.ok("restore", str(path))
    assert forms.read_text() == ">>> THANKS\nOurs\n"
    assert forms.with_name("site.mailtpl.old").read_text() == ">>> THANKS\nOthers\n"
    forms.unlink()
    peopled.ok("restore", str(path))
    assert forms.read_text() == ">>> THANKS\nOurs\n"
    assert forms.stat().st_mode & 0o777 == 0o600


def test_a_backup_without_forms_leaves_them_alone(peopled: Site, copy: Path) -> None:
    forms = peopled.data / "templates" / "site.mailtpl"
    forms.parent.mkdir()
    forms.write_text(">>> THANKS\nOthers\n")
    peopled.ok("restore", str(copy))
    assert forms.read_text() == ">>> THANKS\nOthers\n"
