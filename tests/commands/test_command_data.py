"""Which lines of a mail are PUT's, and that a header comes back as GET sent it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from ceiling import ceiling
from hypothesis import given
from hypothesis import strategies as st
from stage import NOW

from listserv_py.commands.body import spaced_lines
from listserv_py.commands.data import with_data
from listserv_py.lists.header import read_header
from listserv_py.mail.compose import Draft, compose
from listserv_py.mail.message import read
from listserv_py.texts.forms import Forms


def found(text: str) -> list[tuple[str, list[str]]]:
    return [(line.text, list(line.data)) for line in with_data(spaced_lines(text))]


CASES = tomllib.loads(Path(__file__).with_name("command_data.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_what_belongs_to_put(case: dict[str, Any]) -> None:
    assert found(case["text"]) == [(line, data) for line, *data in case["lines"]]


texts = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\x85")
    | st.sampled_from(list(' \t:=>,"()*.-_\u00a0\u200b\u3000\ufeff')),
    max_size=300,
)
keyword_lines = st.sampled_from(
    [
        *("Owner= ann@example.org (Ann Lee)  comment", "  Send = Editor , Hold   Ack= No"),
        *(".HH ON", ".HH OFF", "From: a", "PUT TEST-L LIST", "", ">", "Notify= No:", "--", "-- "),
    ]
)


@given(st.lists(texts | keyword_lines, max_size=12))
def test_put_of_what_get_sent_is_the_same_header(lines: list[str]) -> None:
    text = "* A title\n* Owner= ann@example.org\n" + "".join(f"*{line}\n" for line in lines)
    header, _ = read_header(text)
    assert str(read_header(str(header))[0]) == str(header)
    slots = {"LISTNAME": "TEST-L", "LOCK": "-", "HEADER": str(header).rstrip("\n")}
    sent = Draft(
        "a@b.example", "c@d.example", "s", Forms.load().fill("GET_HEADER", slots).body, NOW, "<1@b>"
    )
    got = read(compose(sent)).command_text
    mail = got[got.index("PUT TEST-L LIST") :]
    (line,) = with_data(spaced_lines(mail))
    again, _ = read_header("\n".join(line.data) + "\n")
    assert str(again) == str(header)


@pytest.mark.parametrize(
    "text",
    ["PUT A-L LIST\n* x\n", "ab\n", "PUTS\n", "QUIET x\n", "PUT A-L LIST\n* x\n" + "ab\n" * 50],
)
def test_hostile_data_is_cut_in_linear_time(text: str) -> None:
    lines = spaced_lines(text * (100_000 // len(text)))
    with ceiling():
        with_data(lines)
