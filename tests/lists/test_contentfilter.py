"""CONTENT_FILTER: which rules match what, and that none takes long."""

import pytest
from ceiling import ceiling
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv_py.lists.contentfilter import Action, Looked, first_match, glob, read_rules

HEADER = [
    ("subject", "Make  MONEY fast"),
    ("from", "joe@example.net"),
    ("x-mailer", "Bulk 7"),
    ("x-empty", ""),
]
TEXT = "Hello,\n\nwin a  prize: see http://win.example/x\nBye\n"

CASES = {
    "prize": True,
    "PRIZE": True,
    "prizes": False,
    "a prize": True,
    "win*win": False,
    "win*win*": True,
    "win*": True,
    "*win": False,
    "hello*bye": False,
    "Text: bye": True,
    "Text: money": False,
    "http://win.example": True,
    "Subject: money": True,
    "Subject: make money*": True,
    "Subject: *money": False,
    "Subject: make*m*y*st": True,
    "Subject:: Make Money Fast": True,
    "Subject:: money": False,
    "Subject::": False,
    "List-Id::": True,
    "X-Empty::": True,
    "Header: bulk": True,
    "Header: x-mailer: *7": True,
    "Header: bulk*8": False,
    "To: joe": False,
}


@pytest.mark.parametrize("pattern", CASES)
def test_rule(pattern: str) -> None:
    rules, faults = read_rules(pattern)
    assert not faults
    assert bool(first_match(rules, Looked(HEADER, TEXT))) is CASES[pattern]


def test_first_rule_that_matches_counts_with_its_action() -> None:
    rules, faults = read_rules(
        "From: olga@example.org\nAction: ALLOW\n\nnowhere\nprize\naction: discard\n"
        "Subject: money\nAction: REJECT No money here.\nhello\nAction: MODERATE"
    )
    assert not faults
    assert [rule.action for rule in rules] == [
        Action.ALLOW,
        Action.REJECT,
        Action.DISCARD,
        Action.REJECT,
        Action.MODERATE,
    ]
    found = first_match(rules, Looked(HEADER, TEXT))
    assert found
    assert (found.action, found.line) == (Action.DISCARD, 5)
    assert rules[3].reason == "No money here."


FAULTS = {
    "Action: REJECT": "Action: stands on the line below its rule",
    "x\n\nAction: REJECT": "Action: stands on the line below its rule",
    "x\nAction: BURN": "an action is one of REJECT, DISCARD, MODERATE, ALLOW",
    "*": "the pattern would match everything",
    "Subject: **": "the pattern would match everything",
    "Header:: x": "Header:: names no header",
    "x" * 201: "a pattern has at most 200 characters",
    "x\n" * 101: "there are more than 100 rules",
}


@pytest.mark.parametrize("text", FAULTS)
def test_fault(text: str) -> None:
    assert [fault for _, fault in read_rules(text)[1]][:1] == [FAULTS[text]]


SLOW = {
    "stars": ("*a" * 90 + "*b", "a" * 1_000_000 + "\nb"),
    "lines of one letter": ("a*b*c", "a\n" * 400_000 + "b\nc"),
    "nearly": ("a" * 100 + "*" + "b" * 99, ("a" * 99 + "c") * 9000),
}


@pytest.mark.parametrize("name", SLOW)
def test_a_hundred_rules_take_no_time(name: str) -> None:
    pattern, text = SLOW[name]
    rules, _ = read_rules("\n".join([pattern] * 100))
    assert len(rules) == 100
    with ceiling():
        first_match(rules, Looked([("subject", text[:50_000])] * 50, text))


letters = st.text("ab*", max_size=12)


@settings(deadline=None)
@given(letters.filter(lambda one: "*" in one), st.text("ab", max_size=12))
def test_glob_is_what_it_says(pattern: str, text: str) -> None:
    reachable = {0}
    for letter in pattern:
        if letter == "*":
            reachable = set(range(min(reachable), len(text) + 1)) if reachable else set()
        else:
            reachable = {at + 1 for at in reachable if text[at : at + 1] == letter}
    assert glob(pattern, text) is (len(text) in reachable)


@settings(deadline=None)
@given(st.text(max_size=300))
def test_no_rules_crash(text: str) -> None:
    rules, _ = read_rules(text)
    first_match(rules, Looked([("subject", text)], text))
