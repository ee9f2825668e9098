import json
from datetime import UTC, datetime

import pytest
from cli_site import Site

from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.outbox import Kind

NASTY = b"From: a@b.example\r\nSubject: \x1b[2J[red]x[/red]\r\n\r\nbody\r\n"


@pytest.fixture
def waiting(with_list: Site) -> Site:
    for address in ("joe@example.com", "mia@example.com"):
        with_list.store(
            lambda tx, to=address: tx.outbox.send(
                parse_mailbox(to), NASTY, kind=Kind.NOTICE, now=datetime.now(UTC)
            )
        )
    return with_list


def numbers(site: Site) -> list[int]:
    return [one["id"] for one in json.loads(site.ok("queue", "list", "--json"))]


def test_what_waits_is_shown(waiting: Site) -> None:
    assert "joe@example.com" in waiting.ok("queue")
    assert waiting.ok("queue") == waiting.ok("queue", "list")
    assert waiting.ok("queue", "--json") == waiting.ok("queue", "--json", "list")
    rows = json.loads(waiting.ok("queue", "--json"))
    assert [(row["to"], row["held"], row["waiting"]) for row in rows] == [
        ("joe@example.com", False, 1),
        ("mia@example.com", False, 1),
    ]


def test_one_is_shown_without_harm_to_the_terminal(waiting: Site) -> None:
    first, _ = numbers(waiting)
    shown = waiting.ok("queue", "show", str(first))
    assert "[red]x[/red]" in shown
    assert "\x1b" not in shown
    assert json.loads(waiting.ok("queue", "show", str(first), "--json"))["to"] == "joe@example.com"


def test_a_code_is_for_its_recipient_only(with_list: Site) -> None:
    request = b"Subject: Your command needs\r\n confirmation (0123456789ABCDEF)\r\n\r\nOK\r\n"
    joe = parse_mailbox("joe@example.com")
    with_list.store(
        lambda tx: tx.outbox.send(joe, request, kind=Kind.CONFIRMATION, now=datetime.now(UTC))
    )
    [number] = numbers(with_list)
    for shown in ("", "--json"):
        said = with_list.ok("queue", "show", str(number), *shown.split())
        assert "needs" in said
        assert "0123456789ABCDEF" not in said


def test_dropped(waiting: Site) -> None:
    first, second = numbers(waiting)
    waiting.ok("queue", "drop", str(first))
    assert numbers(waiting) == [second]
    for action in ("show", "retry", "drop"):
        assert str(first) in waiting.refused("queue", action, str(first))


def test_retry_frees_what_is_held(waiting: Site) -> None:
    waiting.store(lambda tx: tx.outbox.hold_all())
    assert all(row["held"] for row in json.loads(waiting.ok("queue", "--json")))
    first, second = numbers(waiting)
    waiting.ok("queue", "retry", str(first))
    held = {row["id"]: row["held"] for row in json.loads(waiting.ok("queue", "--json"))}
    assert held == {first: False, second: True}
    assert json.loads(waiting.ok("queue", "retry", "--json")) == {"retried": 2}


def test_nothing_waits(with_list: Site) -> None:
    assert with_list.ok("queue") == ""
    assert json.loads(with_list.ok("queue", "--json")) == []


@pytest.mark.parametrize("words", [("blue",), ("show",), ("show", "x"), ("drop",), ("--blue",)])
def test_bad_usage(with_list: Site, words: tuple[str, ...]) -> None:
    with_list.refused("queue", *words, status=2)
