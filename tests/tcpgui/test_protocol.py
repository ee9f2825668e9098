"""The wire of port 2306: the story of the reference, and octets that mean nothing."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv_py.tcpgui.protocol import (
    HEAD_SIZE,
    Call,
    Head,
    Misspoken,
    framed,
    read_call,
    read_head,
)

STORY = b"1B\r\n\x00\x1c\x0b"
"""A caller `a@host.test` with the command `THANKS PW=SECRET`: 28 octets behind the length."""


def test_the_story_of_the_reference() -> None:
    assert read_head(STORY) == Head(origin_size=11, command_size=16)
    assert read_call(b"a@host.test", b"THANKS PW=SECRET", "::1") == Call(
        "a@host.test", "THANKS", "SECRET", (), "::1"
    )
    answer = framed("You're welcome!\n")
    assert answer == b"\0\0\0\0" + b"\0\0\0\x11" + b"You're welcome!\r\n"


@pytest.mark.parametrize(
    "head",
    [
        b"1A\r\n\x00\x1c\x0b",
        b"2B\r\n\x00\x1c\x0b",
        b"1B\n\n\x00\x1c\x0b",
        b"GET / H",
        b"1B\r\n\x00\x00\x00",
        b"1B\r\n\x00\x0c\x0b",
        b"1B\r\n\x00\x05\xff",
    ],
)
def test_a_head_that_is_none(head: bytes) -> None:
    with pytest.raises(Misspoken):
        read_head(head)


@settings(max_examples=60)
@given(
    st.binary(min_size=HEAD_SIZE, max_size=HEAD_SIZE)
    | st.builds(
        lambda n, o: b"1B\r\n" + struct.pack(">HB", n, o),
        st.integers(0, 65535),
        st.integers(0, 255),
    )
)
def test_any_head(head: bytes) -> None:
    try:
        read = read_head(head)
    except Misspoken:
        return
    assert 1 <= read.command_size <= 65534
    assert 0 <= read.origin_size <= 255


@settings(max_examples=60)
@given(
    st.binary(max_size=255),
    st.binary(min_size=1, max_size=400)
    | st.sampled_from(
        [
            b"X-STL A 1_*",
            b"X-STL  9",
            b"X-STL A 99999_*",
            b"PW=",
            b" PW=a PW=b",
            b"X-STL A 1_* PW=x",
        ]
    ),
)
def test_any_call(origin: bytes, command: bytes) -> None:
    try:
        call = read_call(origin, command, "")
    except Misspoken:
        return
    assert "\n" not in call.command
    assert "\r" not in call.command
    assert all(row[0] == "*" and row.replace("\t", "").isprintable() for row in call.data)


@settings(max_examples=60)
@given(st.text(max_size=300), st.integers(0, 2**32 - 1))
def test_any_answer(text: str, code: int) -> None:
    octets = framed(text, code)
    assert struct.unpack(">II", octets[:8]) == (code, len(octets) - 8)
    assert octets.endswith(b"\r\n")
    assert octets[8:].count(b"\n") == octets[8:].count(b"\r\n") or "\r" in text


@pytest.mark.parametrize(
    ("command", "read"),
    [
        (b"LISTS OWNED PW=S", ("LISTS OWNED", "S")),
        (b"LISTS OWNED", ("LISTS OWNED", "")),
        (b"ADD L joe@x.com Joe PW=a pw=B", ("ADD L joe@x.com Joe PW=a", "B")),
        (b"REVIEW L (SHORT PW=S ALL", ("REVIEW L (SHORT  ALL", "S")),
        (b"THANKS PW=", ("THANKS", "")),
        (b"THANKS\r\n", ("THANKS", "")),
        (b"PW=S", ("", "S")),
        (b"REGISTER J\xf6 PW=S", ("REGISTER J\xf6", "S")),
        ("REGISTER Jö PW=S".encode(), ("REGISTER J\xf6", "S")),
    ],
)
def test_the_password_stands_apart(command: bytes, read: tuple[str, str]) -> None:
    call = read_call(b"a@b.c", command, "")
    assert (call.command.strip(), call.password) == read


HEADER = (
    "* test",
    "*\tTabs",
    "*",
    "* Owner= joan@example.com",
    "* Notebook=No",
    "* Owner= Jörg@example.com",
)


@pytest.mark.parametrize("count", [lambda row: len(row.encode()), len], ids=["octets", "letters"])
def test_a_header_in_one_line(count: object) -> None:
    assert callable(count)
    rows = "".join(f"{count(row)}_{row}" for row in HEADER)
    call = read_call(b"a@b.c", f"X-STL TEST {rows} PW=S".encode(), "")
    assert call == Call("a@b.c", "PUT TEST LIST", "S", HEADER)


def test_a_header_keeps_its_own_password() -> None:
    call = read_call(b"a@b.c", b"X-STL TEST 7_* PW= X6_* test PW=S", "")
    assert call.data == ("* PW= X", "* test")
    assert call.password == "S"  # noqa: S105 - of nobody
    assert read_call(b"a@b.c", b"X-STL TEST 7_* PW= X6_* test", "").password == ""


@pytest.mark.parametrize(
    "command",
    [b"A\nB", b"A\0B", b"X-STL TEST 5_*", b"X-STL TEST 1_a", b"X-STL TEST x", b"X-STL T "],
)
def test_what_is_no_line(command: bytes) -> None:
    with pytest.raises(Misspoken):
        read_call(b"a@b.c", command, "")


@pytest.mark.parametrize("origin", [b"@", b"", b"a b", b"\xff", b"joe@example.com"])
def test_an_origin(origin: bytes) -> None:
    named = read_call(origin, b"THANKS", "").origin
    assert named == (origin.decode("latin-1") if b" " not in origin else "")
