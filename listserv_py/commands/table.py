"""The table of commands: the parser, HELP, the reference card and docs/commands.md read it.

To add a command, write its unit in the file of its family and name it here, where people should
read it.
"""

from __future__ import annotations

import re

from listserv_py.commands.archive import GETPOST, SEARCH
from listserv_py.commands.change import CHANGE
from listserv_py.commands.command import Command, Table
from listserv_py.commands.decide import OK, REJECT
from listserv_py.commands.distribute import DISTRIBUTE
from listserv_py.commands.filelist import INDEX
from listserv_py.commands.header import GET, PUT, UNLOCK
from listserv_py.commands.hold import FREE, HOLD
from listserv_py.commands.inquire import HELP, INFO, RELEASE, SHOW, THANKS
from listserv_py.commands.listing import LISTS
from listserv_py.commands.onbehalf import FOR
from listserv_py.commands.options import QUERY, SET
from listserv_py.commands.owner import ADD, DELETE
from listserv_py.commands.passwords import PW, PWC
from listserv_py.commands.register import REGISTER
from listserv_py.commands.renewal import CONFIRM
from listserv_py.commands.review import REVIEW, SCAN
from listserv_py.commands.service import SERVE
from listserv_py.commands.site import DROP, OFFLINE, ONLINE, RESUME, SF
from listserv_py.commands.stats import STATS
from listserv_py.commands.subscribe import SIGNOFF, SUBSCRIBE
from listserv_py.commands.syntax import first_word, fold, read
from listserv_py.commands.tracing import TRACE, WHY
from listserv_py.errors import UserError
from listserv_py.mail.passwords import password_in, without_password

COMMANDS = Table(
    (
        HELP,
        INFO,
        LISTS,
        SUBSCRIBE,
        SIGNOFF,
        OK,
        SET,
        QUERY,
        CONFIRM,
        CHANGE,
        REGISTER,
        PW,
        REVIEW,
        SCAN,
        STATS,
        INDEX,
        SEARCH,
        GETPOST,
        TRACE,
        WHY,
        THANKS,
        RELEASE,
        SHOW,
        SERVE,
        ADD,
        DELETE,
        GET,
        PUT,
        UNLOCK,
        HOLD,
        FREE,
        REJECT,
        FOR,
        PWC,
        SF,
        RESUME,
        OFFLINE,
        ONLINE,
        DROP,
        DISTRIBUTE,
    )
)

QUIET = "QUIET"
CODE = re.compile(r"[0-9A-F]{16}", re.ASCII)
_WORDS_OF_A_COMMAND = 6
_NAMELIKE = re.compile(r"[A-Z0-9][A-Z0-9._-]*[-_0-9][A-Z0-9._-]*", re.ASCII)


def split(line: str) -> tuple[bool, str, str]:
    """A line, without any password, as (QUIET stands in front, its command word, the rest)."""
    word, rest = first_word(without_password(line))
    is_quiet = fold(word) == QUIET
    if is_quiet:
        word, rest = first_word(rest)
    return is_quiet, word, rest


def recognises(line: str, listname: str = "") -> bool:
    """Whether a line of a post to that list is a command that its author meant for us.

    `unsubscribe` alone is one, and so is whatever has a code; of the commands that are words of
    everyday talk (`set`, `join`), only lines that parse and name this list or something that looks
    like one (`TEST-L`).
    """
    _, word, rest = split(line)
    command = COMMANDS.find(word)
    if password_in(line):
        return command is not None or not word
    if command is None:
        return False
    if len(rest.split()) > _WORDS_OF_A_COMMAND:
        return False
    if _is_unmistakable(command, word):
        return True
    try:
        arguments = read(command.syntax, rest)
    except UserError:
        return False
    if CODE.fullmatch(arguments.code) or (listname and arguments.listname == listname):
        return True
    return _NAMELIKE.fullmatch(arguments.listname) is not None


def _is_unmistakable(command: Command, word: str) -> bool:
    return command.unmistakable and fold(word) not in {"JOIN", "SUB"}
