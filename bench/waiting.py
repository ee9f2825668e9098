"""What it costs to look at, free and drop a million copies that wait, and to find one in a ledger.

    python bench/waiting.py [COPIES]

In the store alone, on disk; CPU seconds of this process.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from listserv_py.lists.header import new_header
from listserv_py.lists.options import Options
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store import figures, follow, progress, queue_view
from listserv_py.store.open import open_database
from listserv_py.store.outbox import Kind
from listserv_py.store.outcomes import Fate, Settled
from listserv_py.store.store import Tx

NOW = datetime.now(UTC)
AT = int(NOW.timestamp())
RAW = b"Subject: x\r\n\r\nx\r\n"
FACTS = ListFacts("BIG-L", "Big", "lists.example.org", "listserv@lists.example.org")
SINGLES = 20_000
PAGE = 500


def told(what: str, work: Callable[[], object]) -> None:
    """Do it, and say what it cost."""
    begun = time.process_time()
    work()
    print(f"{what:<40} {(time.process_time() - begun) * 1000:9.1f} ms")


def in_turn(tx: Tx, work: Callable[[], object]) -> Callable[[], None]:
    """The same in a transaction of its own."""

    def turn() -> None:
        tx.db.execute("BEGIN IMMEDIATE")
        work()
        tx.db.execute("COMMIT")

    return turn


def fill(tx: Tx, many: int) -> tuple[int, int, list[int]]:
    """A post all of whose copies wait, and one with all to come."""
    owner = parse_mailbox("owner@example.org")
    made = tx.lists.add("BIG-L", new_header("BIG-L", "Big", [owner], []), NOW)
    people = [parse_mailbox(f"p{number}@example.net") for number in range(many)]
    tx.subscribers.add_many(made.id, [(one, "", Options(), NOW) for one in people])
    first = tx.outbox.distribute(made.id, RAW, FACTS, NOW)
    ids = [row[0] for row in tx.db.execute("SELECT id FROM subscriber ORDER BY id").fetchall()]
    tx.db.execute(
        "INSERT INTO copy (mailing_id, subscriber_id, rcpt, domain, urgent, next_at)"
        " SELECT ?, id, address, 'example.net', 0, ? + id FROM subscriber",
        (first, AT),
    )
    tx.db.execute("UPDATE mailing SET state = 'waiting' WHERE id = ?", (first,))
    begun = time.process_time()
    second = tx.outbox.distribute(made.id, RAW, FACTS, NOW)
    print(f"{'a post into the outbox':<40} {(time.process_time() - begun) * 1000:9.1f} ms")
    for _ in range(SINGLES):
        tx.outbox.send(owner, RAW, kind=Kind.REPLY, now=NOW)
    return first, second, ids


def record(tx: Tx, mailing_id: int, ids: list[int]) -> None:
    """Every copy of a post was taken over."""
    for at in range(0, len(ids), PAGE):
        page = ids[at : at + PAGE]
        settled = [Settled(mailing_id, one, "x@example.net", Fate.SENT) for one in page]
        tx.sending.record_page(mailing_id, page[-1], settled, AT)


def main() -> None:
    """Print a line each."""
    many = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        tx = Tx(open_database(Path(folder)), "lists.example.org")
        tx.db.execute("BEGIN IMMEDIATE")
        first, second, ids = fill(tx, many)
        tx.db.execute("COMMIT")
        told("queue", lambda: queue_view.view(tx.db, 1000))
        told("queue watch", lambda: progress.on_their_way(tx.db, AT, 200))
        told("queue show", lambda: queue_view.show(tx.db, first))
        told("metrics", lambda: figures.look(tx.db, AT))
        told("retry, a slice", in_turn(tx, lambda: tx.outbox.retry_some(first, ids[many // 2])))
        told("drop", in_turn(tx, lambda: tx.outbox.drop(first)))
        told("a slice of what was dropped", in_turn(tx, tx.outbox.clear_dropped))
        told("all outcomes recorded", in_turn(tx, lambda: record(tx, second, ids)))
        some = ids[:: max(1, many // 100)]
        told(f"{len(some)} readers' copies found", lambda: [
            follow.line_of(tx.db, second, one) for one in some
        ])  # fmt: skip
        tx.db.close()


if __name__ == "__main__":
    main()
