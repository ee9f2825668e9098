"""Progress, queue and trail: right, and found by indexes however much waits."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from fresh_rig import fresh_database
from sqlite_utils import Database

from listserv_py.config import Settings
from listserv_py.lists.header import new_header
from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store import follow, lifetimes, progress, queue_view
from listserv_py.store.outbox import Kind
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
AT = int(NOW.timestamp())
SETTINGS = Settings.model_validate({"site": {"domain": "lists.example.org"}})
RAW = b"Subject: x\r\n\r\nx\r\n"


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    db = fresh_database(tmp_path)
    db.execute("PRAGMA synchronous=OFF")
    yield Tx(db, "lists.example.org")
    db.close()


def post(tx: Tx, many: int, nomail: int = 0) -> int:
    made = tx.lists.find("TEST-L") or tx.lists.add(
        "TEST-L", new_header("TEST-L", "Tests", [parse_mailbox("o@example.org")], []), NOW
    )
    people = [parse_mailbox(f"p{number}@example.net") for number in range(many + nomail)]
    if not tx.subscribers.count(made.id):
        off = Options(mail=False)
        tx.subscribers.add_many(
            made.id,
            [(one, "", off if at >= many else Options(), NOW) for at, one in enumerate(people)],
        )
    facts = ListFacts("TEST-L", "Tests", "lists.example.org", "listserv@lists.example.org")
    return tx.outbox.distribute(made.id, RAW, facts, NOW)


def settle(tx: Tx, mailing_id: int, fates: list[Fate], now: int, first: int = 1) -> None:
    """A page: the subscribers' ids begin at 1."""
    settled = [
        Settled(mailing_id, number, f"p{number - 1}@example.net", fate, 250, "2.0.0",
                f"as {number}", next_at=now + 60)
        for number, fate in enumerate(fates, first)
    ]  # fmt: skip
    tx.sending.record_page(mailing_id, first + len(fates) - 1, settled, now)


def seen(tx: Tx, mailing_id: int, now: int) -> tuple[object, ...]:
    found = progress.of(tx.db, mailing_id, now)
    assert found is not None
    return found.sent, found.failed, found.waiting, found.to_come


def test_a_post_is_counted_as_it_goes(tx: Tx) -> None:
    mailing_id = post(tx, 10, nomail=5)
    assert seen(tx, mailing_id, AT) == (0, 0, 0, 10)
    settle(tx, mailing_id, [Fate.SENT, Fate.LATER, Fate.REFUSED, Fate.UNTRIED], AT)
    assert seen(tx, mailing_id, AT) == (1, 1, 2, 6)
    tx.sending.record_copies([Settled(mailing_id, 2, "p1@example.net", Fate.SENT)], AT)
    assert seen(tx, mailing_id, AT) == (2, 1, 1, 6)
    tx.db.execute("DELETE FROM subscriber WHERE id = 4")
    assert seen(tx, mailing_id, AT) == (2, 1, 0, 6)
    settle(tx, mailing_id, [Fate.SENT] * 6, AT + 1, first=5)
    tx.sending.reached_all(mailing_id)
    assert seen(tx, mailing_id, AT) == (8, 1, 0, 0)
    (row,) = [one for one in [progress.of(tx.db, mailing_id, AT)] if one]
    assert (row.state, row.readers) == ("done", 10)
    assert progress.on_their_way(tx.db, AT, 10) == []


def test_the_rate_is_that_of_the_last_seconds(tx: Tx) -> None:
    mailing_id = post(tx, 4000)
    rates = []
    for second in range(40):
        many = 20 if second < 20 else 100
        settle(tx, mailing_id, [Fate.SENT] * many, AT + second, first=1 + second * 100)
        found = progress.of(tx.db, mailing_id, AT + second)
        assert found is not None
        rates.append(found.rate)
    assert rates[15] == pytest.approx(20, rel=0.2)
    assert rates[39] == pytest.approx(100, rel=0.2)
    assert found is not None
    assert found.left == pytest.approx(1600 / 100, rel=0.2)
    stalled = progress.of(tx.db, mailing_id, AT + 3600)
    assert stalled is not None
    assert stalled.rate < 1


