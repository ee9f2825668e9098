"""docs/subscribers.md and docs/owners.md: their mails are sent, and their answers come.

A block `mail` is sent; a block `answer` behind it is one of the mails that came of it, its line
`[…]` standing for any lines. `--update-golden` writes the answers anew, without leaving any out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes, policy
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from stage import DOMAIN, Stage

from listserv_py.delivery.issue import render_issue
from listserv_py.delivery.variants import IssueForm
from listserv_py.mail.listheaders import decode
from listserv_py.store.archive_index import prepared

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("subscribers.md", "owners.md")
BLOCK = re.compile(r"^```(mail|answer)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
ELIDED = "[…]"
LISTS: dict[str, dict[str, Any]] = {
    "GARDEN-L": {
        "title": "The garden club",
        "owners": ["olga@example.org"],
        "set": ["Review= Private", "Change-Log= Yes"],
        "subscribers": ["rose@example.com | Rose Bush", "bill@old.example | Bill Hook"],
    },
    "NEWS-L": {"title": "News of the town", "owners": ["paul@example.org"], "set": ["Send= Owner"]},
}


@dataclass(frozen=True)
class Answer:
    """A mail as a page shows it."""

    to: str
    subject: str
    text: str

    def __str__(self) -> str:
        return f"To: {self.to}\nSubject: {self.subject}\n\n{self.text}\n"


ARCHIVED = {"subscribers.md": ["Notebook= Yes,A,Monthly,Private"]}
"""What the GARDEN-L of a page has besides; the owner of owners.md puts it there himself."""


@pytest.fixture
def stage(tmp_path: Path, page: str) -> Iterator[Stage]:
    made = Stage(tmp_path)
    for name, told in LISTS.items():
        more = ARCHIVED.get(page, []) if name == "GARDEN-L" else []
        made.create(name, {**told, "set": [*told["set"], *more]})
    yield made
    made.close()


def answers(stage: Stage) -> list[Answer]:
    """What came of the last mail, a copy each."""
    found = []
    for one in stage.outgoing():
        envelope, _, raw = one.partition(b"\r\n\r\n")
        raw = digest(stage, raw) if envelope.startswith(b"[digest") else raw
        mail = message_from_bytes(raw, policy=policy.default)
        part = mail.get_body(("plain",))
        lines = [line.rstrip() for line in part.get_content().splitlines()] if part else []
        for rcpt in re.findall(rb"RCPT TO:<(.*?)>", envelope):
            text = "\n".join(lines).strip("\n")
            found.append(Answer(rcpt.decode(), str(mail["subject"]), text))
    return found


def digest(stage: Stage, raw: bytes) -> bytes:
    """An issue as the engine makes a text of it."""
    [facts] = stage.db.execute("SELECT facts FROM mailing WHERE kind = 'digest'").fetchone()
    made = render_issue(raw, decode(facts), IssueForm.TEXT, seven_bit=False)
    return made.head + b"\r\n" + made.body


def send(stage: Stage, written: str, number: int) -> list[Answer]:
    head, _, text = written.partition("\n\n")
    mail = f"{head}\nMessage-ID: <{number}@mail.example>\n\n{text}"
    stage.take(mail.replace("\n", "\r\n").encode())
    unread = stage.tx.archive_index.unread(100, 1_000_000)
    stage.tx.archive_index.index([prepared(one) for one in unread])
    return answers(stage)


def agrees(shown: str, answer: Answer) -> bool:
    parts = [re.escape(part.strip("\n")) for part in shown.split(ELIDED)]
    return re.fullmatch(r"\s.*?".join(parts), str(answer).strip("\n"), re.DOTALL) is not None


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_are_true(stage: Stage, page: str, update_golden: bool) -> None:
    text, number = (DOCS / page).read_text(encoding="utf-8"), count(1)
    came: list[Answer] = []
    wrong = []

    def tried(block: re.Match[str]) -> str:
        nonlocal came
        kind, written = block.groups()
        if kind == "mail":
            came = send(stage, written, next(number))
            return block[0]
        assert came, f"nothing came of the mail above {written!r}"
        if any(agrees(written, one) for one in came):
            came = [one for one in came if not agrees(written, one)]
            return block[0]
        to = written.split("\n")[0].removeprefix("To: ")
        meant = next((one for one in came if one.to == to), came[0])
        wrong.append(f"shown:\n{written}\ncame:\n" + "\n".join(map(str, came)))
        came = [one for one in came if one is not meant]
        return f"```answer\n{meant}```"

    now = BLOCK.sub(tried, text)
    if update_golden:
        (DOCS / page).write_text(now, encoding="utf-8")
    elif wrong:
        pytest.fail("\n".join(wrong))


@pytest.mark.parametrize("page", PAGES)
def test_the_examples_are_of_this_server(page: str) -> None:
    blocks = BLOCK.findall((DOCS / page).read_text(encoding="utf-8"))
    assert len(blocks) >= 16
    for kind, written in blocks:
        if kind == "mail":
            assert re.match(r"From: \S.*\nTo: \S+@" + re.escape(DOMAIN), written)
