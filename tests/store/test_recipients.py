"""The table of recipients, and the copies that are a subscriber's or a recipient's."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fresh_rig import fresh_database
from sqlite_utils import Database

from listserv_py.store import recipients
from listserv_py.store.recipients import FIRST, Recipients

COPY = "INSERT INTO copy (mailing_id, subscriber_id, rcpt, domain, urgent, next_at)"


@pytest.fixture
def db(tmp_path: Path) -> Iterator[Database]:
    found = fresh_database(tmp_path)
    found.execute(
        "INSERT INTO list (name, header, created_at, changed_at) VALUES ('TEST-L', '', 0, 0)"
    )
    found.execute(
        "INSERT INTO subscriber (id, list_id, address_key, address, options, subscribed_at,"
        " active_at) VALUES (7, 1, 'a@b.c', 'a@b.c', 0, 0, 0)"
    )
    for kind in ("post", "job"):
        found.execute(
            "INSERT INTO mailing (kind, state, created_at) VALUES (?, 'running', 0)", (kind,)
        )
    yield found
    found.close()


def add(db: Database, many: int = 2) -> tuple[int, int]:
    rows = [(f"p{n}@b.c", f"p{n}@b.c", ("Name", "x")) for n in range(many)]
    return Recipients(db).add(2, rows)


def test_ids_are_above_all_subscribers_and_never_used_again(db: Database) -> None:
    assert add(db) == (FIRST, FIRST + 2)
    db.execute("DELETE FROM recipient")
    assert add(db) == (FIRST + 2, FIRST + 4)


def test_who_goes_takes_his_copies_along(db: Database) -> None:
    _, last = add(db)
    for mailing, reader in ((1, 7), (2, last), (2, last - 1)):
        db.execute(f"{COPY} VALUES (?, ?, 'a@b.c', 'b.c', 0, 0)", (mailing, reader))
    db.execute("DELETE FROM subscriber")
    db.execute("DELETE FROM recipient WHERE id = ?", (last,))
    left = db.execute("SELECT mailing_id, subscriber_id FROM copy").fetchall()
    assert left == [(2, last - 1)]


@pytest.mark.parametrize("state", ["done", "refused", "expired", "dropped"])
def test_the_end_of_a_job_is_the_end_of_what_it_says_of_people(db: Database, state: str) -> None:
    add(db)
    db.execute("UPDATE mailing SET state = 'waiting' WHERE id = 2")
    assert db.execute("SELECT count(*) FROM recipient").fetchone() == (2,)
    db.execute("UPDATE mailing SET state = ? WHERE id = 2", (state,))
    assert db.execute("SELECT count(*) FROM recipient").fetchone() == (0,)


def test_copies_of_an_older_store_are_kept_and_counted(db: Database) -> None:
    def about() -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = db.execute(
            "SELECT type, name FROM sqlite_master WHERE tbl_name = 'copy' ORDER BY name"
        ).fetchall()
        return found

    db.execute(f"{COPY} VALUES (1, 7, 'a@b.c', 'b.c', 0, 0)")
    before, rows = about(), db.execute("SELECT * FROM copy").fetchall()
    recipients._free_copies(db)
    assert about() == before
    assert db.execute("SELECT * FROM copy").fetchall() == rows
