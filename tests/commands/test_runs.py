"""Long runs of single ADD or DELETE lines: one turn for all, and each counts for itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from ceiling import ceiling
from stage import Stage

from listserv_py.commands import interpreter, jobs
from listserv_py.commands.bulk import LINES, TOLD_MAX
from listserv_py.commands.interpreter import COMMANDS_MAX, run_job
from listserv_py.commands.runs import RUN_MIN, TOLD_LINES_MAX
from listserv_py.mail.mailbox import parse_mailbox

OLGA = "olga@example.org"
CODE = "C0DE000000000001"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def run_of(count: int, line: str = "QUIET ADD TEST-L p{}@example.com Anna Miller") -> str:
    return "".join(line.format(number) + "\n" for number in range(count))


def mail(body: str, number: int = 1, sender: str = OLGA) -> bytes:
    head = f"From: {sender}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <{number}@x>\r\n\r\n"
    return (head + body.replace("\n", "\r\n")).encode()


def people(stage: Stage) -> list[str]:
    mailing_list = stage.tx.lists.get("TEST-L")
    return [str(one.mailbox) for one in stage.tx.subscribers.on_list(mailing_list.id)]


def texts(text: str) -> list[str]:
    return [line.text for line in jobs.read(text).lines]


@pytest.mark.parametrize(
    "line",
    [
        "QUIET ADD TEST-L p{}@example.com Anna Miller",
        "  quiet add test-l\tp{}@example.com *",
        "QUIET ADDHERE TEST-L Anna Miller <p{}@example.com>",
        "QUIET ADD TEST-L p{}@example.com PW=SECRET22",
        "QUIET ADD TEST-L p{}@example.com Anna (at work)",
        "QUIET DEL TEST-L p{}@example.com",
        "QUIET DELETE TEST-L p{}@example.com Anna Miller",
    ],
)
def test_a_long_run_is_one_command(line: str) -> None:
    job = jobs.read(f"THANKS\n{run_of(RUN_MIN, line)}HELP\n")
    thanks, one, help_ = job.lines
    assert (thanks.text, help_.text) == ("THANKS", "HELP")
    assert f"DD={LINES}1" in one.text
    assert one.text.endswith("PW=SECRET22") == ("PW=" in line)
    assert one.roster is not None
    assert [row[0] for row in one.roster.rows] == [f"p{n}@example.com" for n in range(RUN_MIN)]


@pytest.mark.parametrize(
    "text",
    [
        run_of(RUN_MIN - 1),
        run_of(RUN_MIN, "QUIET DELETE TEST-L *@p{}.example.com"),
        run_of(RUN_MIN, "QUIET DELETE TEST-L p{}@example.com (TEST"),
        run_of(RUN_MIN, "QUIET ADD TEST-L DD=X{}"),
        run_of(RUN_MIN, "ADD TEST-L-{} p@example.com"),
        run_of(RUN_MIN, "SET TEST-L NOMAIL FOR p{}@example.com"),
        run_of(RUN_MIN // 2) + "THANKS\n" + run_of(RUN_MIN // 2),
        run_of(RUN_MIN, "ADD TEST-L p@example.com PW=SECRET{}"),
        run_of(RUN_MIN, "> ADD TEST-L p{}@example.com"),
    ],
)
def test_what_is_no_long_run(text: str) -> None:
    assert not any(LINES in line for line in texts(text))


def test_a_run_below_a_signature_is_read_by_nobody() -> None:
    assert texts(f"THANKS\n-- \n{run_of(RUN_MIN)}") == ["THANKS"]


def test_a_run_in_a_dataset_stays_there() -> None:
    job = jobs.read(f"QUIET ADD TEST-L DD=X\n//X DD *\n{run_of(RUN_MIN)}/*\n")
    (line,) = job.lines
    assert line.roster is not None
    assert len(line.roster.faults) == RUN_MIN


def test_many_single_lines_in_one_turn(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(run_of(20_000)))
    (asked,) = stage.outgoing()
    assert b"with 20000 addresses" in asked
    with ceiling():
        stage.take(mail(f"OK {CODE}", 2))
    assert len(people(stage)) == 20_000
    (reply,) = stage.outgoing()
    assert b"20000 added to the TEST-L list" in reply


def test_one_line_that_cannot_be_done_does_not_undo_the_others(stage: Stage) -> None:
    stage.create("TEST-L", {"set": ["Filter= Only,*@bad.example"]})
    wrong = "QUIET ADD TEST-L {}\n"
    text = wrong.format("eve@bad.example") + wrong.format("test-l@lists.example.org")
    text += run_of(RUN_MIN) + wrong.format("no address")
    said, failed = run_job(stage.turn(), parse_mailbox(OLGA), text)
    assert not failed
    assert len(people(stage)) == RUN_MIN
    assert "does not take: 2\neve@bad.example\ntest-l@lists.example.org" in said
    assert "no usable address: 1" in said


def test_who_was_not_there_is_named(stage: Stage) -> None:
    stage.create("TEST-L", {"subscribers": [f"p{n}@example.com" for n in range(RUN_MIN - 1)]})
    text = run_of(RUN_MIN, "QUIET DELETE TEST-L p{}@example.com Anna")
    said, _ = run_job(stage.turn(), parse_mailbox(OLGA), text)
    assert people(stage) == []
    assert f"Not on the list: 1\np{RUN_MIN - 1}@example.com" in said


def test_everybody_is_told_without_quiet(stage: Stage) -> None:
    stage.create("TEST-L", {})
    text = run_of(TOLD_MAX + 1, "ADD TEST-L p{}@example.com")
    run_job(stage.turn(), parse_mailbox(OLGA), text)
    assert len(people(stage)) == TOLD_MAX + 1
    assert len(stage.outgoing()) == TOLD_MAX + 1


def test_very_many_are_added_only_quietly(stage: Stage) -> None:
    stage.create("TEST-L", {})
    text = run_of(TOLD_LINES_MAX + 1, "ADD TEST-L p{}@example.com")
    said, failed = run_job(stage.turn(), parse_mailbox(OLGA), text)
    assert failed
    assert f"up to {TOLD_MAX}" in said
    assert people(stage) == []


def test_a_stranger_has_one_error(stage: Stage) -> None:
    stage.create("TEST-L", {})
    stage.take(mail(run_of(1000), sender="eve@example.net"))
    (reply,) = stage.outgoing()
    assert reply.count(b"\n> ") == 1
    assert people(stage) == []


def test_a_stranger_may_not_give_many_runs(stage: Stage) -> None:
    stage.create("TEST-L", {})
    many = "".join(
        run_of(RUN_MIN, f"ADD TEST-L p{{}}@example.com PW=SECRET{one}")
        for one in range(COMMANDS_MAX)
    )
    stage.take(mail(many, sender="eve@example.net"))
    (reply,) = stage.outgoing()
    assert b"have been flushed" in reply


def test_a_dataset_of_the_same_name_is_no_run(stage: Stage) -> None:
    stage.create("TEST-L", {})
    text = f"//{LINES}1 DD *\nx@evil.example\n/*\n{run_of(RUN_MIN)}"
    said, failed = run_job(stage.turn(), parse_mailbox(OLGA), text)
    assert failed
    assert "has it twice" in said
    assert people(stage) == []


def test_a_password_in_a_run_is_shown_to_nobody(stage: Stage) -> None:
    stage.create("TEST-L", {})
    run_job(stage.turn(), parse_mailbox(OLGA), "PW ADD secret123")
    stage.take(mail(run_of(RUN_MIN, "QUIET ADD TEST-L p{}@example.com Anna PW=secret123")))
    (reply,) = stage.outgoing()
    assert b"secret123" not in reply
    assert f"{RUN_MIN} added".encode() in reply
    assert not any("PW" in name for name in stage.tx.subscribers.names(1).values())


def test_a_signed_owners_lines_run_at_once_and_have_an_end(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interpreter, "OWNERS_MAX", 30)
    stage.create("TEST-L", {"subscribers": ["joe@example.net"]})
    run_job(stage.turn(), parse_mailbox(OLGA), "PW ADD secret123")
    line = "QUIET SET TEST-L NOMAIL FOR joe@example.net PW=secret123"
    stage.take(mail("\n".join([line] * 40)))
    (reply,) = stage.outgoing()
    assert reply.count(b"The options of joe@example.net") == 30
    assert b"have been flushed" in reply