def test_copies_that_were_put_off_are_no_speed(tx: Tx) -> None:
    mailing_id = post(tx, 4000)
    for second in range(30):
        fates = [Fate.SENT] * 5 + [Fate.UNTRIED] * 95
        settle(tx, mailing_id, fates, AT + second, first=1 + second * 100)
    found = progress.of(tx.db, mailing_id, AT + 29)
    assert found is not None
    assert found.rate == pytest.approx(5, rel=0.2)
    dead = post(tx, 4000)
    settle(tx, dead, [Fate.UNTRIED] * 100, AT)
    found = progress.of(tx.db, dead, AT + 5)
    assert found is not None
    assert (found.rate, found.left, found.to_come) == (0.0, None, 3900)


def test_a_single_mails_fate_is_kept(tx: Tx) -> None:
    to = parse_mailbox("joe@example.net")
    mailing_id = tx.outbox.send(to, RAW, kind=Kind.REPLY, now=NOW, about=7)
    assert [one.fate for one in tx.trail.answers(7)] == [0]
    tx.sending.record_copies(
        [Settled(mailing_id, None, str(to), Fate.SENT, 250, "2.0.0", "queued as X")], AT + 5
    )
    (answer,) = tx.trail.answers(7)
    assert (answer.fate, answer.at, answer.reply) == (Fate.SENT, AT + 5, "250 2.0.0 queued as X")
    lifetimes.sweep(tx.db, SETTINGS, NOW + timedelta(days=31))
    assert tx.trail.answers(7) == []


def test_one_readers_line_is_found(tx: Tx) -> None:
    mailing_id = post(tx, 10, nomail=1)
    fates = [Fate.SENT, Fate.LATER, Fate.REFUSED, Fate.GONE]
    settle(tx, mailing_id, fates, AT)
    lines = [follow.line_of(tx.db, mailing_id, number) for number in (1, 2, 3, 4, 5, 11, 12)]
    assert [line and line.fate for line in lines] == [
        "sent", "deferred", "refused", "gone", "queued", None, None,
    ]  # fmt: skip
    assert lines[0] == follow.Line("p0@example.net", "sent", AT, 0, "250 2.0.0 as 1")
    assert lines[1] == follow.Line("p1@example.net", "deferred", AT + 60, 1, "250 2.0.0 as 2")
    assert lines[2] == follow.Line("p2@example.net", "refused", AT, 0, "250 2.0.0 as 3")
    tx.sending.record_copies([Settled(mailing_id, 2, "p1@example.net", Fate.SENT)], AT + 9)
    later = follow.line_of(tx.db, mailing_id, 2)
    assert later is not None
    assert (later.fate, later.at) == ("sent", AT + 9)
    assert [one.fate for one in follow.untaken(tx.db, mailing_id)] == ["refused"]
    assert [(one.copies, one.sent) for one in follow.pages(tx.db, mailing_id)] == [(3, 1), (1, 1)]


def waits(tx: Tx, mailing_id: int, hold: bool = False) -> None:
    tx.db.execute(
        "INSERT INTO copy (mailing_id, subscriber_id, rcpt, domain, urgent, next_at, state)"
        " SELECT ?, id, address, 'example.net', 0, id, ? FROM subscriber",
        (mailing_id, "hold" if hold else "waiting"),
    )
    tx.db.execute("UPDATE mailing SET state = 'waiting' WHERE id = ?", (mailing_id,))


def steps(db: Database, look: Callable[[], object]) -> int:
    """How many tens of steps SQLite takes."""
    taken = [0]

    def count() -> int:
        taken[0] += 1
        return 0

    db.conn.set_progress_handler(count, 10)
    look()
    db.conn.set_progress_handler(None, 10)
    return taken[0]


LOOKS: tuple[Callable[[Tx], object], ...] = (
    lambda tx: queue_view.view(tx.db, 100),
    lambda tx: progress.on_their_way(tx.db, AT, 100),
    lambda tx: progress.of(tx.db, 1, AT),
    lambda tx: queue_view.show(tx.db, 1),
    lambda tx: follow.untaken(tx.db, 1),
)


