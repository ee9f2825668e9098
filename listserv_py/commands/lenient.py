"""What a line of LISTSERV's may have that is said otherwise here, or means nothing.

`F=format` asked in which form a file is sent: all files are mail. GOODBYE is FAREWELL. Many leave
out the parenthesis in front of REVIEW's options: REVIEW TEST-L BY NAME.
"""

from __future__ import annotations

import re

from listserv_py.commands.command import Command
from listserv_py.commands.syntax import fold
from listserv_py.errors import UnknownSwitch

_OPTIONS_ALONE = "listname [(switches]"
FAREWELL = "FAREWELL"
GOODBYE = re.compile(r"(?<=\S[ \t])GOODBYE(?=[ \t]|$)", re.IGNORECASE | re.ASCII)
_FORMAT = re.compile(r"(?:^|[ \t])F=[A-Z0-9/_-]{1,20}(?=[ \t]|$)", re.IGNORECASE | re.ASCII)


def plainly(command: Command, rest: str) -> str:
    """The words behind a command, as its syntax reads them."""
    if command.is_about_files:
        rest = _plain(rest)
    name, _, words = rest.partition(" ")
    bare = words.partition("(")[0].split()
    if command.syntax != _OPTIONS_ALONE or not bare or not _are_switches(command, bare):
        return rest
    return f"{name} ({words}"


def _are_switches(command: Command, words: list[str]) -> bool:
    try:
        return all(command.switch(fold(word)) for word in words)
    except UnknownSwitch:
        return False


def _plain(rest: str) -> str:
    """The words behind a command about files, as they are read here."""
    return GOODBYE.sub(FAREWELL, _FORMAT.sub("", rest), count=1).strip(" \t")
