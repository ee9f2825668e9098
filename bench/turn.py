"""What a command mail's turn costs in the store alone: CPU milliseconds, and SQL statements.

    python bench/turn.py [MAILS]

SUBSCRIBEs of as many people, fifty in one transaction on disk. The lowest tenth and the middle: on
a busy machine the first tells more.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from listserv_py.config import Settings, Site
from listserv_py.intake import open_letter, read_ahead, work_off
from listserv_py.lists.header import new_header
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.open import open_database
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turns
from listserv_py.texts.forms import Forms

DOMAIN = "lists.example.org"
BOSS = parse_mailbox("boss@example.org")
LISTSERV = Mailbox("listserv", DOMAIN)
TOGETHER = 50


def envelopes(many: int) -> Iterator[Envelope]:
    """As many mails, each by somebody else."""
    for number in range(many):
        who = parse_mailbox(f"person{number}@people{number}.example")
        raw = (
            f"Received: by {DOMAIN} id x{number}\r\nFrom: Anna Arm <{who}>\r\nTo: {LISTSERV}\r\n"
            f"Subject: x\r\nMessage-ID: <{who}>\r\n\r\nSUBSCRIBE JOIN-L Anna Arm\r\n"
        )
        now = datetime.now(UTC)
        yield Envelope(who, (LISTSERV,), raw.encode(), "192.0.2.1", "x", Protocol.SMTP, now)


def main(many: int) -> None:
    """Print one line."""
    took: list[float] = []
    said: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        tx = Tx(open_database(Path(folder)), DOMAIN)
        tx.lists.add("JOIN-L", new_header("JOIN-L", "Join", [BOSS], []), datetime.now(UTC))
        site = Site(domain=DOMAIN, data_dir=Path(folder), postmasters=(str(BOSS),))
        turns = Turns(Settings(site=site), Forms.load())
        mails = list(envelopes(many))
        for first in range(0, many, TOGETHER):
            tx.db.execute("BEGIN IMMEDIATE")
            tx.spool.take_all(mails[first : first + TOGETHER])
            for entry in tx.spool.begin(tx.spool.ready(TOGETHER, 10**9)):
                letter = open_letter(entry)
                ahead = read_ahead(letter, site)
                tx.lists.remember()
                tx.db.conn.set_trace_callback(said.append if not took else None)
                begun = time.thread_time()
                work_off(turns.at(tx), letter, ahead)
                took.append(time.thread_time() - begun)
            tx.db.execute("COMMIT")
        tx.db.close()
    took.sort()
    low, middle = took[many // 10] * 1000, took[many // 2] * 1000
    print(f"a turn: {low:.3f} ms, the middle {middle:.3f} ms, {len(said)} statements")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 2000)
