"""Who is kept off a list by `Filter=` and `Safe=`."""

import pytest
from ceiling import ceiling

from listserv_py.lists.filters import glob, is_filtered, may_all_join, may_join
from listserv_py.lists.header import new_header, parse_header
from listserv_py.lists.values import Keywords
from listserv_py.mail.mailbox import parse_mailbox

OLGA = parse_mailbox("olga@example.org")


def keywords(*sets: str) -> Keywords:
    return parse_header(new_header("t", "T", [OLGA], sets)).keywords


@pytest.mark.parametrize(
    ("pattern", "text", "is_so"),
    [
        ("joe@example.net", "joe@example.net", True),
        ("joe@example.net", "joe@example.net.org", False),
        ("*@example.net", "joe@example.net", True),
        ("*@example.net", "joe@sub.example.net", False),
        ("*@*.example.net", "joe@sub.example.net", True),
        ("j*e@*", "joe@example.net", True),
        ("j*oe*oe", "joe", False),
        ("ab*ba", "aba", False),
        ("*", "", True),
        ("a?c", "abc", False),
        ("[a]*", "abc", False),
    ],
)
def test_glob(pattern: str, text: str, is_so: bool) -> None:
    assert glob(pattern, text) is is_so


def test_a_pattern_of_many_stars_takes_no_time() -> None:
    with ceiling():
        assert not glob("*a" * 2000 + "b", "a" * 5000)


@pytest.mark.parametrize(
    ("line", "address", "filtered"),
    [
        ("Filter= Also,*@bad.example", "Joe@BAD.example", True),
        ("Filter= Also,bad.example", "joe@bad.example", True),
        ("Filter= Also,bad.example", "joe@not-bad.example", False),
        ("Filter= Also,*.example", "joe@a.example", True),
        ("Filter= Only,spam*@*", "spammer@example.net", True),
        ("Safe= Yes", "joe@bad.example", False),
    ],
)
def test_filter(line: str, address: str, filtered: bool) -> None:
    assert is_filtered(keywords(line), parse_mailbox(address)) is filtered
    assert may_join(keywords(line), parse_mailbox(address)) is not filtered
    assert may_all_join(keywords(line))(address) is not filtered


@pytest.mark.parametrize(
    ("line", "may"),
    [
        ("Safe= Yes", False),
        ("Safe= No", True),
        ("Filter= Only,x@*", True),
        ("Filter= Safe,x@*", False),
    ],
)
def test_a_machine_joins_where_the_list_lets_it(line: str, may: bool) -> None:
    assert may_join(keywords(line), parse_mailbox("other-l-request@example.net")) is may
    assert may_all_join(keywords(line))("other-l-request@example.net") is may
