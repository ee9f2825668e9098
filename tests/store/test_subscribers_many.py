from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from fresh_rig import fresh_database

from listserv_py.lists.header import new_header
from listserv_py.lists.options import Options
from listserv_py.mail.mailbox import known_key, known_mailbox, parse_mailbox
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HEADER = new_header("test-l", "T", [parse_mailbox("olga@example.org")])


def test_many_are_forgotten_with_few_statements(tmp_path: Path) -> None:
    db = fresh_database(tmp_path)
    tx = Tx(db, "lists.example.org")
    test_l, other_l = (tx.lists.add(name, HEADER, NOW).id for name in ("TEST-L", "OTHER-L"))
    people = [known_mailbox(f"reader{number}@example.com") for number in range(1200)]
    for list_id in (test_l, other_l):
        tx.subscribers.add_many(list_id, [(one, "", Options(), NOW) for one in people])
    said: list[str] = []
    db.conn.set_trace_callback(said.append)
    tx.subscribers.remove_many(test_l, (one.key for one in people[1:]))
    db.conn.set_trace_callback(None)
    # SQLite says it again for each trigger.
    assert len({one for one in said if one.startswith("DELETE FROM subscriber")}) == 3
    assert set(tx.subscribers.keys(test_l)) == {people[0].key}
    assert len(tx.subscribers.keys(other_l)) == 1200
    db.close()


@pytest.mark.parametrize("options", [Options(), Options(until=date(2026, 12, 24))])
def test_people_who_differ_only_in_address_and_name(tmp_path: Path, options: Options) -> None:
    db = fresh_database(tmp_path)
    tx = Tx(db, "lists.example.org")
    test_l = tx.lists.add("TEST-L", HEADER, NOW)
    people = [known_mailbox("Zoe@example.com"), known_mailbox('"a b"@example.com')]
    rows = [(known_key(str(one)), str(one), "Anna") for one in people]
    tx.subscribers.add_alike(test_l.id, rows, options, NOW)
    for one in people:
        found = tx.subscribers.find(test_l.id, one)
        assert found is not None
        assert (str(found.mailbox), found.name, found.options) == (str(one), "Anna", options)
        assert found.subscribed_at == NOW
    db.close()