def looked(folder: Path, many: int) -> list[int]:
    """What each look costs with so many copies waiting, and as many to come."""
    folder.mkdir()
    tx = Tx(fresh_database(folder), "lists.example.org")
    tx.db.execute("BEGIN")
    waits(tx, post(tx, many))
    post(tx, many)
    for _ in range(many):
        tx.outbox.send(parse_mailbox("a@b.example"), RAW, kind=Kind.REPLY, now=NOW)
    tx.db.execute("COMMIT")
    waiting = [(one.waiting, one.to_come) for one in queue_view.view(tx.db, 2)]
    assert waiting == [(many, 0), (0, many)]
    taken = [steps(tx.db, partial(look, tx)) for look in LOOKS]
    tx.db.close()
    return taken


def test_looking_costs_the_same_however_many_copies_wait(tmp_path: Path) -> None:
    few, many = looked(tmp_path / "few", 300), looked(tmp_path / "many", 3000)
    assert all(large <= small + 3 for small, large in zip(few, many, strict=True)), (few, many)


@pytest.mark.parametrize(
    ("query", "index"),
    [
        (follow._SPAN, "ledger_span (mailing_id=? AND first_id<?)"),
        ("SELECT spool_id FROM trail WHERE message = ?", "trail_message (message=?)"),
        ("SELECT spool_id FROM trail WHERE author = ?", "trail_author (author=?)"),
        ("SELECT spool_id FROM trail WHERE accepted_as = ?", "trail_accepted (accepted_as=?)"),
        ("SELECT * FROM trail WHERE mailing_id = ?", "trail_mailing (mailing_id=?)"),
        ("SELECT * FROM trail_step WHERE spool_id = ?", "trail_step_of (spool_id=?)"),
        ("SELECT * FROM trail_mail WHERE spool_id = ?", "trail_mail_about (spool_id=?)"),
        ("SELECT count(*) FROM subscriber WHERE list_id = ? AND options & 1",
         "COVERING INDEX subscriber_single (list_id=?)"),
        (f"{queue_view._VIEW} WHERE m.id IN ({queue_view._OLDEST})",
         "copy_mailing (mailing_id=? AND state=?)"),
    ],
)  # fmt: skip
def test_every_look_goes_by_an_index(tx: Tx, query: str, index: str) -> None:
    values = (1,) * (1 if "?1" in query else query.count("?"))
    plan = [row[3] for row in tx.db.execute(f"EXPLAIN QUERY PLAN {query}", values).fetchall()]
    assert any(index in line for line in plan), plan
    tables = ("copy", "ledger", "subscriber", "trail", "trail_step", "trail_mail", "progress")
    assert [line for line in plan if line in {f"SCAN {name}" for name in tables}] == []


@pytest.mark.parametrize("one", [True, False])
def test_retry_goes_in_slices(tx: Tx, monkeypatch: pytest.MonkeyPatch, *, one: bool) -> None:
    monkeypatch.setattr(queue_view, "SLICE", 4)
    mailing_id = post(tx, 10)
    waits(tx, mailing_id, hold=True)
    asked = mailing_id if one else None
    found = tx.outbox.retry_some(asked, 0)
    freed = "SELECT count(*) FROM copy WHERE state = 'waiting' AND next_at = 0"
    counts = []
    while True:
        counts.append(tx.db.execute(freed).fetchone()[0])
        if not found.after:
            break
        found = tx.outbox.retry_some(asked, found.after)
    assert counts == [4, 8, 10]


def test_dropped_copies_go_in_slices_and_never_out(tx: Tx, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_view, "SLICE", 4)
    mailing_id = post(tx, 10)
    waits(tx, mailing_id)
    assert tx.outbox.drop(mailing_id)
    assert queue_view.view(tx.db, 9) == []
    assert tx.db.execute("SELECT count(*) FROM copy").fetchone()[0] == 6
    assert tx.sending.due(0, AT, 100) == []
    assert tx.outbox.clear_dropped()
    assert not tx.outbox.clear_dropped()
    assert tx.db.execute("SELECT count(*) FROM copy").fetchone()[0] == 0
