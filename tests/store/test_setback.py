"""After the clock has gone back nothing waits for a time that only the wrong one has seen."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.clock import SteadyClock
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.setback import mend
from listserv_py.store.turn import Turns

ANNA = "anna@example.net"
LONGEST = 5 * 3600
YEARS = timedelta(days=3650)


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": []})
    yield made
    made.close()


def ask(stage: Stage) -> str:
    """Ask to subscribe: the code that answers it."""
    head = f"From: {ANNA}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <{stage.now}@x.y>"
    stage.take(f"{head}\r\n\r\nSUBSCRIBE TEST-L Anna Arm\r\n".encode())
    stage.outgoing()
    return str(stage.db.execute("SELECT max(id) FROM cookie").fetchone()[0])


def test_codes_copies_and_answers_of_a_wrong_time(stage: Stage) -> None:
    right, span = stage.now, stage.settings.limits.confirmation_age
    ask(stage)
    stage.now += YEARS
    ask(stage)
    late = int(stage.now.timestamp())
    stage.tx.budget.spend(parse_mailbox(ANNA), "answer", stage.now)
    stage.db.execute("UPDATE copy SET next_at = ?", (late + LONGEST,))
    stage.db.execute("INSERT INTO host VALUES ('relay', 1, ?, '')", (late + LONGEST,))
    now = int(right.timestamp())

    assert mend(stage.tx, now, LONGEST)

    (first,), (second,) = stage.db.execute("SELECT expires_at FROM cookie ORDER BY id").fetchall()
    assert first == now + span.total_seconds(), "what is right stays as it is"
    assert second == now + span.total_seconds(), "neither for ever nor dead"
    assert stage.db.execute("SELECT max(next_at) FROM copy").fetchone() == (now,)
    assert stage.db.execute("SELECT next_at FROM host").fetchone() == (now,)
    assert stage.db.execute("SELECT count(*) FROM answer WHERE at > ?", (now,)).fetchone() == (0,)
    mend(stage.tx, now + 60, LONGEST)
    [(again,)] = stage.db.execute("SELECT DISTINCT expires_at FROM cookie").fetchall()
    assert again == second, "mended once"


def test_a_right_clock_changes_nothing(stage: Stage) -> None:
    ask(stage)
    before = stage.db.execute("SELECT expires_at FROM cookie").fetchall()
    assert not mend(stage.tx, int(stage.now.timestamp()) - 60, LONGEST)
    assert stage.db.execute("SELECT expires_at FROM cookie").fetchall() == before


def test_codes_outlive_a_leap(stage: Stage) -> None:
    count, leap = 1000.0, 0.0
    clock = SteadyClock(lambda: stage.now.timestamp() + count - 1000 + leap, lambda: count)
    turns = Turns(stage.settings, stage.turn().forms, clock)
    ask(stage)
    leap = YEARS.total_seconds()
    count += 600
    at = turns.at(stage.tx).now
    assert at == stage.now + timedelta(seconds=600)
    assert stage.tx.cookies.open_count(parse_mailbox(ANNA), at) == 1
