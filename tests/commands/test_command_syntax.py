from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.commands.body import code_in, own_lines
from listserv_py.commands.manners import kept_name, shown_line, shown_name
from listserv_py.commands.syntax import Arguments, fold, read, write
from listserv_py.commands.table import COMMANDS, recognises, split
from listserv_py.errors import UserError
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

JOE = parse_mailbox("joe@example.com")
SYNTAXES = sorted({unit.syntax for unit in COMMANDS.units})

listnames = st.from_regex(r"[A-Z0-9][A-Z0-9_-]{0,8}[A-Z0-9]", fullmatch=True)
names = st.lists(
    st.text("AaBb-'.äœÖ", min_size=1, max_size=8).filter(lambda w: fold(w) not in {"WITH", "FOR"}),
    min_size=1,
    max_size=4,
).map(" ".join)
options = st.lists(st.sampled_from(["NOMAIL", "HTML", "ACK"]), min_size=1, max_size=3).map(tuple)
people = st.from_regex(r"[a-z]{1,5}(\.[a-z]{1,5})?", fullmatch=True).map(
    lambda local: Mailbox(local, "example.com")
)
codes = st.from_regex(r"[0-9A-F]{16}", fullmatch=True)
switches = st.lists(st.sampled_from(["SHORT", "NETWIDE"]), max_size=2).map(tuple)


@given(listnames | st.just("*"), options, people | st.none())
def test_set_is_read_as_written(listname: str, words: tuple[str, ...], person: Mailbox) -> None:
    syntax, said = "listname|* options [FOR people]", Arguments(listname, "", words, person)
    assert read(syntax, write(syntax, said)) == said


@given(listnames, names, options | st.just(()))
def test_subscribe_is_read_as_written(listname: str, name: str, words: tuple[str, ...]) -> None:
    syntax, said = "listname [name] [WITH options]", Arguments(listname, name, words)
    assert read(syntax, write(syntax, said)) == said


@given(listnames, names | st.just(""), people)
def test_add_is_read_as_written(listname: str, name: str, person: Mailbox) -> None:
    said = Arguments(listname, name, person=person)
    assert read("listname person", write("listname person", said)) == said


@given(codes, names)
def test_reject_is_read_as_written(code: str, reason: str) -> None:
    said = Arguments(code=code, text=reason)
    assert read("code [reason]", write("code [reason]", said)) == said


@given(listnames | st.just("*"), switches)
def test_switches_are_read_as_written(listname: str, words: tuple[str, ...]) -> None:
    syntax, said = "listname|* [(switches]", Arguments(listname, switches=words)
    assert read(syntax, write(syntax, said)) == said


@given(st.sampled_from(SYNTAXES), st.text(max_size=200))
def test_whatever_is_read_is_written_and_read_again(syntax: str, text: str) -> None:
    try:
        said = read(syntax, text.strip(" \t"))
    except UserError:
        return
    again = write(syntax, said)
    if fold(said.name).split(" ")[-1:] != ["WITH"] and "\n" not in text:
        assert write(syntax, read(syntax, again)) == again


@given(st.text(max_size=500))
def test_no_text_breaks_the_readers(text: str) -> None:
    for line in own_lines(text):
        split(line)
        recognises(line)
        shown_line(line, None)
        shown_line(line, "listname [name] [WITH options]")
    code_in(text)
    kept_name(text)


@given(st.text(max_size=200))
def test_a_shown_name_is_plain(text: str) -> None:
    shown = shown_name(text)
    assert len(shown) <= 60
    assert not set(shown) & set('/:@<>"&\r\n\t0123456789')
    assert kept_name(kept_name(text)) == kept_name(text)


@pytest.mark.parametrize(
    ("text", "person", "name"),
    [
        ("TEST-L joe@example.com Joe Doe", "joe@example.com", "Joe Doe"),
        ("TEST-L Joe Doe <joe@example.com>", "joe@example.com", "Joe Doe"),
        ('TEST-L "Doe, Joe" <joe@example.com>', "joe@example.com", "Doe, Joe"),
        ("TEST-L <joe@example.com>", "joe@example.com", ""),
        ("TEST-L joe@example.com *", "joe@example.com", ""),
        ("TEST-L joe@example.com", "joe@example.com", ""),
        ('TEST-L "joe doe"@example.com Joe', '"joe doe"@example.com', "Joe"),
    ],
)
def test_who_is_added(text: str, person: str, name: str) -> None:
    said = read("listname person", text)
    assert (str(said.person), said.name) == (person, name)


@pytest.mark.parametrize(
    "text",
    [
        "TEST-L",
        "TEST-L joe",
        "TEST-L a@b@c",
        "TEST-L <a@b",
        "TEST-L a@b.c\x00d",
        "TEST/L a@b.c",
        "",
    ],
)
def test_what_cannot_be_added(text: str) -> None:
    with pytest.raises(UserError):
        read("listname person", text)


@pytest.mark.parametrize(
    ("line", "rest"),
    [
        ("ADD TEST-L a@b.c Joe PW=SECRET", "TEST-L a@b.c Joe"),
        ("ADD TEST-L PW=SECRET a@b.c Joe", "TEST-L a@b.c Joe"),
        ("ADD pw=x TEST-L a@b.c", "TEST-L a@b.c"),
        ("QUIET ADD TEST-L a@b.c xPW=1", "TEST-L a@b.c xPW=1"),
    ],
)
def test_a_password_is_read_over(line: str, rest: str) -> None:
    assert split(line)[2] == rest


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("Joe Doe", "Joe Doe"),
        ("Jörg O'Neill-Müller", "Jörg O'Neill-Müller"),
        ("J.R.R. Tolkien", "J.R.R. Tolkien"),
        ("http://evil.example", ""),
        ("Visit www.evil.example now", "Visit now"),
        ("evil.example", "evil. example"),
        ("evil。example", "evil example"),
        ("mailto:a@evil.example", ""),
        ("a" * 100, "a" * 60),
        ("Joe <b>bold</b>", "Joe b bold b"),
    ],
)
def test_shown_names(given: str, shown: str) -> None:
    assert shown_name(given) == shown
