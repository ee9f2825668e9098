"""How long an issue of a digest takes: 1,000 posts of 20 kB, once in each of its forms.

    python bench/digest.py [POSTS [OCTETS]]

Half of the posts are text, a quarter HTML with a text beside it, a quarter HTML alone. Reported are
CPU seconds: closing the issue (its number, its posts and its mailing in one transaction), and
rendering and sealing each form, which is done once however many have chosen it.
"""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from listserv_py.config import Settings
from listserv_py.delivery import plan
from listserv_py.delivery.letters import Content
from listserv_py.delivery.wire import Letter
from listserv_py.lists.header import new_header
from listserv_py.lists.options import Options, apply_words
from listserv_py.mail.issue import Entry
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store import issues
from listserv_py.store.open import open_database
from listserv_py.store.store import Tx
from listserv_py.store.turn import Turn, new_code, new_token
from listserv_py.texts.forms import Forms

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
DOMAIN = "lists.example.org"
FORMS = ("NOMIME", "MIME", "HTML", "INDEX", "INDEX HTML")
LINE = "The quick brown fox jumps over the lazy dog, and the dog takes no notice of it.\r\n"


def post(number: int, octets: int) -> bytes:
    """One of three kinds."""
    head = (
        f"From: Person {number % 50} <person{number % 50}@example.org>\r\n"
        f"To: test-l@{DOMAIN}\r\nSubject: Topic number {number // 7}\r\n"
        f"Date: Sun, 22 Nov 2026 10:00:00 +0000\r\nMessage-ID: <{number}@example.org>\r\n"
        "MIME-Version: 1.0\r\n"
    )
    text = LINE * (octets // len(LINE))
    page = "".join(f"<p>{LINE.strip()} <a href='https://example.org/{n}'>x</a></p>\r\n"
                   for n in range(octets // 130))  # fmt: skip
    if number % 4 < 2:
        return f"{head}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}".encode()
    if number % 4 == 2:
        return f"{head}Content-Type: text/html; charset=utf-8\r\n\r\n{page}".encode()
    half = len(text) // 2
    return (
        f'{head}Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\n'
        f"Content-Type: text/plain\r\n\r\n{text[:half]}\r\n--b\r\n"
        f"Content-Type: text/html\r\n\r\n{page[:half]}\r\n--b--\r\n"
    ).encode()


def run(folder: Path, posts: int, octets: int) -> None:
    """Collect, close, render."""
    site = {"domain": DOMAIN, "postmasters": ["admin@example.org"], "data_dir": str(folder)}
    settings = Settings.model_validate({"site": site})
    db = open_database(folder)
    tx = Tx(db, DOMAIN)
    turn = Turn(tx, settings, NOW, Forms.load(), new_code, new_token)
    db.execute("BEGIN IMMEDIATE")
    owner = parse_mailbox("olga@example.org")
    found = tx.lists.add("TEST-L", new_header("TEST-L", "Test", [owner]), NOW)
    for number, form in enumerate(FORMS):
        mode = form if "INDEX" in form else f"DIGEST {form}"
        options = apply_words(Options(), mode.split(), by_owner=False)
        tx.subscribers.add(found.id, parse_mailbox(f"r{number}@example.net"), "", options, NOW)
    facts = ListFacts("TEST-L", "Test", DOMAIN, f"listserv@{DOMAIN}", stamp=int(NOW.timestamp()))
    tx.digests.count(found.id, "2026-11-22", NOW)
    for number in range(1, posts + 1):
        raw = post(number, octets)
        lines = raw.count(b"\n")
        tx.digests.add(
            found.id, tx.digests.keep(raw), Entry(number, facts.stamp, lines, facts, raw)
        )
    db.execute("COMMIT")
    began = time.process_time()
    db.execute("BEGIN IMMEDIATE")
    issues.close(turn, found)
    db.execute("COMMIT")
    print(f"closing the issue: {time.process_time() - began:.2f} s CPU")
    mailing = tx.sending.running()[0]
    own = decode(mailing.facts)
    began = time.process_time()
    raw = tx.sending.content(mailing.id) or b""
    content = Content(mailing, raw, own)
    print(f"reading its {len(raw) / 1e6:.0f} MB: {time.process_time() - began:.2f} s CPU")
    for reader in tx.sending.page(mailing, 0, 100):
        key = plan.issue_of(reader.options & plan.FORM, own.collected)
        began = time.process_time()
        made = Letter(lambda seven_bit: content.draft(key, seven_bit), (), own.stamp)  # noqa: B023 - used at once
        took = time.process_time() - began
        print(f"{key.issue or '':11} {took:.2f} s CPU, {len(made.main.wire) / 1e6:.1f} MB")


def main() -> None:
    """Read the command line."""
    numbers = [int(word) for word in sys.argv[1:]]
    posts, octets = (*numbers, *(1000, 20_000)[len(numbers) :])
    with TemporaryDirectory() as folder:
        run(Path(folder), posts, octets)


if __name__ == "__main__":
    main()
