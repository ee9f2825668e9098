"""Runs tests/dialogs/*.dialog against a real listener.

`=` sets a limit or the protocol. `C:` is a line that the client says, its CRLF added; `C|` the same
without; escapes as in Python. What stands between two replies is sent in one go. `S:` is a reply,
`*` in it any text; `S: (closed)` the end. `M:` is a mail that the room took, `M|` its lines below
our Received field; after the last one there is none.
"""

import asyncio
from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

DIALOGS = sorted((Path(__file__).parents[1] / "dialogs").glob("*.dialog"))


def unescaped(text: str) -> bytes:
    return text.encode("latin-1", "backslashreplace").decode("unicode_escape").encode("latin-1")


def read(path: Path) -> tuple[dict[str, int | str], list[tuple[str, str]]]:
    settings, turns = {}, []
    for line in path.read_text(encoding="utf-8").splitlines():
        mark, text = line[:2], line[3:]
        if mark == "= ":
            name, _, value = line[2:].partition(" ")
            settings[name] = int(value) if value.isdecimal() else value
        elif line and not line.startswith("#"):
            assert mark in {"C:", "C|", "S:", "M:", "M|"}, line
            turns.append((mark, text))
    return settings, turns


@pytest.mark.parametrize("path", DIALOGS, ids=lambda path: path.stem)
async def test_dialog(path: Path, open_door: Callable) -> None:
    settings, turns = read(path)
    house = await open_door(**settings)
    talk = await house.connect()
    to_say, mails = b"", []
    for mark, text in turns:
        if mark[0] == "C":
            # What is beyond ASCII stands in the file as itself.
            to_say += text.encode() if not text.isascii() else unescaped(text)
            to_say += b"\r\n" if mark == "C:" else b""
        elif mark == "S:":
            if to_say:
                await talk.send(to_say)
                to_say = b""
            async with asyncio.timeout(30):
                heard = await talk.hear()
            assert fnmatchcase(heard or "(closed)", text.replace("[", "[[]")), heard
        elif mark == "M:":
            mails.append((text, []))
        else:
            mails[-1][1].append(unescaped(text))
    assert mails == [shown(mail, house.room.mails[at:]) for at, mail in enumerate(mails)]
    assert len(house.room.mails) == len(mails)


def shown(mail: tuple[str, list[bytes]], taken: list) -> tuple[str, list[bytes]]:
    """The next mail as the dialogue writes it; its lines only where the dialogue has some."""
    if not taken:
        return "(none)", []
    envelope = taken[0]
    head = f"{envelope.reverse_path or '<>'} -> {', '.join(map(str, envelope.rcpt_to))}"
    trace, _, below = envelope.content.partition(b"\r\n\tby ")[2].partition(b" +0000\r\n")
    assert trace
    return head, below.split(b"\r\n")[:-1] if mail[1] else []
