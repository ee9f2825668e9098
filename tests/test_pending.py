"""A request costs the same however many are pending: no statement reads a whole table."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

from fresh_rig import fresh_database

from listserv_py.config import Settings, Site
from listserv_py.intake import open_letter, read_ahead, work_off
from listserv_py.lists.header import new_header
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.sending import URGENT
from listserv_py.store.store import Tx
from listserv_py.store.times import stamp
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms

NOW = datetime.now(UTC)
JOE = parse_mailbox("joe@example.net")
LISTSERV = parse_mailbox("listserv@lists.example.org")
MAIL = (
    b"Received: by us\r\nFrom: Joe <joe@example.net>\r\nMessage-ID: <1@example.net>\r\n\r\n"
    b"SUBSCRIBE PARTY-L Joe Jones\r\n"
)
STATEMENTS_MAX = 36
"""Spool, turn and the look for what is due: each statement of a mail costs as much as ten lines."""
WHOLE = re.compile(r"SCAN (?!json_each)")
BESIDES = re.compile(r"^(BEGIN|COMMIT|SAVEPOINT|RELEASE|PRAGMA|--)", re.IGNORECASE)


def test_no_statement_of_a_subscription_request_reads_a_whole_table(tmp_path: Path) -> None:
    db = fresh_database(tmp_path)
    tx = Tx(db, "lists.example.org")
    tx.lists.add("PARTY-L", new_header("PARTY-L", "Party", [JOE]), NOW)
    site = Site(domain="lists.example.org", data_dir=tmp_path, postmasters=(str(JOE),))
    turns = Turns(Settings(site=site), Forms.load())
    said: list[str] = []
    db.conn.set_trace_callback(said.append)

    tx.spool.take(Envelope(JOE, (LISTSERV,), MAIL, "192.0.2.1", "x", Protocol.SMTP, NOW))
    (entry,) = tx.spool.begin(tx.spool.ready(50, 10**6))
    letter = open_letter(entry)
    work_off(turns.at(tx), letter, read_ahead(letter, site))
    due = tx.sending.due(URGENT, stamp(datetime.now(UTC)) + 1, 500)

    db.conn.set_trace_callback(None)
    assert len(due) == 1
    assert tx.cookies.open_count(JOE, NOW) == 1
    plans = {one: _plan(tx, one) for one in said if not BESIDES.match(one)}
    db.close()
    assert 10 < len(plans) <= STATEMENTS_MAX
    assert {one: plan for one, plan in plans.items() if WHOLE.search(plan)} == {}


def _plan(tx: Tx, statement: str) -> str:
    rows = tx.db.execute(f"EXPLAIN QUERY PLAN {statement}").fetchall()
    return "; ".join(str(row[3]) for row in rows)
