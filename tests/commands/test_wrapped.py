"""Command mails that a mail program wrapped (RFC 3676)."""

from __future__ import annotations

import pytest
from ceiling import ceiling
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.commands import jobs
from listserv_py.commands.wrapped import unwrapped
from listserv_py.mail.message import read

LONG = "ADD TEST-L somebody.with.a.long.name@a-department.example.org "
FLOWED = "text/plain; format=flowed"


def mail(text: str, content_type: str = FLOWED) -> bytes:
    head = f"From: joe@example.net\r\nContent-Type: {content_type}\r\n\r\n"
    return (head + text.replace("\n", "\r\n")).encode()


def lines(text: str, content_type: str = FLOWED) -> list[str]:
    return [line.text for line in jobs.read_mail(read(mail(text, content_type))).lines]


def test_a_wrapped_line_is_one() -> None:
    assert lines(f"{LONG}\nJoseph Q. Doe\nTHANKS\n") == [f"{LONG}Joseph Q. Doe", "THANKS"]
    assert lines("SUBSCRIBE \nTEST-L \nJoe\n") == ["SUBSCRIBE TEST-L Joe"]
    assert lines(f"{LONG}\nQuery Doe\n") == [f"{LONG}Query Doe"]


def test_the_blank_may_be_none_of_the_words() -> None:
    broken = "ADD TEST-L joe@an.example.or \ng Joe  \nDoe\n"
    assert lines(broken, f"{FLOWED}; DelSp=Yes") == ["ADD TEST-L joe@an.example.org Joe Doe"]
    assert lines(broken, f'{FLOWED}; delsp="no"')[0].startswith("ADD TEST-L joe@an.example.or g")


def test_only_a_flowed_text_is_joined() -> None:
    for content_type in ("text/plain", "text/plain; format=fixed"):
        assert lines("SUBSCRIBE \nTEST-L\n", content_type)[0] == "SUBSCRIBE"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("SIGNOFF A-L \nSIGNOFF B-L \nTHANKS \n", ["SIGNOFF A-L", "SIGNOFF B-L", "THANKS"]),
        ("THANKS \n\nq a-l \n", ["THANKS", "q a-l"]),
        ("ok \nJoe\n", ["ok", "Joe"]),
        ("THANKS \n-- \nJoe \nDoe\n", ["THANKS"]),
        ("THANKS \n> ADD A-L \n> joe@example.net\nRELEASE\n", ["THANKS", "RELEASE"]),
        (" THANKS\n RELEASE\n", ["THANKS", "RELEASE"]),
    ],
)
def test_what_begins_anew_is_a_line_of_its_own(text: str, found: list[str]) -> None:
    assert lines(text) == found


def test_a_header_and_a_dataset_keep_their_lines() -> None:
    text = "PUT A-L LIST \n* A title \n* \n* Owner= joe@example.net, \nmia@example.net\n"
    (put,) = jobs.read_mail(read(mail(text))).lines
    assert put.data == ("* A title", "*", "* Owner= joe@example.net, mia@example.net")
    text = "ADD A-L DD=X \n//X DD * \njoe@example.net \nmia@example.net Mia \nDoe\n/* \nTHANKS\n"
    add, thanks = jobs.read_mail(read(mail(text))).lines
    assert add.roster is not None
    assert add.roster.rows == (("joe@example.net", ""), ("mia@example.net", "Mia Doe"))
    assert thanks.text == "THANKS"


@given(st.lists(st.text(st.sampled_from("ab @*>-/. ok\u00a0"), max_size=40), max_size=12))
def test_no_letter_is_lost(written: list[str]) -> None:
    for delsp in ("yes", "no"):
        part = read(mail("\n".join(written), f"{FLOWED}; delsp={delsp}")).root
        found = unwrapped("\n".join(written), part)
        assert "".join(found.split()) == "".join("\n".join(written).split())


@pytest.mark.parametrize("text", ["ab \n", "x " * 60 + "\n", " \n", "> a \n", "*\n"])
def test_wrapped_lines_without_end_are_joined_in_linear_time(text: str) -> None:
    message = read(mail(text * (200_000 // len(text))))
    with ceiling():
        jobs.read_mail(message)
