from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from fresh_rig import fresh_database

from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.cookies import Ask, CookieKind
from listserv_py.store.open import FILE
from listserv_py.store.store import Tx

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
JOE = parse_mailbox("joe@example.net")
CODE = "0123456789ABCDEF"


@pytest.fixture
def tx(tmp_path: Path) -> Iterator[Tx]:
    db = fresh_database(tmp_path)
    yield Tx(db, "lists.example.org")
    db.close()


def ask(kind: CookieKind = CookieKind.COMMAND) -> Ask:
    return Ask(kind, JOE, '{"lines": ["SIGNOFF X"]}', NOW + timedelta(hours=48), NOW)


def test_a_code_serves_once(tx: Tx) -> None:
    tx.cookies.issue(ask(), CODE)
    cookie = tx.cookies.find(CODE, NOW)
    assert cookie is not None
    assert (cookie.mailbox, cookie.is_used, cookie.is_expired) == (JOE, False, False)
    assert [tx.cookies.use(cookie, NOW) for _ in range(20)] == [True] + [False] * 19
    later = tx.cookies.find(CODE, NOW)
    assert later is not None
    assert later.is_used


def test_a_code_expires(tx: Tx) -> None:
    tx.cookies.issue(ask(), CODE)
    late = NOW + timedelta(hours=48)
    cookie = tx.cookies.find(CODE, late)
    assert cookie is not None
    assert cookie.is_expired
    assert not tx.cookies.use(cookie, late)


@pytest.mark.parametrize("wrong", ["", "0123456789abcdef", "0123456789ABCDEE", "X" * 10_000, "é"])
def test_a_wrong_code_is_unknown(tx: Tx, wrong: str) -> None:
    tx.cookies.issue(ask(), CODE)
    assert tx.cookies.find(wrong, NOW) is None


def test_codes_are_not_in_the_file(tx: Tx, tmp_path: Path) -> None:
    tx.cookies.issue(ask(), CODE)
    tx.db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    raw = b"".join(one.read_bytes() for one in tmp_path.iterdir() if one.name.startswith(FILE))
    assert CODE.encode() not in raw
    assert bytes.fromhex(CODE) not in raw


def test_approvals_do_not_fill_a_persons_budget(tx: Tx) -> None:
    for number, kind in enumerate((CookieKind.COMMAND, CookieKind.POST, CookieKind.APPROVAL)):
        tx.cookies.issue(ask(kind), f"{number:016X}")
    assert tx.cookies.open_count(JOE, NOW) == 2
    assert tx.cookies.open_count(JOE, NOW + timedelta(hours=48)) == 0
    assert tx.cookies.open_count(parse_mailbox("eve@example.net"), NOW) == 0
