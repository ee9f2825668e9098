from datetime import UTC, datetime
from pathlib import Path

import pytest
from fresh_rig import fresh_database

from listserv_py.errors import ListExists, UnknownList
from listserv_py.lists.header import new_header
from listserv_py.lists.values import SubscriptionPolicy
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
HEADER = new_header("test-l", "T", [parse_mailbox("olga@example.org")])


def test_lists(tmp_path: Path) -> None:
    db = fresh_database(tmp_path)
    lists = Tx(db, "lists.example.org").lists
    made = lists.add("Test-L", HEADER, NOW)
    assert (made.name, made.held, lists.find("TEST-l")) == ("TEST-L", False, made)
    lists.hold(made, "too much")
    assert lists.get("test-l").held
    lists.free(made)
    assert [one.held for one in lists.all()] == [False]
    with pytest.raises(ListExists):
        lists.add("TEST-L", HEADER, NOW)
    with pytest.raises(UnknownList):
        lists.get("TE\u017fT-L")
    db.close()


def test_a_header_that_a_new_rule_would_refuse_is_still_a_list_and_a_safe_one(
    tmp_path: Path,
) -> None:
    db = fresh_database(tmp_path)
    lists = Tx(db, "lists.example.org").lists
    bad = HEADER.replace("Open,Confirm", "Wide-Open").replace("Send= Private", "Send= Every")
    made = lists.add("TEST-L", bad, NOW)
    assert made.keywords.subscription.policy is SubscriptionPolicy.CLOSED
    assert made.keywords.send.access == ()
    db.close()
