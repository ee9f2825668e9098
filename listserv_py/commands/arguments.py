"""What a command line says, as words and values: what the readers of its parts share.

Keywords are compared as ASCII: a letter that only looks like another, or becomes it by `str.upper`,
is another letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from listserv_py.mail.mailbox import Mailbox

_UPPER = str.maketrans("abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ")
BLANKS = " \t"
_BETWEEN = re.compile(r"[ \t]+")


@dataclass(frozen=True, slots=True)
class Arguments:
    """What may stand on a command line; a command's syntax says which of it does.

    `listname` is in capitals, `*` for all lists. `person` is who a command is about when it is not
    the sender himself: the one to ADD, or the one behind FOR. `code` is in capitals, and so is
    `filetype`, which of a list's files is meant: LIST is its header. `pattern` means several people
    (`*@old.example`) and stands in `person`'s place; `new` is an address, or `*@host` for the same
    local part at another host. `dataset` is the name behind `DD=`, in capitals. `others`
    are further list names.
    """

    listname: str = ""
    name: str = ""
    options: tuple[str, ...] = ()
    person: Mailbox | None = None
    code: str = ""
    text: str = ""
    switches: tuple[str, ...] = ()
    filetype: str = ""
    pattern: str = ""
    others: tuple[str, ...] = ()
    new: str = ""
    dataset: str = ""


def fold(word: str) -> str:
    """The word in capitals as keywords are compared: ASCII letters only."""
    return word.upper() if word.isascii() else word.translate(_UPPER)


def first_word(text: str) -> tuple[str, str]:
    """A line's first word, and the rest without the blanks around it."""
    head, *tail = _BETWEEN.split(text.strip(BLANKS), maxsplit=1)
    return head, tail[0] if tail else ""


@dataclass(frozen=True, slots=True)
class Element:
    """One part of a syntax; `cut` takes a clause (WITH, FOR, a parenthesis) from a line's end."""

    shown: str
    read: Callable[[str, Arguments], tuple[str, Arguments]]
    write: Callable[[Arguments], str]
    cut: Callable[[str], tuple[str, str | None]] | None = None
