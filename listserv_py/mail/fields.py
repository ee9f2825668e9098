"""Header fields as they stand in the received bytes.

Our own reader, because the standard one starts a new field at a bare CR and loses `From : x`: only
LF ends a line here, a bare CR is an ordinary (bad) octet, and the bytes of all fields put together
are the header block again. The first line that is no field ends the header, as it does for Postfix.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

MAX_HEADER = 256 * 1024
MAX_FIELDS = 1000
MAX_FIELD = 100 * 1024

_NAME = re.compile(rb"([!-9;-~]{1,998})([ \t]*):")
_FOLD = re.compile(rb"\r?\n(?=[ \t])")
_STRAY = re.compile(rb"[\x00\r\n]+")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field: `raw` with its line ends, `value` unfolded, stripped; `name` lower case."""

    name: str
    raw: bytes
    value: bytes

    @property
    def is_strict(self) -> bool:
        """Whether no two readers can differ on it: no blank before the colon, no bare CR or NUL."""
        colon = self.raw.index(b":")
        return self.raw[colon - 1 : colon] not in (b" ", b"\t") and not _STRAY.search(
            _FOLD.sub(b"", self.raw.rstrip(b"\r\n"))
        )


@dataclass(frozen=True, slots=True)
class Header:
    """A header block; `body_start` is the offset behind the empty line that ends it."""

    fields: tuple[Field, ...]
    end: int
    body_start: int
    fault: str | None


def field(raw: bytes) -> Field | None:
    """Read one whole field, folds and line end included; None when it is none."""
    match = _NAME.match(raw)
    if match is None:
        return None
    value = raw[match.end() :].strip()
    if b"\n" in value or b"\r" in value or b"\0" in value:
        value = _STRAY.sub(b" ", _FOLD.sub(b"", raw[match.end() :])).strip()
    return Field(match[1].decode("ascii").lower(), raw, value)


def read_header(raw: bytes, start: int = 0, end: int | None = None, *, room: int = 1) -> Header:
    """The fields from `start` on, in linear time; going over `room` times the limits is a fault."""
    end = len(raw) if end is None else end
    fields: list[Field] = []
    pos = start
    while pos < end:
        line_end = _line_end(raw, pos, end)
        if raw[pos:line_end] in (b"\r\n", b"\n"):
            return Header(tuple(fields), pos, line_end, None)
        stop = _field_end(raw, line_end, end)
        fault = _over_limits(len(fields) // room, (stop - pos) // room, (stop - start) // room)
        if fault is not None:
            return Header(tuple(fields), pos, pos, fault)
        found = field(raw[pos:stop])
        if found is None:
            return Header(tuple(fields), pos, pos, None)
        fields.append(found)
        pos = stop
    return Header(tuple(fields), pos, pos, None)


def _over_limits(count: int, size: int, total: int) -> str | None:
    if count >= MAX_FIELDS:
        return "too many header fields"
    if size > MAX_FIELD:
        return "a header field is too long"
    if total > MAX_HEADER:
        return "the header is too long"
    return None


def _line_end(raw: bytes, pos: int, end: int) -> int:
    newline = raw.find(b"\n", pos, end)
    return end if newline < 0 else newline + 1


def _field_end(raw: bytes, pos: int, end: int) -> int:
    """The end of a field whose first line ends at `pos`: blank-led lines belong to it."""
    while pos < end and raw[pos] in b" \t":
        pos = _line_end(raw, pos, end)
    return pos
