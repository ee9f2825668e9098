"""How what is stored about a person is told: rows of names and values, and mails as text."""

import re

Value = str | int | bool | None
Record = dict[str, "Value | Record | list[str]"]

_PASSWORD = re.compile(
    r"(?i)(\bPW[ \t]*=[ \t]*|^PWC?[ \t]+(?:ADD|CH|REP)[^\n]*[ \t])[^\s<>]+", re.MULTILINE
)


def readable(raw: bytes) -> str:
    """A mail as text, without the passwords in it."""
    return _PASSWORD.sub(r"\1(hidden)", raw.decode("utf-8", "backslashreplace"))
