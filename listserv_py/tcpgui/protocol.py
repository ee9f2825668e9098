"""The wire of TCPGUI: what a caller's octets say, and an answer as octets; pure.

A caller sends the line `1B`, two octets with the length of all that follows, one with the length of
his address, the address; hears a line that begins with 250; sends the command. He gets a return
code and a length, four octets each, and the text. Programs that are in use print the text only
where the code is 0, so a command that is refused has the code 0 as well: the text says why.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass

from listserv_py.errors import ListservError

OPENING = b"1B\r\n"
HEAD_SIZE = len(OPENING) + 3
GREETING = b"250 Go ahead\r\n"
TOO_BUSY = b"421 Too many callers; call again later\r\n"
TEXT_MAX = 4_000_000
"""What a command can answer is bounded before; this is for what is not."""
FAILED = 8

_ADDRESS = re.compile(r"[^\x00-\x20\x7f]{1,255}")
_PASSWORD = re.compile(rb"[ \t]PW=(\S+)[ \t]*\Z", re.IGNORECASE)
_ANYWHERE = re.compile(rb"(?:(?<=[ \t(,])|\A)PW=(\S*)", re.IGNORECASE)
_STORE = re.compile(rb"[ \t]*X-STL[ \t]+(\S+)[ \t](.*)\Z", re.IGNORECASE | re.DOTALL)
_LENGTH = re.compile(r"([0-9]{1,5})_")


class Misspoken(ListservError):
    """A caller who does not speak as he should; its text is what he is told."""


@dataclass(frozen=True, slots=True)
class Head:
    """What the first seven octets announce."""

    origin_size: int
    command_size: int


@dataclass(frozen=True, slots=True)
class Call:
    """One command, and who is said to give it; `origin` "" when that is no text at all.

    `data` are the lines below the command (X-STL); `host` is where the call came from.
    """

    origin: str
    command: str
    password: str = ""
    data: tuple[str, ...] = ()
    host: str = ""


def read_head(octets: bytes) -> Head:
    """What follows the head; Misspoken when it is none."""
    if octets[: len(OPENING)] != OPENING:
        raise Misspoken("500 This is TCPGUI, level 1, binary: begin with 1B")
    total, origin_size = struct.unpack(">HB", octets[len(OPENING) :])
    command_size = total - origin_size - 1
    if command_size < 1:
        raise Misspoken("501 The lengths do not fit together")
    return Head(origin_size, command_size)


def read_call(origin: bytes, command: bytes, host: str) -> Call:
    """The command, and the password that stands apart from it; Misspoken when it is no line."""
    said = _text(origin)
    named = said if _ADDRESS.fullmatch(said) else ""
    line, password = _without_password(command.rstrip(b"\r\n"))
    stored = _STORE.match(line)
    if stored:
        name, rows = _text(stored[1]), _rows(stored[2])
        if not name.isprintable():
            raise Misspoken("a list's name has letters, digits, - and _")
        return Call(named, f"PUT {name} LIST", password, rows, host)
    text = _text(line)
    if any(letter < " " and letter != "\t" for letter in text):
        raise Misspoken("a command is one line")
    return Call(named, text, password, (), host)


def framed(text: str, code: int = 0) -> bytes:
    """An answer on the wire: lines end in CRLF, and there is always one."""
    lines = text.rstrip("\n").split("\n")
    octets = "".join(f"{line}\r\n" for line in lines).encode("utf-8", "replace")
    octets = octets[:TEXT_MAX]
    return struct.pack(">II", code, len(octets)) + octets


def _without_password(line: bytes) -> tuple[bytes, str]:
    """The line and the password in it: programs append it, and a header may have a PW= itself."""
    last = _PASSWORD.search(line)
    if last:
        return line[: last.start()], _text(last[1])
    if _STORE.match(line):
        return line, ""
    first = _ANYWHERE.search(line)
    return (_ANYWHERE.sub(b"", line), _text(first[1])) if first else (line, "")


def _rows(octets: bytes) -> tuple[str, ...]:
    """The lines of X-STL, `6_* test1_*`: each behind its length, in octets or in letters."""
    in_octets = _split(octets.decode("latin-1")) or ()
    for rows in (
        tuple(_text(row.encode("latin-1")) for row in in_octets),
        _split(_text(octets)),
    ):
        if rows and all(_is_header_line(row) for row in rows):
            return rows
    raise Misspoken("X-STL takes a list's name and its header: each line behind its length and _")


def _is_header_line(row: str) -> bool:
    return row.startswith("*") and row.replace("\t", " ").isprintable()


def _split(text: str) -> tuple[str, ...] | None:
    rows, at = list[str](), 0
    while at < len(text):
        found = _LENGTH.match(text, at)
        if found is None:
            return None
        end = found.end() + int(found[1])
        if end > len(text):
            return None
        rows.append(text[found.end() : end])
        at = end
    return tuple(rows) or None


def _text(octets: bytes) -> str:
    """UTF-8, or what programs older than it wrote."""
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError:
        return octets.decode("latin-1")
