"""A text part into which we write: which parts are let be, and how it is labelled afterwards.

What goes into a flowed text keeps it flowed (RFC 3676); a part whose charset lacks a letter of ours
becomes UTF-8.
"""

from __future__ import annotations

import re

from listserv_py.mail.mime import Part
from listserv_py.mail.splice import Fields, new_field

SEALED = frozenset(
    f"multipart/{one}" for one in ("signed", "encrypted", "digest", "report", "appledouble")
)
"""In these nothing is changed: it would break them, or is somebody else's mail."""

_FLOWED = ("format", "delsp")
_PLAIN_WORD = re.compile(r"[ -~]{1,40}")


def in_utf_8(part: Part) -> str:
    """The Content-Type of a plain text that is UTF-8 now, and flowed if it was."""
    flowed = [f"; {name}={part.params[name]}" for name in _FLOWED if name in part.params]
    kept = (one for one in flowed if _PLAIN_WORD.fullmatch(one))
    return "text/plain; charset=utf-8" + "".join(kept)


def replaced(fields: Fields, name: str, value: str) -> Fields:
    """The fields with this one in the place of all of its name, at the end."""
    return (*(one for one in fields if one.name != name.lower()), new_field(name, value))
