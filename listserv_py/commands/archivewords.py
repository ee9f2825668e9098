"""The parts of a line that name a search or a file, read and written."""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands.arguments import Arguments, first_word, fold
from listserv_py.errors import BadListname, MissingWord
from listserv_py.lists.addresses import is_listname
from listserv_py.lists.search import placed, split


def read_search(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    """`text IN listname clauses`, or `listname text`; the whole of it stands in `name`.

    There the confirmation request takes out what a stranger must not tell anybody through us.
    """
    said, listname, clauses = split(text)
    if not is_listname(listname):
        raise BadListname(listname[:40])
    if not said and clauses:
        said = "*"
    if not said:
        raise MissingWord("text" if first_word(text)[1] else "IN listname")
    whole = f"{said} IN {fold(listname)} {clauses}".strip()
    return "", replace(arguments, listname=fold(listname), name=whole)


def search_line(said: str, listname: str) -> str:
    """The line that a mail to LIST-search-request stands for; it need not name the list."""
    word, rest = first_word(said)
    text = rest if fold(word) == "SEARCH" else said.strip()
    return f"SEARCH {placed(text, listname)}" if text else "HELP SEARCH"


def read_file(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    """`listname`, `listname filetype`, or `filename filetype listname`."""
    first, rest = first_word(text)
    second, rest = first_word(rest)
    third, rest = first_word(rest)
    listname = third or first
    if not is_listname(listname):
        raise BadListname(listname[:40])
    filetype = f"{first} {second}" if third else second
    return rest, replace(arguments, listname=fold(listname), filetype=fold(filetype))


def write_file(arguments: Arguments) -> str:
    """What `read_file` reads."""
    if " " in arguments.filetype:
        return f"{arguments.filetype} {arguments.listname}"
    return f"{arguments.listname} {arguments.filetype}".strip()
