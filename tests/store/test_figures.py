"""What the metrics look up: right, and within bounds however much waits."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fresh_rig import fresh_database
from sqlite_utils import Database

from listserv_py.lists.header import new_header
from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.figures import look
from listserv_py.store.outbox import Kind
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())
OWNER = parse_mailbox("olga@example.org")


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    opened = fresh_database(tmp_path)
    yield opened
    opened.close()


def fill(db: Database, many: int) -> None:
    """A post to so many readers, as many single mails, codes and copies that were put off."""
    tx = Tx(db, "lists.example.org")
    db.execute("BEGIN")
    made = tx.lists.add("TEST-L", new_header("TEST-L", "Tests", [OWNER], []), NOW)
    people = [parse_mailbox(f"p{number}@example.net") for number in range(many)]
    tx.subscribers.add_many(made.id, [(one, "", Options(), NOW) for one in people])
    facts = ListFacts("TEST-L", "Tests", "lists.example.org", "listserv@lists.example.org")
    tx.outbox.distribute(made.id, b"Subject: x\r\n\r\n", facts, NOW)
    for one in people:
        tx.outbox.send(one, b"Subject: x\r\n\r\n", kind=Kind.REPLY, now=NOW)
    for table, columns, row in (
        ("copy", "mailing_id, rcpt, domain, urgent, next_at, state",
         "1, 'a@b', 'b', 0, {}, 'waiting'"),
        ("cookie", "code_hash, kind, address_key, address, payload, created_at, expires_at",
         "randomblob(16), 'command', 'a', 'a', '', 0, {}"),
    ):  # fmt: skip
        db.execute(
            f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT {many})"  # noqa: S608
            f" INSERT INTO {table} ({columns}) SELECT {row.format(SECONDS + 60)} FROM n"
        )
    db.execute("COMMIT")


def test_what_waits_is_counted(db: Database) -> None:
    fill(db, 5)
    found = look(db, SECONDS + 30)
    assert found.mailings == {"running": 1, "waiting": 5}
    assert found.mailing_age == {"running": 30, "waiting": 30}
    assert found.to_come == 5
    assert [(one.readers, one.to_come) for one in found.posts] == [(5, 5)]
    assert found.copies == {
        "due": 5, "due of posts": 0, "put off": 0, "put off of posts": 5, "held": 0,
    }  # fmt: skip
    assert found.codes == {("command", "open"): 5}
    assert found.spool == {"ready": 0, "held": 0, "aside": 0}
    assert found.spool_age == 0
    assert found.made["mailing"] == 6
    assert found.made["subscriber"] == 5
    db.execute("UPDATE cookie SET used_at = 1 WHERE id < 3")
    db.execute("UPDATE mailing SET held = 1")
    later = look(db, SECONDS + 30)
    assert later.codes == {("command", "answered"): 2, ("command", "open"): 3}
    assert later.to_come == 0


def steps(db: Database, most: int) -> int:
    """How many hundreds of steps SQLite takes for all figures."""
    taken = [0]

    def count() -> int:
        taken[0] += 1
        return 0

    db.conn.set_progress_handler(count, 100)
    look(db, SECONDS, most)
    db.conn.set_progress_handler(None, 100)
    return taken[0]


def test_no_figure_looks_at_more_rows_than_its_bound(tmp_path: Path) -> None:
    taken = []
    for many in (300, 1200):
        folder = tmp_path / str(many)
        folder.mkdir()
        db = fresh_database(folder)
        fill(db, many)
        assert look(db, SECONDS, 200).to_come == many
        taken.append(steps(db, 200))
        db.close()
    assert taken[1] <= taken[0] + 2
