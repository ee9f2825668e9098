"""Nothing that is stored is without a lifetime, and the sweeper keeps to it in slices."""

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import NOW, Stage

from listserv_py import timers
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store import lifetimes
from listserv_py.store.changelog import Verb
from listserv_py.store.outbox import Kind

JOE = parse_mailbox("joe@example.com")
AT = int(NOW.timestamp())
TABLES = (
    "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
    " AND name NOT LIKE 'sqlite_%' AND name NOT LIKE '_sqlite_%'"
)
LESS = "store/lifetimes.py, TABLES: say there what the table holds and how long, with a Sweep"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def tables(stage: Stage) -> set[str]:
    """The schema's, but for those that an FTS5 table keeps for itself."""
    found = dict(stage.db.execute(TABLES).fetchall())
    virtual = [name for name, sql in found.items() if sql.startswith("CREATE VIRTUAL")]
    return {one for one in found if not any(one.startswith(f"{name}_") for name in virtual)}


def test_every_table_has_a_lifetime(stage: Stage) -> None:
    there, told = tables(stage), set(lifetimes.TABLES)
    assert there - told == set(), f"a table without a lifetime: {LESS}"
    assert told - there == set(), f"no such table any more: {LESS}"


def test_every_setting_that_is_named_is_there(stage: Stage) -> None:
    named = {key for one in lifetimes.TABLES.values() for key in re.findall("{(.*?)}", one.lasts)}
    for key in named:
        lifetimes.setting(stage.settings, key)  # AttributeError where there is none
    for one in lifetimes.TABLES.values():
        for sweep in one.sweeps:
            if isinstance(sweep.after, str):
                assert lifetimes.span(stage.settings, sweep.after) > timedelta()
                assert sweep.after in one.lasts, "the words must name what the sweep goes by"
    ruled = {f"retention.{name}" for name in type(stage.settings.retention).model_fields}
    assert ruled <= named, "a setting of [retention] that no table goes by"


GROWS = """
INSERT INTO old_header VALUES (1, '* Owner= x@example.net', :at);
INSERT INTO header_lock VALUES (1, 'x@example.net', :at);
INSERT INTO service VALUES ('a', 0, 'a', 1, '', :at), ('b', 0, 'b', 1, 'faults', :at);
INSERT INTO service VALUES ('c', 0, 'c', 1, 'postmaster', :at);
INSERT INTO alias VALUES ('a', 'a', 'a', :at);
INSERT INTO cookie (code_hash, kind, address_key, address, payload, created_at, expires_at)
    VALUES (x'00', 'x', 'a', 'a', '', :at, :at);
INSERT INTO proof VALUES (x'00', 1, :at);
INSERT INTO answer VALUES (x'00', 'x', :at);
INSERT INTO seen VALUES (x'00', :at);
INSERT INTO posted VALUES (1, x'00', :at);
INSERT INTO post_count VALUES (1, '2026-11-22', x'00', 1);
INSERT INTO storm_sign VALUES (1, x'00', x'00', 0, :at);
INSERT INTO storm VALUES (1, :at);
INSERT INTO mailing (id, kind, state, created_at) VALUES (90, 'post', 'done', :at);
INSERT INTO ledger (mailing_id, first_id, last_id, at, outcomes) VALUES (90, 1, 1, :at, x'');
INSERT INTO host VALUES ('h', 1, :at, '');
INSERT INTO trail (spool_id, accepted_as, message, author, protocol, received_at)
    VALUES (1, '', x'00', x'00', 'smtp', :at);
INSERT INTO trail_step (spool_id, at, what) VALUES (1, :at, 'x');
INSERT INTO trail_mail (mailing_id, kind, made_at) VALUES (7, 'reply', :at);
INSERT INTO bounce (mailing_id, address, at, code, status, text, charge)
    VALUES (7, '', :at, 550, '', '', 'person'), (7, '', :at, 550, '', '', 'none');
INSERT INTO bounce_told VALUES (7, 'x', :at);
INSERT INTO probe (key, purpose, subscriber_id, list_id, mailing_id, sent_at, state)
    VALUES (x'00', 'bounce', 1, 1, 7, :at, 'over');
INSERT INTO digest_issue (list_id, volume, number, closed_at, posts) VALUES (1, 1, 1, :at, 1);
INSERT INTO digest_had VALUES (1, 1, 1);
INSERT INTO mailing (id, kind, state, created_at) VALUES (91, 'job', 'done', :at);
INSERT INTO recipient VALUES (1 << 61, 91, 'a', 'a', '')
"""


