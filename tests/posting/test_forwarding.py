"""Mail to an author's alias: passed on to him, or dropped without a word to anybody."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from stage import DOMAIN, Stage

from listserv_py.config import Settings
from listserv_py.lists.addresses import Destination, Door, address_of
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.people import People

JOE = parse_mailbox("Joe@example.net")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    yield made
    made.close()


def alias(stage: Stage) -> str:
    key = stage.tx.aliases.of(JOE, stage.now)
    return str(address_of(Destination(Door.ALIAS, key=key), domain=DOMAIN, name="listserv"))


def reply(to: str, more: str = "", author: str = "Ann <ann@example.com>") -> bytes:
    text = (
        f"Received: from a by {DOMAIN}; Sun, 22 Nov 2026 12:00:00 +0000\nReturn-Path: <x@y.org>\n"
        f"From: {author}\nTo: {to}\nSubject: Re: post\nMessage-ID: <1@example.com>\n{more}\n"
        "Just for you.\n"
    )
    return text.replace("\n", "\r\n").encode()


def passed_on(stage: Stage, to: str, more: str = "", **told: Any) -> bool:
    author = told.pop("author", "Ann <ann@example.com>")
    stage.take(reply(to, more, author), {"rcpt": to} | told)
    found = stage.outgoing()
    assert not stage.tx.spool.ready(10, 10_000)
    return bool(found)


def test_a_reply_goes_to_the_author_as_it_came(stage: Stage) -> None:
    to = alias(stage)
    stage.take(reply(to), {"rcpt": to})

    (mail,) = stage.outgoing()
    envelope, _, rest = mail.partition(b"\r\n\r\n")
    assert envelope.split(b"\r\n") == [
        b"[passed-on]",
        b"MAIL FROM:<owner-listserv@lists.example.org>",
        b"RCPT TO:<Joe@example.net>",
    ]
    expected = reply(to).replace(b"Return-Path: <x@y.org>\r\n", b"")
    at = expected.index(b"From:")
    assert rest == expected[:at] + f"X-Loop: {to}\r\n".encode() + expected[at:]


def test_the_address_may_be_written_in_capitals(stage: Stage) -> None:
    assert passed_on(stage, alias(stage).upper())


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ("", {"reverse_path": ""}),
        ("Auto-Submitted: auto-replied\n", {}),
        ("Auto-Submitted: auto-generated\n", {}),
        ("Precedence: bulk\n", {}),
        ("List-Id: <other.example.com>\n", {}),
        ("X-Loop: ALIAS\n", {}),
        ("X-LSV-ListID: TEST-L\n", {}),
        ("Content-Type: multipart/report; boundary=b\n", {}),
        ("", {"author": f"listserv@{DOMAIN}", "reverse_path": "a@b.org"}),
        ("", {"author": "ALIAS", "reverse_path": "a@b.org"}),
        ("", {"reverse_path": "ALIAS"}),
        ("Received: x\n" * 41, {}),
        ("X-Fill: x\n" * 1001, {}),
    ],
)
def test_what_is_dropped_in_silence(stage: Stage, more: str, told: dict[str, str]) -> None:
    to = alias(stage)
    known = {name: value.replace("ALIAS", to) for name, value in told.items()}
    assert not passed_on(stage, to, more.replace("ALIAS", to), **known)


def test_an_alias_that_nobody_has_leads_nowhere(stage: Stage) -> None:
    assert not passed_on(stage, f"0123456789abcdef-dmarc-request@{DOMAIN}")


def test_what_was_passed_on_and_comes_back_stops_here(stage: Stage) -> None:
    to = alias(stage)
    stage.take(reply(to), {"rcpt": to})
    (mail,) = stage.outgoing()
    back = mail.partition(b"\r\n\r\n")[2].replace(b"<1@", b"<2@")
    stage.take(back, {"rcpt": to})
    assert stage.outgoing() == []


def test_an_author_who_is_one_of_our_own_addresses_gets_nothing(stage: Stage) -> None:
    own = parse_mailbox(f"listserv@{DOMAIN}")
    key = stage.tx.aliases.of(own, stage.now)
    to = str(address_of(Destination(Door.ALIAS, key=key), domain=DOMAIN, name="listserv"))
    assert not passed_on(stage, to)


def test_no_more_than_a_number_an_hour_and_nothing_large(stage: Stage) -> None:
    table = stage.settings.model_dump(exclude_unset=True)
    limits = {"dmarc": {"forwards": 2, "forward_size": "1kB"}}
    stage.settings = Settings.model_validate(table | limits)
    to = alias(stage)
    # Twice the number, for the door may have taken some at once.
    assert [passed_on(stage, to, f"X-Number: {one}\n") for one in range(6)] == [True] * 4 + [
        False
    ] * 2
    stage.now += timedelta(hours=2)
    assert passed_on(stage, to)
    assert not passed_on(stage, to, "X-Fill: " + "x" * 900 + "\n" + "X-Fill: " + "x" * 90 + "\n")


def test_two_years_after_the_last_post_nobody_is_there(stage: Stage) -> None:
    to = alias(stage)
    stage.now += timedelta(days=700)
    stage.run_timers()
    assert alias(stage) == to
    stage.now += timedelta(days=729)
    stage.run_timers()
    assert passed_on(stage, to)
    stage.now += timedelta(days=2)
    stage.run_timers()
    assert not passed_on(stage, to)


def test_erase_ends_it_and_personal_data_shows_it(stage: Stage) -> None:
    to = alias(stage)
    people = People(stage.tx)
    (shown,) = people.stored_about(JOE)["aliases"]
    assert shown["alias"] == to.partition("-")[0].upper()
    assert JOE in set(people.everybody())
    stage.take(reply(to), {"rcpt": to})
    assert people.erase(JOE)
    assert people.stored_about(JOE)["aliases"] == []
    assert stage.db.execute("SELECT count(*) FROM copy").fetchone()[0] == 0
    assert JOE not in set(people.everybody())
    assert not passed_on(stage, to)
