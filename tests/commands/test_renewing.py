"""Renewal= by a moved clock: who is asked, who stays, who is taken off, and never too many."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from stage import Stage

from listserv_py import timers
from listserv_py.commands import renewing
from listserv_py.commands.interpreter import run_job
from listserv_py.lists.header import read_header
from listserv_py.lists.options import Options
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.people import People

JOE, ANN = parse_mailbox("joe@example.net"), parse_mailbox("ann@example.net")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def create(stage: Stage, people: int, said: str = "6-Monthly,Delay(14)", *more: str) -> int:
    stage.create("TEST-L", {"set": [f"Renewal= {said}", *more]})
    found = stage.tx.lists.get("TEST-L")
    rows = [(person(n), "", Options(), stage.now) for n in range(people)]
    stage.tx.subscribers.add_many(found.id, rows)
    return found.id


def person(number: int) -> Mailbox:
    return parse_mailbox(f"p{number}@example.net")


def header(stage: Stage, said: str) -> None:
    found = stage.tx.lists.get("TEST-L")
    text = str(found.header).replace("Renewal= 6-Monthly,Delay(14)", said)
    assert read_header(text)[1] == ()
    stage.tx.lists.update(found, text, stage.now)


def clock(stage: Stage) -> None:
    """Do what is due, to the end, as a running server does."""
    for _ in range(1000):
        if not timers.run(stage.turn()):
            return
    raise AssertionError("it never ends")


def days(stage: Stage, count: int) -> None:
    """Let days go by: of many the first in leaps of ten, the last ones one by one."""
    while count:
        leap = 10 if count > 20 else 1
        stage.now += timedelta(days=leap)
        clock(stage)
        count -= leap


def sent(stage: Stage) -> list[tuple[str, str]]:
    """Subject and recipient of each mail since the last call."""
    found = []
    for mail in stage.outgoing():
        text = mail.decode()
        to = text.partition("RCPT TO:<")[2].partition(">")[0]
        found.append((text.partition("Subject: ")[2].partition("\r\n")[0], to))
    return found


def on_list(stage: Stage) -> list[str]:
    found = stage.tx.lists.get("TEST-L")
    return [one.mailbox.local_part for one in stage.tx.subscribers.on_list(found.id)]


def run(stage: Stage, line: str, actor: Mailbox) -> str:
    return run_job(stage.turn(), actor, line)[0]


def test_nobody_is_asked_before_his_time(stage: Stage) -> None:
    create(stage, 1)
    days(stage, 181)
    assert sent(stage) == []
    days(stage, 1)
    assert sent(stage) == [("Do you want to stay on the TEST-L list?", "p0@example.net")]


def test_who_does_not_answer_is_taken_off(stage: Stage) -> None:
    create(stage, 1, "6-Monthly,Delay(14)", "Notify= Yes", "Change-Log= Yes")
    days(stage, 182)
    sent(stage)
    days(stage, 13)
    assert on_list(stage) == ["p0"]
    assert sent(stage) == []
    days(stage, 1)
    assert on_list(stage) == []
    assert sent(stage) == [
        ("You have been removed from the TEST-L list", "p0@example.net"),
        ("TEST-L: subscriptions that were not renewed", "olga@example.org"),
    ]
    assert "AUTODEL p0@example.net" in run(
        stage, "GET TEST-L CHANGELOG", parse_mailbox("olga@example.org")
    )


@pytest.mark.parametrize(
    "line",
    ["CONFIRM TEST-L", "SET TEST-L NOMAIL", "SUBSCRIBE TEST-L", "SUBSCRIBE TEST-L Another Name"],
)
def test_who_shows_that_he_is_there_stays(stage: Stage, line: str) -> None:
    create(stage, 1)
    days(stage, 182)
    assert "The subscription ends" in run(stage, "QUERY TEST-L", person(0))
    run(stage, line, person(0))
    assert "The subscription ends" not in run(stage, "QUERY TEST-L", person(0))
    sent(stage)
    days(stage, 180)
    assert (on_list(stage), sent(stage)) == (["p0"], [])
    days(stage, 6)
    assert len(sent(stage)) == 1


def test_who_changes_his_address_stays(stage: Stage) -> None:
    create(stage, 1)
    days(stage, 182)
    run(stage, "CHANGE TEST-L new@example.net", person(0))
    days(stage, 30)
    assert on_list(stage) == ["new"]


def test_who_posts_stays(stage: Stage) -> None:
    create(stage, 2, "Monthly", "Send= Public")
    days(stage, 20)
    stage.take(
        b"From: p0@example.net\r\nTo: test-l@lists.example.org\r\nMessage-ID: <1@x.example>\r\n"
        b"Date: Sat, 12 Dec 2026 12:00:00 +0000\r\nSubject: x\r\n\r\nx\r\n"
    )
    assert len(sent(stage)) == 1
    days(stage, 15)
    assert [to for _, to in sent(stage)] == ["p1@example.net"]


def test_an_owners_set_is_no_sign_of_life(stage: Stage) -> None:
    create(stage, 1)
    days(stage, 182)
    run(stage, "SET TEST-L REPRO FOR p0@example.net", parse_mailbox("olga@example.org"))
    days(stage, 14)
    assert on_list(stage) == []


def test_an_owner_confirms_for_somebody(stage: Stage) -> None:
    create(stage, 1)
    days(stage, 182)
    said = run(stage, "CONFIRM TEST-L FOR p0@example.net", parse_mailbox("olga@example.org"))
    assert "p0@example.net" in said
    days(stage, 14)
    assert on_list(stage) == ["p0"]


def test_nobody_else_confirms_for_somebody(stage: Stage) -> None:
    create(stage, 2)
    days(stage, 182)
    run(stage, "CONFIRM TEST-L FOR p0@example.net", person(1))
    days(stage, 14)
    assert "p0" not in on_list(stage)


def test_several_lists_or_none(stage: Stage) -> None:
    create(stage, 1)
    stage.create("OTHER-L", {"subscribers": ["p0@example.net"]})
    said = run(stage, "CONFIRM TEST-L other-l test-l", person(0))
    assert said.count("renewed") == 2
    days(stage, 182)
    assert "renewed" not in run(stage, "CONFIRM TEST-L NONE-L", person(0))
    assert "ends" in run(stage, "QUERY TEST-L", person(0))
    assert "renewed" not in run(stage, "CONFIRM TEST-L OTHER-L FOR p0@example.net", person(0))


@pytest.mark.parametrize("when", [0, 185])
def test_norenew_exempts(stage: Stage, when: int) -> None:
    create(stage, 1)
    days(stage, when)
    run(stage, "SET TEST-L NORENEW FOR p0@example.net", parse_mailbox("olga@example.org"))
    days(stage, 400)
    assert on_list(stage) == ["p0"]
    assert len(sent(stage)) == (2 if when else 1)


def test_no_day_asks_more_than_a_tenth(stage: Stage) -> None:
    create(stage, 205, "6-Monthly,Delay(90)")
    days(stage, 181)
    asked = []
    for day in range(12):
        days(stage, 1)
        asked.append(len(sent(stage)))
        if day == 0:
            for number in range(5):
                run(stage, "SIGNOFF TEST-L", person(number))
            clock(stage)
            sent(stage)
    assert sum(asked) == 205
    assert max(asked) <= 20


def test_a_turn_is_short_and_a_day_goes_on_where_it_stopped(stage: Stage) -> None:
    create(stage, 2000)
    stage.now += timedelta(days=200)
    assert timers.run(stage.turn())
    assert len(sent(stage)) == renewing.AT_ONCE
    clock(stage)
    assert len(sent(stage)) == 200 - renewing.AT_ONCE
    clock(stage)
    assert sent(stage) == []
    stage.now += timedelta(days=60)
    assert timers.run(stage.turn())
    assert len(sent(stage)) == renewing.AT_ONCE
    assert len(on_list(stage)) == 2000 - renewing.AT_ONCE


def test_the_longest_silent_are_asked_first(stage: Stage) -> None:
    create(stage, 30)
    days(stage, 5)
    run(stage, "CONFIRM TEST-L", person(0))
    stage.now += timedelta(days=200)
    clock(stage)
    assert [to for _, to in sent(stage)] == [f"p{n}@example.net" for n in (1, 2, 3)]


def test_a_date_asks_everybody_once(stage: Stage) -> None:
    create(stage, 5, "01/15,Delay(100)")
    days(stage, 53)
    assert sent(stage) == []
    days(stage, 20)
    assert len(sent(stage)) == 5


@pytest.mark.parametrize("said", ["Renewal= No", "Renewal= 6-Monthly,Probe"])
def test_who_asks_no_more_takes_nobody_off(stage: Stage, said: str) -> None:
    create(stage, 1)
    days(stage, 182)
    header(stage, said)
    days(stage, 100)
    assert on_list(stage) == ["p0"]
    assert "ends" not in run(stage, "QUERY TEST-L", person(0))
    rows = stage.db.execute("SELECT count(*) FROM subscriber WHERE asked_at IS NOT NULL")
    assert rows.fetchone()[0] == 0


def test_an_owner_who_switched_the_question_off_loses_nobody(stage: Stage) -> None:
    list_id = create(stage, 1)
    stage.tx.templates.put(list_id, "MAILTPL", ">>> RENEWAL1\n.QQ\n", stage.now)
    days(stage, 300)
    assert (on_list(stage), sent(stage)) == (["p0"], [])


def test_a_clock_that_jumps_takes_nobody_off_unasked(stage: Stage) -> None:
    create(stage, 1)
    stage.now += timedelta(days=2000)
    clock(stage)
    assert [subject for subject, _ in sent(stage)] == ["Do you want to stay on the TEST-L list?"]
    assert on_list(stage) == ["p0"]


def test_all_of_it_is_told_to_the_person(stage: Stage) -> None:
    create(stage, 1)
    days(stage, 182)
    [told] = People(stage.tx).stored_about(person(0))["subscriptions"]
    assert (told["active_at"], told["asked_at"]) == (
        "2026-11-22T12:00:00+00:00",
        "2027-05-23T12:00:00+00:00",
    )
