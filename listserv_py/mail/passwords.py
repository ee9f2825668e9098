"""Where a password stands in a text: behind `PW=`, and in the lines that set one.

Nobody but its owner may read it, so it is known here, below all rooms that pass mail on.
"""

from __future__ import annotations

import re

_BLANKS = " \t"
# A run of blanks is looked at once, from its begin on: a stranger's line may have a million.
_PASSWORD = re.compile(
    r"(?:^[ \t]*|(?<![ \t])[ \t]+|(?<=[(,]))PW[ \t]*=[ \t]*(\S*)", re.ASCII | re.IGNORECASE
)
# What is written in base64 or HTML is not seen.
_RAW = re.compile(rb"(?<![A-Za-z0-9])PWC?[ \t]*(?:=|[ \t](?:ADD|REP|CH)|\r?\n)", re.IGNORECASE)
_NEW_PASSWORD = re.compile(
    r"[ \t]*PWC?[ \t]+(?:ADD|REP|CH[A-Z]*)[ \t]+\S", re.ASCII | re.IGNORECASE
)


def may_hold_password(raw: bytes) -> bool:
    """Whether it looks as if a password stood in a mail, read as it came."""
    return b"pw" in raw.lower() and _RAW.search(raw) is not None


def without_password(line: str) -> str:
    """The line without `PW=…`, which is never echoed, kept or read as a name."""
    return (_PASSWORD.sub("", line) if "=" in line else line).strip(_BLANKS)


def password_in(line: str) -> str:
    """What stands behind `PW=`, "" when nothing does."""
    found = _PASSWORD.search(line)
    return found[1] if found else ""


def shows_password(text: str) -> bool:
    """Whether a line of a text gives a password, as a proof or as a new one."""
    return any(password_in(line) or _NEW_PASSWORD.match(line) for line in text.split("\n"))
