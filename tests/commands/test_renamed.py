"""`New-List=` and `Sub-lists=` in a header: what PUT lets them say; whose commands go on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage

from listserv_py.commands.headerchange import Editor, checked
from listserv_py.commands.interpreter import run_job
from listserv_py.errors import HeaderFaults
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.newlist import successor

OLGA, JOE = parse_mailbox("olga@example.org"), parse_mailbox("joe@example.net")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("OLD-L", {"subscribers": ["joe@example.net | Joe"]})
    made.create("NEW-L", {"set": ["Review= Public"], "subscribers": ["ann@example.net | Ann"]})
    made.create("BACK-L", {"set": ["New-List= OLD-L"]})
    yield made
    made.close()


def put(stage: Stage, line: str, *, by_postmaster: bool = False) -> str:
    """The faults of OLD-L's header with one more line."""
    found = stage.tx.lists.get("OLD-L")
    text = f"{found.header}* {line}\n"
    try:
        header = checked(stage.turn(), text, found, Editor("x", None, by_postmaster))
    except HeaderFaults as exc:
        return exc.values[0]
    stage.tx.lists.update(found, str(header), stage.now)
    return ""


@pytest.mark.parametrize(
    ("line", "by_postmaster", "fault"),
    [
        ("New-List= NEW-L", False, ""),
        ("New-List= new-l@lists.example.org", False, ""),
        ("New-List= OLD-L", True, "leads back"),
        ("New-List= BACK-L", True, "leads back"),
        ("New-List= NONE-L", True, "is no list"),
        ("New-List= listserv@lists.example.org", True, "is no list"),
        ("New-List= owner-new-l@lists.example.org", True, "is no list"),
        ("New-List= victim@example.com", False, "a postmaster's wish"),
        ("New-List= list@example.com", True, ""),
        ("Sub-lists= NEW-L", False, "changed by a postmaster only"),
        ("Sub-lists= NEW-L,BACK-L", True, ""),
        ("Sub-lists= NEW-L,NONE-L", True, "there is no list NONE-L"),
    ],
)
def test_what_a_header_may_say(stage: Stage, line: str, by_postmaster: bool, fault: str) -> None:
    told = put(stage, line, by_postmaster=by_postmaster)
    assert fault in told
    assert bool(told) == bool(fault)


def test_a_header_that_names_a_list_which_is_gone_can_still_be_stored(stage: Stage) -> None:
    assert put(stage, "Sub-lists= BACK-L", by_postmaster=True) == ""
    stage.db.execute("DELETE FROM list WHERE name = 'BACK-L'")
    assert put(stage, "Ack= Yes") == ""


def test_whose_commands_go_on(stage: Stage) -> None:
    put(stage, "New-List= NEW-L")

    def say(who: Mailbox, line: str) -> str:
        return run_job(stage.turn(), who, line)[0]

    assert "OLD-L is called NEW-L now" in say(JOE, "INFO OLD-L")
    assert "NEW-L" in say(parse_mailbox("eve@example.net"), "SIGNOFF OLD-L")
    assert "ann@example.net" in say(parse_mailbox("eve@example.net"), "REVIEW OLD-L")
    assert "OLD-L" in say(JOE, "QUERY OLD-L")
    assert "Joe" not in say(JOE, "REVIEW NEW-L")
    say(OLGA, "ADD OLD-L bob@example.net Bob")
    assert stage.tx.subscribers.find(
        stage.tx.lists.get("OLD-L").id, parse_mailbox("bob@example.net")
    )


def test_a_hidden_old_list_leads_nobody_on(stage: Stage) -> None:
    put(stage, "Confidential= Yes New-List= NEW-L")
    eve = parse_mailbox("eve@example.net")
    assert "NEW-L" not in run_job(stage.turn(), eve, "SUBSCRIBE OLD-L Eve")[0]
    assert "NEW-L" not in run_job(stage.turn(), eve, "INFO OLD-L")[0]


def test_a_ring_stands_for_itself(stage: Stage) -> None:
    put(stage, "New-List= NEW-L")
    new = stage.tx.lists.get("NEW-L")
    stage.tx.lists.update(new, f"{new.header}* New-List= BACK-L\n", stage.now)
    assert successor(stage.turn(), stage.tx.lists.get("OLD-L")) is None


def test_what_was_approved_for_one_list_goes_to_no_other(stage: Stage) -> None:
    stage.create("MOD-L", {"owners": ["mallory@example.net"], "set": ["Send= Editor,Hold"]})
    stage.take(
        b"From: mallory@example.net\r\nTo: mod-l@lists.example.org\r\nSubject: x\r\n\r\nText.\r\n"
    )
    found = stage.tx.lists.get("MOD-L")
    stage.tx.lists.update(found, f"{found.header}* New-List= NEW-L\n", stage.now)
    run_job(stage.turn(), parse_mailbox("mallory@example.net"), "OK C0DE000000000001")
    stage.take(b"From: x@example.net\r\nTo: old-l@lists.example.org\r\n\r\nThe next mail.\r\n")
    posts = stage.db.execute("SELECT list_id FROM mailing WHERE kind = 'post'").fetchall()
    assert posts == [(found.id,)]