def grown(stage: Stage) -> set[str]:
    """One row at least in each table that a sweep empties, of NOW."""
    stage.create("TEST-L", {"subscribers": ["joe@example.com | Joe |"]})
    for statement in GROWS.split(";\n"):
        stage.db.execute(statement, {"at": AT} if ":at" in statement else {})
    stage.tx.changelog.note(stage.tx.lists.get("TEST-L"), Verb.SET, JOE, "", NOW)
    return set(re.findall(r"INTO (\w+)", GROWS)) | {"change_log"}


def count(stage: Stage, table: str) -> int:
    return int(stage.db.execute(f"SELECT count(*) FROM {table}").fetchone()[0])  # noqa: S608 - names of ours


def test_after_ten_years_the_floor_is_there(stage: Stage) -> None:
    filled = grown(stage)
    swept = {name for name, one in lifetimes.TABLES.items() if one.sweeps}
    assert swept <= filled, f"a sweep that no row of GROWS tries: {LESS}"
    stage.now = NOW + timedelta(days=3650)
    while timers.sweep(stage.turn()):
        pass
    left = {table: count(stage, table) for table in filled}
    assert {name: many for name, many in left.items() if many} == {"service": 1}
    assert count(stage, "subscriber") == 1


def test_the_day_before_nothing_goes_that_a_setting_keeps(stage: Stage) -> None:
    grown(stage)
    stage.now = NOW + timedelta(days=29)
    timers.sweep(stage.turn())
    kept = ("ledger", "trail", "trail_step", "trail_mail", "bounce_told", "probe", "old_header")
    assert [count(stage, table) for table in kept] == [1] * len(kept)
    assert count(stage, "bounce") == 2
    stage.now = NOW + timedelta(days=31)
    timers.sweep(stage.turn())
    assert [count(stage, table) for table in kept] == [0, 0, 0, 0, 0, 1, 1]
    assert count(stage, "bounce") == 1


def test_much_goes_in_slices(stage: Stage) -> None:
    many = 2 * lifetimes.AT_ONCE + 1
    stage.db.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO answer SELECT zeroblob(1), 'x', ? FROM n",
        (many, AT),
    )
    stage.now = NOW + timedelta(days=365)
    turns = [timers.sweep(stage.turn()) for _ in range(3)]
    assert turns == [True, True, False]
    assert count(stage, "answer") == 0


def test_what_the_operator_leaves_aside_is_thrown_away_in_the_end(stage: Stage) -> None:
    robot = parse_mailbox("listserv@lists.example.org")
    raw = b"From: joe@example.com\r\n\r\nHELP\r\n"
    for _ in range(3):
        stage.tx.spool.take(Envelope(JOE, (robot,), raw, "", "", Protocol.SMTP, NOW))
    stage.tx.spool.set_all_aside("it failed")
    stage.tx.outbox.send(JOE, b"Subject: x\r\n\r\n", kind=Kind.REPLY, now=NOW)
    stage.tx.outbox.hold_all()
    tables = ("spool", "message", "mailing", "copy", "content")
    stage.now = NOW + timedelta(days=89)
    timers.sweep(stage.turn())
    assert 0 not in [count(stage, table) for table in tables]
    stage.now = NOW + timedelta(days=91)
    timers.sweep(stage.turn())
    assert [count(stage, table) for table in tables] == [0] * len(tables)
