import tomllib
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.errors import BadAddress
from listserv_py.mail.mailbox import Mailbox, parse_mailbox, parse_path, read_author, readdressed

CASES = tomllib.loads((Path(__file__).parent / "mailbox.toml").read_text(encoding="utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_parse(case: dict[str, str]) -> None:
    if "expected" in case:
        assert str(parse_mailbox(case["text"])) == case["expected"]
    else:
        with pytest.raises(BadAddress):
            parse_mailbox(case["text"])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Joe@example.org", "joe@EXAMPLE.org", True),
        ('"joe"@example.org', "joe@example.org", True),
        ("joe+tag@example.org", "joe@example.org", False),
        ("m\u0131ke@example.org", "mike@example.org", False),
        ("\u017fam@example.org", "sam@example.org", False),
    ],
)
def test_who_is_the_same(one: str, other: str, same: bool) -> None:
    assert (parse_mailbox(one) == parse_mailbox(other)) is same
    assert (hash(parse_mailbox(one)) == hash(parse_mailbox(other))) is same


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<>", None),
        ("<a@b.org>", "a@b.org"),
        ("<@x.org,@y.org:a@b.org>", "a@b.org"),
    ],
)
def test_paths(text: str, expected: str | None) -> None:
    found = parse_path(text)
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize(
    "text", ["a@b.org", "<a@b.org", "a@b.org>", "< >", "<a b@c.org>", "<@x.org>", "<<a@b.org>>"]
)
def test_no_paths(text: str) -> None:
    with pytest.raises(BadAddress):
        parse_path(text)


@pytest.mark.parametrize(
    ("value", "name", "address"),
    [
        ("Joe Doe <joe@x.org>", "Joe Doe", "joe@x.org"),
        ('"Doe, Joe" <joe@x.org>', "Doe, Joe", "joe@x.org"),
        ("joe@x.org (Joe Doe)", "Joe Doe", "joe@x.org"),
        ("J. Doe <joe@x.org>", "J. Doe", "joe@x.org"),
        ("<joe@x.org>", "", "joe@x.org"),
        ("Joe [EXT] <joe@x.org>", "Joe [EXT]", "joe@x.org"),
        ("Joe (Work) <joe@x.org>", "Joe (Work)", "joe@x.org"),
        ("=?utf-8?q?Joe:_x?= <joe@x.org>", "=?utf-8?q?Joe:_x?=", "joe@x.org"),
    ],
)
def test_an_author(value: str, name: str, address: str) -> None:
    author = read_author(value)
    assert author is not None
    assert (author.name, str(author.mailbox)) == (name, address)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "<>",
        "a@x.org, b@x.org",
        "<a@x.org> <b@x.org>",
        "group: a@x.org;",
        "alice@example.org)bob@example.com",
        "a@x.org <b@x.org>",
        "<a@x.org>, <b@x.org>",
        "Joe <@relay.org:joe@x.org>",
        "Joe <joe@x.org>\r\nBcc: y@z.org",
        '"a".' * 4000,
        "Joe <joe@x.org",
        "=?utf-8?q?joe=40x.org?=",
        "Joe: <joe@x.org>",
        "Joe (a@x.org) <b@x.org>",
        "Joe (<a@x.org>) <b@x.org>",
        "Joe, <joe@x.org>",
        "(a" * 900 + " <joe@x.org>",
    ],
)
def test_nobody(value: str) -> None:
    assert read_author(value) is None


@given(st.text(max_size=80))
def test_no_text_breaks_the_reader(text: str) -> None:
    read_author(text)
    with suppress(BadAddress):
        mailbox = parse_mailbox(text)
        assert parse_mailbox(str(mailbox)) == mailbox


def test_a_bad_address_is_quoted_on_one_line() -> None:
    with pytest.raises(BadAddress) as caught:
        parse_mailbox("a\r\nb\0" + "c" * 200)
    assert caught.value.values == ("a??b?" + "c" * 75,)


@given(st.from_regex(r"[ -~]{1,30}", fullmatch=True))
def test_writing_and_reading_are_twins(local_part: str) -> None:
    mailbox = Mailbox(local_part, "example.org")
    assert parse_mailbox(str(mailbox)) == mailbox
    assert parse_path(f"<{mailbox}>") == mailbox


_ODD = st.text('ab<>"()@,;:\\ .=?_\t\u00e9[]', max_size=12)


@given(_ODD, st.sampled_from(["joe@x.org", "<joe@x.org>", " <joe@x.org>", '"a b"@x.org']), _ODD)
def test_another_address_leaves_the_name_alone(front: str, address: str, behind: str) -> None:
    value = front + address + behind
    author = read_author(value)
    if author is None:
        return
    changed = read_author(readdressed(value, "0a-dmarc-request@lists.example.org"))
    assert changed is not None
    assert str(changed.mailbox) == "0a-dmarc-request@lists.example.org"
    assert changed.name == author.name
