"""`Service=`: who is outside the area neither joins nor reads what is for those inside."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.mail.mailbox import parse_mailbox

INSIDE, OUTSIDE, ON_IT = "joe@cs.example.edu", "eve@example.com", "sub@example.com"
AREA = ["Service= *.example.edu", "Subscription= Open"]
LEVELS = ["Review= Service", "Notebook= Yes,A,Monthly,Service", "Send= Service", "Validate= No"]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("AREA-L", {"set": [*AREA, *LEVELS], "subscribers": [ON_IT]})
    made.create("HIDDEN-L", {"set": [*AREA, "Confidential= Service"], "subscribers": [ON_IT]})
    made.create("OTHER-L", {"set": ["Review= Service(AREA-L)"]})
    yield made
    made.close()


def run(stage: Stage, line: str, actor: str) -> str:
    return " ".join(run_job(stage.turn(), parse_mailbox(actor), line)[0].split())


def post(stage: Stage, author: str) -> bytes:
    stage.outgoing()
    stage.take(
        f"From: {author}\r\nTo: area-l@lists.example.org\r\nSubject: Hello\r\n"
        f"Message-ID: <{author}>\r\n\r\nHello.\r\n".encode(),
        {"rcpt": "area-l@lists.example.org"},
    )
    return b"".join(stage.outgoing())


def test_who_may_join(stage: Stage) -> None:
    assert "added" in run(stage, "SUBSCRIBE AREA-L Joe Doe", INSIDE)
    assert "Service=" in run(stage, "SUBSCRIBE AREA-L Eve", OUTSIDE)
    assert "There is no list" in run(stage, "SUBSCRIBE HIDDEN-L Eve", OUTSIDE)
    assert "Service=" not in run(stage, "SUBSCRIBE AREA-L New Name", ON_IT), "he is there already"
    assert "added" in run(stage, f"ADD AREA-L {OUTSIDE} Eve", "olga@example.org")


@pytest.mark.parametrize("line", ["REVIEW AREA-L", "INDEX AREA-L", "SEARCH x IN AREA-L"])
def test_who_may_read(stage: Stage, line: str) -> None:
    post(stage, INSIDE)
    refused = run(stage, line, OUTSIDE)
    assert any(one in refused for one in ("not shown to you", "not open", "does not have"))
    for actor in (INSIDE, "olga@example.org"):
        assert run(stage, line, actor) != refused
    assert "not shown to you" not in run(stage, "REVIEW OTHER-L", INSIDE)
    assert "not shown to you" in run(stage, "REVIEW OTHER-L", OUTSIDE)


def test_who_may_post(stage: Stage) -> None:
    assert b"not authorized" in post(stage, OUTSIDE)
    assert b"not authorized" not in post(stage, INSIDE)


def test_who_hears_of_a_list(stage: Stage) -> None:
    for actor, heard in ((INSIDE, True), (ON_IT, True), (OUTSIDE, False)):
        assert ("HIDDEN-L" in run(stage, "LISTS", actor)) is heard
