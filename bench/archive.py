"""An archive of many posts: what keeping and indexing one costs, and how long answers take.

    python bench/archive.py [--posts 100000]

Posts are generated, 2 KB each, words by Zipf's law; each kind of answer is asked for many
times, and the slowest counts. CPU seconds of this process, for the machine may be busy.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from pathlib import Path

from listserv_py.commands.interpreter import run_job
from listserv_py.config import Settings
from listserv_py.lists.header import new_header
from listserv_py.mail.archived import noted
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read
from listserv_py.store.archive import link_of
from listserv_py.store.archive_index import prepared
from listserv_py.store.open import open_database
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turn, new_code, new_token
from listserv_py.texts.forms import Forms

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
OWNER = parse_mailbox("olga@example.org")
LINES = (
    "SEARCH wa IN BIG-L",
    "SEARCH wab wac IN BIG-L",
    '"wa wb"',
    "SEARCH wa NOT wb OR (wc wd) IN BIG-L",
    "SEARCH wab* IN BIG-L",
    "SEARCH zz IN BIG-L",
    "SEARCH wa IN BIG-L SINCE 30 days ago",
    "SEARCH wa IN BIG-L TO 2000-01-01",
    "SEARCH * IN BIG-L WHERE SUBJECT CONTAINS nothing",
    "SEARCH wa IN BIG-L WHERE SENDER CONTAINS nobody",
    "SEARCH * IN BIG-L WHERE SENDER IS person7@example.net",
)
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def main() -> None:
    """Fill, index, ask; print a line each."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--posts", type=int, default=100_000)
    posts = parser.parse_args().posts
    with tempfile.TemporaryDirectory(prefix="archive-") as folder:
        db = open_database(Path(folder))
        tx = Tx(db, "lists.example.org")
        header = new_header("BIG-L", "Big", [OWNER], ["Notebook= Yes,A,Monthly,Private"])
        tx.lists.add("BIG-L", header, NOW)
        site = {"domain": "lists.example.org", "postmasters": [], "data_dir": folder}
        settings = Settings.model_validate({"site": site})
        turn = Turn(tx, settings, NOW, Forms.load(), new_code, new_token)
        _fill(tx, posts)
        _index(tx, posts)
        size = sum(path.stat().st_size for path in Path(folder).glob("listserv.db*"))
        print(f"on disk {size / posts:.0f} bytes a post")
        for line in LINES:
            asked = line if line.startswith("SEARCH") else f"SEARCH {line} IN BIG-L"
            print(f"{_slowest(lambda one=asked: run_job(turn, OWNER, one), 10):7.1f} ms  {asked}")
        dice = random.Random(2)  # noqa: S311 - no secret
        worst = _slowest(
            lambda: run_job(turn, OWNER, f"GETPOST BIG-L {dice.randint(1, posts)}"), 200
        )
        print(f"{worst:7.1f} ms  GETPOST, slowest of 200")
        print(f"{_slowest(lambda: run_job(turn, OWNER, 'INDEX BIG-L'), 10):7.1f} ms  INDEX BIG-L")
        db.close()


def _posts(many: int) -> list[bytes]:
    dice = random.Random(1)  # noqa: S311 - no secret
    pairs = [a + b for a in LETTERS for b in LETTERS]
    ends = [*LETTERS, *(a + pair for a in LETTERS for pair in pairs)]
    words = [f"w{end}" for end in ends]
    weights = list(accumulate(1 / rank for rank in range(1, len(words) + 1)))
    made = []
    for number in range(many):
        said = dice.choices(words, cum_weights=weights, k=330)
        body = "\r\n".join(" ".join(said[at : at + 12]) for at in range(0, len(said), 12))
        made.append(
            f"From: Person {number % 997} <person{number % 997}@example.net>\r\n"
            f"To: big-l@lists.example.org\r\nSubject: {' '.join(said[:5])}\r\n"
            f"Message-ID: <{number}@example.net>\r\n\r\n{body}\r\n".encode()
        )
    return made


def _fill(tx: Tx, many: int) -> None:
    found = tx.lists.get("BIG-L")
    raws = _posts(many)
    messages = [read(raw) for raw in raws]
    since = time.process_time()
    tx.db.execute("BEGIN IMMEDIATE")
    for number, (raw, message) in enumerate(zip(raws, messages, strict=True), 1):
        at = NOW - timedelta(minutes=30 * (many - number))
        link = link_of("BIG-L", message.message_id, raw)
        tx.archive.keep(found.id, tx.lists.number_post(found), raw, noted(message), link, at)
    tx.db.execute("COMMIT")
    spent = (time.process_time() - since) / many
    print(f"keeping   {spent * 1e6:6.0f} us of the writing thread a post of {len(raws[0])} octets")


def _index(tx: Tx, many: int) -> None:
    reading = writing = worst = 0.0
    while unread := tx.archive_index.unread(25, 2_000_000):
        since = time.process_time()
        done = [prepared(one) for one in unread]
        began = time.process_time()
        tx.db.execute("BEGIN IMMEDIATE")
        tx.archive_index.index(done)
        tx.db.execute("COMMIT")
        ended = time.process_time()
        reading, writing = reading + began - since, writing + ended - began
        worst = max(worst, ended - began)
    print(
        f"indexing  {reading / many * 1e6:6.0f} us beside the loop,"
        f" {writing / many * 1e6:.0f} us of the writing thread;"
        f" the longest turn {worst * 1e3:.0f} ms"
    )


def _slowest(work: Callable[[], object], times: int) -> float:
    worst = 0.0
    for _ in range(times):
        since = time.process_time()
        work()
        worst = max(worst, time.process_time() - since)
    return worst * 1000


if __name__ == "__main__":
    main()
