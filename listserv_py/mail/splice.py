"""Header fields cut out of, and put into, what came in: the same bytes out, but for these.

A mail is never parsed and written again (RFC 5322 2.2): the author's untouched fields keep their
folds, their case and their order, and his DKIM-Signature stays valid as long as no field that it
signs is touched.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from listserv_py.errors import Broken
from listserv_py.mail.compose import header_line
from listserv_py.mail.fields import Field, field

LINE_MAX = 998

_TRACE = frozenset(("return-path", "received"))
_LINE_END = re.compile(rb"\r\n|\r|\n")
_FOLD_AT = re.compile(rb"[ \t](?=[^ \t\r\n])")

Fields = tuple[Field, ...]


def new_field(name: str, value: str) -> Field:
    """A field of ours, written by the one function that writes header lines."""
    made = field(header_line(name, value))
    if made is None:
        raise Broken(f"a header line {name!r} that cannot be read back")
    return made


def cut(fields: Iterable[Field], unwanted: Callable[[Field], bool]) -> Fields:
    """The fields without the unwanted."""
    return tuple(one for one in fields if not unwanted(one))


def put_in(fields: Sequence[Field], at: int, new: Iterable[Field]) -> Fields:
    """The fields with `new` before number `at`; cutting `new` out again gives `fields`."""
    return (*fields[:at], *new, *fields[at:])


def behind_trace(fields: Sequence[Field]) -> int:
    """Where ours go in: behind the trace fields on top, before whatever the author signed."""
    return next((at for at, one in enumerate(fields) if one.name not in _TRACE), len(fields))


def joined(fields: Iterable[Field]) -> bytes:
    """The header block, without the empty line that ends it."""
    return b"".join(one.raw if one.raw.endswith(b"\n") else one.raw + b"\r\n" for one in fields)


def clean_lines(raw: bytes) -> bytes:
    """Every line end a CRLF; the same bytes where they are, as the door sees to."""
    count = raw.count(b"\r\n")
    if raw.count(b"\n") == count and raw.count(b"\r") == count:
        return raw
    return _LINE_END.sub(b"\r\n", raw)


def with_short_lines(one: Field) -> Field:
    """The field with lines of at most 998 octets, folded at a blank where there is one."""
    if max(map(len, one.raw.split(b"\r\n"))) <= LINE_MAX:
        return one
    lines: list[bytes] = []
    for line in one.raw.removesuffix(b"\r\n").split(b"\r\n"):
        lines.extend(_folded(line))
    return field(b"\r\n".join(lines) + b"\r\n") or one


def _folded(line: bytes) -> list[bytes]:
    """One line in pieces, all but the first beginning with a blank; hard where it must be."""
    pieces: list[bytes] = []
    while len(line) > LINE_MAX:
        blanks = [found.start() for found in _FOLD_AT.finditer(line, 1, LINE_MAX)]
        usable = [
            at for at in blanks if line[:at].strip(b" \t") and line[:at].rstrip()[-1:] != b":"
        ]
        if usable:
            pieces.append(line[: usable[-1]])
            line = line[usable[-1] :]
        else:
            pieces.append(line[:LINE_MAX])
            line = b" " + line[LINE_MAX:]
    pieces.append(line)
    return pieces
