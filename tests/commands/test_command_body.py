from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from ceiling import ceiling

from listserv_py.commands.body import code_in, is_ok, own_lines, rejection

CASES = tomllib.loads(Path(__file__).with_name("own_lines.toml").read_text("utf-8"))["case"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_own_lines(case: dict[str, Any]) -> None:
    assert list(own_lines(case["text"])) == case["lines"]


@pytest.mark.parametrize("line", ["ok", "OK", "Ok.", "oK"])
def test_ok(line: str) -> None:
    assert is_ok(line)


@pytest.mark.parametrize(
    "line", ["ok!", "ok ok", "o k", "okay", "yes", "", "\u043e\u043a", "ok, gone", "O\u212a"]
)
def test_not_ok(line: str) -> None:
    assert not is_ok(line)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("reject", ""),
        ("Reject.", ""),
        ("REJECT off topic", "off topic"),
        ("reject: off topic", "off topic"),
        ("rejected", None),
        ("ok", None),
    ],
)
def test_rejection(line: str, reason: str | None) -> None:
    assert rejection(line) == reason


@pytest.mark.parametrize(
    ("subject", "code"),
    [
        ("Command confirmation request (0123456789ABCDEF)", "0123456789ABCDEF"),
        ("Re: AW: [EXT] Command confirmation request (0123456789abcdef)", "0123456789ABCDEF"),
        ("(0000000000000000) x (0123456789ABCDEF) [#12]", "0123456789ABCDEF"),
        ("(0123456789ABCDE)", None),
        ("(0123456789ABCDEF0)", None),
        ("0123456789ABCDEF", None),
        ("(\uff10123456789ABCDEF)", None),
        ("", None),
    ],
)
def test_code_in_subject(subject: str, code: str | None) -> None:
    assert code_in(subject) == code


@pytest.mark.parametrize(
    "text",
    ["-" * 1_000_000, "a:\n" * 200_000, "- " * 500_000, "From: x\n" * 100_000, "\n" * 300_000],
    ids=["dashes", "colons", "dashes and blanks", "from lines", "blank lines"],
)
def test_hostile_text_is_read_in_linear_time(text: str) -> None:
    with ceiling():
        own_lines(text)
