"""What postmasters do to the whole server by mail."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.interpreter import run_job
from listserv_py.commands.nothere import NOT_HERE
from listserv_py.lists.keywords import KEYWORDS
from listserv_py.mail.mailbox import parse_mailbox

ADMIN, OLGA, JOE = "admin@example.org", "olga@example.org", "joe@example.net"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": [JOE], "set": ["Send= Public"]})
    made.create("MORE-L", {"subscribers": [JOE], "set": ["Send= Public"]})
    yield made
    made.close()


def say(stage: Stage, text: str, who: str = ADMIN) -> str:
    return run_job(stage.turn(), parse_mailbox(who), text)[0]


def mail(text: str, who: str, to: str = "listserv", number: int = 1) -> bytes:
    head = f"From: {who}\r\nTo: {to}@lists.example.org\r\nMessage-ID: <{number}@x>\r\n"
    return f"{head}Subject: {number}\r\n\r\n{text}\r\n".encode()


def is_held(stage: Stage, name: str) -> bool:
    return stage.tx.lists.get(name).held


def kinds(stage: Stage) -> list[str]:
    return [one.split(b"]")[0].decode().lstrip("[") for one in stage.outgoing()]


def test_posts_wait_while_the_server_is_offline(stage: Stage) -> None:
    say(stage, "HOLD MORE-L", OLGA)
    assert "Lists: 1" in say(stage, "OFFLINE")
    stage.take(mail("hello", JOE, "test-l"))
    stage.take(mail("THANKS", JOE, number=2))
    assert "post" not in kinds(stage)
    assert "Lists: 1, posts that had waited:\n1" in say(stage, "ONLINE")
    stage.take(mail("more", JOE, "test-l", number=3))
    assert kinds(stage).count("post") == 2
    assert not is_held(stage, "TEST-L")
    assert is_held(stage, "MORE-L")


def test_an_owner_may_free_his_own_list(stage: Stage) -> None:
    say(stage, "OFFLINE")
    say(stage, "FREE TEST-L", OLGA)
    assert not is_held(stage, "TEST-L")
    assert "Lists: 1," in say(stage, "ONLINE")


def test_what_an_owner_holds_meanwhile_stays_held(stage: Stage) -> None:
    say(stage, "OFFLINE")
    assert "wait until you say FREE" in say(stage, "HOLD TEST-L", OLGA)
    assert "held already" in say(stage, "HOLD TEST-L", OLGA)
    assert "Lists: 1," in say(stage, "ONLINE")
    assert is_held(stage, "TEST-L")


@pytest.mark.parametrize("line", ["OFFLINE", "ONLINE", "SF", "SPOOL", "RESUME", "DROP TEST-L"])
def test_they_are_for_postmasters(stage: Stage, line: str) -> None:
    assert run_job(stage.turn(), parse_mailbox(OLGA), line)[1]
    stage.take(mail(line, ADMIN))
    assert kinds(stage) == ["confirmation"]
    assert stage.tx.lists.find("TEST-L")


def test_what_waits_is_shown_and_tried_again(stage: Stage) -> None:
    stage.take(mail("hello", JOE, "test-l"))
    said = say(stage, "SF")
    assert "post" in said
    assert "TEST-L" in said
    assert "at once: 1" in say(stage, "RESUME")


def test_a_list_is_given_up(stage: Stage) -> None:
    stage.take(mail("hello", JOE, "test-l"))
    say(stage, "HOLD TEST-L", OLGA)
    stage.take(mail("waits", JOE, "test-l", number=2))
    stage.outgoing()
    stage.take(mail("DROP TEST-L", ADMIN, number=3))
    (asked,) = stage.outgoing()
    assert b"concerns 1 subscriber of the TEST-L list" in asked
    stage.take(mail("OK C0DE000000000001", ADMIN, number=4))
    told = [one for one in stage.outgoing() if b"given up" in one]
    assert [OLGA.encode() in one for one in told] == [True]
    assert stage.tx.lists.find("TEST-L") is None
    assert stage.tx.spool.held() == []
    assert [one for one in stage.tx.outbox.view() if one.kind == "post"] == []
    assert [one.name for one, _ in stage.tx.subscribers.of(parse_mailbox(JOE))] == ["MORE-L"]
    assert "no list called" in say(stage, "DROP TEST-L")
    stage.create("TEST-L", {})
    assert "since 22 Nov 2026: 0" in say(stage, "STATS TEST-L")


def test_create_is_put(stage: Stage) -> None:
    said = say(stage, f"CREATE NEW-L\n* New things\n* Owner= {OLGA}")
    assert "new-l@lists.example.org" in said
    assert stage.tx.lists.find("NEW-L")


@pytest.mark.parametrize("line", ["GET TEST-L (HEADER F=MAIL", "GET TEST-L F=LISTSERV (HEADER"])
def test_the_format_of_a_file_is_read_over(stage: Stage, line: str) -> None:
    assert "* Owner= olga@example.org" in say(stage, line, OLGA)


def test_goodbye_is_farewell(stage: Stage) -> None:
    assert "FAREWELL" in say(stage, "PUT TEST-L GOODBYE\nCome again.", OLGA)
    assert "Come again." in say(stage, "GET TEST-L GOODBYE", OLGA)


def test_info_shows_all_keywords(stage: Stage) -> None:
    said = say(stage, "INFO KEYWORDS", JOE)
    assert all(f"{one.name}= " in said for one in KEYWORDS)
    assert max(map(len, said.split("\n"))) < 250


def test_a_robot_that_says_such_words_falls_silent(stage: Stage) -> None:
    """`Stop` and `Update` begin lines of robots as well."""
    for number in range(4):
        stage.take(mail("Stop\nUpdate the thing\nI am away", JOE, number=number))
    assert len(kinds(stage)) == 2


def test_no_word_is_both(stage: Stage) -> None:
    for word in NOT_HERE:
        assert "is not done here" in say(stage, f"{word} X", JOE)
