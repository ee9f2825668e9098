"""Wildcards in addresses: whom they mean, who may use them, and when they are confirmed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.bulk import TOLD_MAX
from listserv_py.commands.interpreter import MANY_MAX, run_job
from listserv_py.commands.patterns import MANY
from listserv_py.control.operation import Refused
from listserv_py.control.rosters import Incoming, Row, take_in
from listserv_py.mail.mailbox import parse_mailbox

OLGA = "olga@example.org"
PEOPLE = [
    "ann@old.example | Ann",
    "bob@old.example | Bob | DIGEST",
    "cid@x.old.example | Cid | NOMAIL",
    "d_e@new.example | Dee",
    "dxe@new.example | Dxe | DIGEST CONCEAL",
]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": PEOPLE})
    made.create("MORE-L", {"subscribers": PEOPLE[:2]})
    made.create("OTHER-L", {"subscribers": PEOPLE, "owners": ["other@example.org"]})
    yield made
    made.close()


def say(stage: Stage, text: str, who: str = OLGA) -> str:
    return run_job(stage.turn(), parse_mailbox(who), text)[0]


def left(stage: Stage, name: str = "TEST-L") -> list[str]:
    mailing_list = stage.tx.lists.get(name)
    return [one.mailbox.local_part for one in stage.tx.subscribers.on_list(mailing_list.id)]


@pytest.mark.parametrize(
    ("pattern", "gone"),
    [
        ("*@old.example", ["ann", "bob"]),
        ("*@*old.example", ["ann", "bob", "cid"]),
        ("*@*.old.example", ["cid"]),
        ("A*@OLD*", ["ann"]),
        ("d_*@*", ["d_e"]),
        ("*@*", ["ann", "bob", "cid", "d_e", "dxe"]),
    ],
)
def test_whom_a_pattern_means(stage: Stage, pattern: str, gone: list[str]) -> None:
    before = left(stage)
    tested = say(stage, f"DELETE TEST-L {pattern} (TEST")
    assert f"means {len(gone)}. Nothing was changed" in tested
    assert left(stage) == before
    assert stage.outgoing() == []
    assert f"{len(gone)} removed" in say(stage, f"DELETE TEST-L {pattern}")
    assert left(stage) == [one for one in before if one not in gone]
    assert len(stage.outgoing()) == len(gone)


@pytest.mark.parametrize(
    "line",
    ["DELETE TEST-L *", "DELETE TEST-L a*b", "DELETE TEST-L *@nowhere", "SET TEST-L ACK FOR *@%"],
)
def test_patterns_that_mean_nobody(stage: Stage, line: str) -> None:
    assert run_job(stage.turn(), parse_mailbox(OLGA), line)[1]
    assert len(left(stage)) == len(PEOPLE)


def test_all_lists_that_one_owns(stage: Stage) -> None:
    said = say(stage, "QUIET DELETE * *@old.example")
    assert said == "2 removed from the MORE-L list.\n2 removed from the TEST-L list."
    assert len(left(stage, "OTHER-L")) == len(PEOPLE)
    assert stage.outgoing() == []


def test_one_person_on_all_lists_that_one_owns(stage: Stage) -> None:
    assert "Nothing was changed" in say(stage, "DELETE * cid@x.old.example (TEST")
    assert say(stage, "QUIET DELETE * ann@old.example").count("removed") == 2
    assert "ann" in left(stage, "OTHER-L")


def test_set_for_several(stage: Stage) -> None:
    said = say(stage, "QUIET SET TEST-L DIGEST FOR *@*")
    assert said == "3 changed on the TEST-L list; 2 had these options already."
    assert stage.outgoing() == []
    assert "CONCEAL" in say(stage, "QUERY TEST-L FOR dxe@new.example")


def test_set_tells_those_whom_it_changes(stage: Stage) -> None:
    say(stage, "SET TEST-L DIGEST FOR *@old.example")
    (notice,) = stage.outgoing()
    assert b"RCPT TO:<ann@old.example>" in notice


def test_set_only_tested(stage: Stage) -> None:
    assert "ann@old.example Ann" in say(stage, "SET TEST-L DIGEST FOR *@old.example (TEST")
    assert "NODIGESTS" in say(stage, "QUERY TEST-L FOR ann@old.example")


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        ("QUERY TEST-L FOR *@old.example", 2),
        ("QUERY TEST-L WITH DIGEST FOR *@*", 2),
        ("QUERY TEST-L WITH DIGEST CONCEAL FOR *@*", 1),
        ("QUERY * WITH DIGEST FOR bob@*", 2),
        ("QUERY TEST-L WITH ACK FOR *@*", 0),
    ],
)
def test_query_for_several(stage: Stage, line: str, shown: int) -> None:
    said = say(stage, line)
    assert said.count("Subscription options for") == shown
    assert shown or "no such subscription with the options ACK" in said


def test_query_of_oneself_with_options(stage: Stage) -> None:
    assert "list MORE-L" not in say(stage, "QUERY * WITH NOMAIL", "cid@x.old.example")
    assert "no such" in say(stage, "QUERY TEST-L WITH DIGEST", "ann@old.example")


def test_a_stranger_learns_nothing(stage: Stage) -> None:
    for line in ("DELETE TEST-L {}", "SET TEST-L ACK FOR {}", "QUERY TEST-L FOR {} ", ""):
        said = {say(stage, line.format(one), "eve@example.com") for one in ("*@*", "*@nowhere")}
        assert len(said) == 1
    assert len(left(stage)) == len(PEOPLE)


def test_too_many_notices(stage: Stage) -> None:
    people = [f"p{number}@many.example" for number in range(TOLD_MAX + 1)]
    stage.create("MANY-L", {"subscribers": people})
    assert run_job(stage.turn(), parse_mailbox(OLGA), "DELETE MANY-L *@*")[1]
    assert not run_job(stage.turn(), parse_mailbox(OLGA), "QUIET DELETE MANY-L *@*")[1]


def test_a_request_names_the_number(stage: Stage) -> None:
    people = [f"p{number}@many.example" for number in range(MANY + 1)]
    stage.create("MANY-L", {"subscribers": people})
    head = f"From: {OLGA}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <%d@x>\r\n\r\n"
    stage.take(f"{head % 1}QUIET DELETE MANY-L *@many.example\r\n".encode())
    (asked,) = stage.outgoing()
    assert f"This concerns {MANY + 1} subscribers of the MANY-L list.".encode() in asked
    stage.take(f"{head % 2}OK C0DE000000000001\r\n".encode())
    assert left(stage, "MANY-L") == []


def test_a_change_asks_the_filter_for_each_new_address(stage: Stage) -> None:
    found = stage.tx.lists.get("TEST-L")
    stage.tx.lists.update(found, f"{found.header}* Filter= Also,bob@*\n", stage.now)
    said = say(stage, "QUIET CHANGE TEST-L *@old.example *@new.example")
    assert "1" in said.splitlines()[0]
    assert "bob@new.example" in said
    kept = [str(one.mailbox) for one in stage.tx.subscribers.on_list(found.id)][:2]
    assert kept == ["ann@new.example", "bob@old.example"]


def test_an_import_asks_the_filter_for_who_is_new(stage: Stage) -> None:
    found = stage.tx.lists.get("TEST-L")
    stage.tx.lists.update(found, f"{found.header}* Filter= Also,bob@*\n", stage.now)
    rows = ("bob@old.example", "bob@x.example", "noreply@x.example", "eve@x.example")
    incoming = Incoming("TEST-L", tuple(Row(n, one) for n, one in enumerate(rows, 1)))
    with pytest.raises(Refused, match=r"(?s)line 2: bob@x.*line 3: noreply@x") as refused:
        take_in(stage.turn(), incoming)
    assert "line 1" not in str(refused.value)
    assert len(left(stage)) == len(PEOPLE)


def test_an_import_keeps_to_the_limit(stage: Stage) -> None:
    found = stage.tx.lists.get("TEST-L")
    stage.tx.lists.update(found, f"{found.header}* Limits= Sub({len(PEOPLE) + 1})\n", stage.now)
    rows = [Row(1, "ann@old.example"), Row(2, "new@x.example"), Row(3, "one@x.example")]
    with pytest.raises(Refused, match="Limits="):
        take_in(stage.turn(), Incoming("TEST-L", tuple(rows)))
    assert take_in(stage.turn(), Incoming("TEST-L", tuple(rows[:2]))).added == 1


def test_a_forged_mail_does_not_search_a_list_a_thousand_times(stage: Stage) -> None:
    lines = "\r\n".join(f"QUIET DELETE TEST-L *@*old.example{'*' * (n % 6)}" for n in range(1000))
    head = f"From: {OLGA}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <1@x>\r\n\r\n"
    seen: list[str] = []
    stage.db.conn.set_trace_callback(seen.append)
    stage.take((head + lines).encode())
    stage.db.conn.set_trace_callback(None)
    assert sum("LIKE" in one for one in seen) < 10 * MANY_MAX
    assert b"have been flushed" in stage.outgoing()[-1]


def test_an_owner_takes_himself_off_his_own_lists_only(stage: Stage) -> None:
    stage.create("THEIRS-L", {"owners": ["max@example.org"], "subscribers": [OLGA]})
    say(stage, f"QUIET ADD TEST-L {OLGA}")
    assert say(stage, f"QUIET DELETE * {OLGA}").count("removed") == 1
    assert [one.name for one, _ in stage.tx.subscribers.of(parse_mailbox(OLGA))] == ["THEIRS-L"]
    assert "on no list that you own" in say(stage, f"DELETE * {OLGA}")
