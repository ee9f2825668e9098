from __future__ import annotations

import pytest

from listserv_py.commands.command import Command, shortest
from listserv_py.commands.reference import page
from listserv_py.commands.syntax import elements_of, fold
from listserv_py.commands.table import COMMANDS, recognises
from listserv_py.texts.forms import Forms


@pytest.mark.parametrize("unit", COMMANDS.units, ids=lambda unit: unit.word)
def test_every_abbreviation_calls_its_own_command(unit: Command) -> None:
    for name in (unit.keyword, *unit.synonyms):
        for length in range(shortest(name), len(name) + 1):
            assert COMMANDS.find(fold(name)[:length]) is unit
            assert COMMANDS.find(name[:length].lower()) is unit
        for length in range(shortest(name)):
            found = COMMANDS.find(fold(name)[:length])
            assert found is not unit or found.is_called(fold(name)[:length])


@pytest.mark.parametrize("unit", COMMANDS.units, ids=lambda unit: unit.word)
def test_every_command_can_be_read_about(unit: Command) -> None:
    elements_of(unit.syntax)
    assert unit.summary_form in Forms.load().by_name
    assert unit.keyword in page()


@pytest.mark.parametrize(
    ("word", "keyword"),
    [
        ("SUB", "SUBscribe"),
        ("join", "SUBscribe"),
        ("Signup", "SUBscribe"),
        ("unsub", "SIGNOFF"),
        ("q", "Query"),
        ("rev", "REView"),
        ("l", "Lists"),
        ("h", "Help"),
        ("i", "Info"),
        ("del", "DELete"),
        ("thank", "THANKs"),
        ("ok", "OK"),
    ],
)
def test_known_abbreviations(word: str, keyword: str) -> None:
    found = COMMANDS.find(word)
    assert found is not None
    assert found.keyword == keyword


@pytest.mark.parametrize(
    "word",
    [
        "",
        "SU",
        "SIGNOF",
        "RE",
        "DE",
        "THAN",
        "\u017fUBSCRIBE",
        "SIGNOFF\u0301",
        "\uff2f\uff2b",
        "O\u212a",
        "SUBSCRIBES",
    ],
)
def test_no_command(word: str) -> None:
    assert COMMANDS.find(word) is None


@pytest.mark.parametrize(
    "line",
    [
        "unsubscribe",
        "UNSUBSCRIBE TEST-L",
        "signoff test-l",
        "subscribe TEST-L Joe Doe",
        "set TEST-L nomail",
        "review test-l",
        "join test-l Joe",
        "quiet add test-l joe@example.com Joe",
        "set NEWS nomail",
        "query news",
        "OK 0123456789ABCDEF",
        "reject (0123456789abcdef) off topic",
    ],
)
def test_commands_sent_to_a_list_are_recognised(line: str) -> None:
    assert recognises(line, "NEWS")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "thanks",
        "Help me, please",
        "Set the date for our meeting",
        "Join us tomorrow",
        "Review of the day",
        "Add a new page to the site",
        "Subscribe to our channel if you like what we do every day of the week",
        "ok",
        "Info about the test-l list is here",
        "query other",
        "ok 1234",
    ],
)
def test_talk_is_not_a_command(line: str) -> None:
    assert not recognises(line, "NEWS")
