"""The command line: its words, read by `read` and written by its twin `write`.

A syntax is written as HELP shows it, in the order in which a line has its words: `listname [name]
[WITH options]`; the names are those of `_ELEMENTS`. Keywords are compared as ASCII: a letter that
only looks like another, or becomes it by `str.upper`, is another letter.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

from listserv_py.commands.archivewords import read_file, read_search, write_file
from listserv_py.commands.arguments import BLANKS, Arguments, Element, first_word, fold
from listserv_py.errors import BadAddress, BadListname, Broken, ExtraWords, MissingCode, MissingWord
from listserv_py.lists.addresses import is_listname
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

# The words of a line belong to it, wherever they are written.
__all__ = (
    "GUI",
    "Arguments",
    "dataset_in",
    "elements_of",
    "first_word",
    "fold",
    "person_in",
    "read",
    "shown",
    "write",
)

_CODE = re.compile(r"\(?([0-9A-Fa-f]{16})\)?\.?", re.ASCII)
GUI = "***GUI***"
CODE = "code"
_DATASET = re.compile(r"(?:^|[ \t])DD=([A-Z0-9_$#-]{1,32})(?=[ \t]|$)", re.IGNORECASE | re.ASCII)
_ANGLE = re.compile(r"(.*?)<([^<>]+)>")


def dataset_in(line: str) -> str:
    """The name of the dataset that a line gives by `DD=name`, in capitals; "" without one."""
    found = _DATASET.search(line)
    return fold(found[1]) if found else ""


def read(syntax: str, text: str) -> Arguments:
    """The arguments in `text`; UserError names what is missing, too much or no such thing."""
    arguments = Arguments()
    elements = elements_of(syntax)
    for element, optional in reversed(elements):
        if element.cut is not None:
            text, clause = element.cut(text)
            if clause is None and not optional:
                raise MissingWord(element.shown)
            if clause is not None:
                arguments = _whole(element, clause, arguments)
    for element, optional in elements:
        if element.cut is None:
            if not text and not optional:
                raise MissingCode if element.shown == CODE else MissingWord(element.shown)
            if text:
                text, arguments = element.read(text, arguments)
    if text:
        raise ExtraWords(text[:60])
    return arguments


def write(syntax: str, arguments: Arguments) -> str:
    """The line's words behind the command, as `read` takes them."""
    words = (element.write(arguments) for element, _ in elements_of(syntax))
    return " ".join(word for word in words if word)


def shown(syntax: str) -> str:
    """The syntax as people read it."""
    parts = []
    for element, optional in elements_of(syntax):
        parts.append(f"[{element.shown}]" if optional else element.shown)
    return " ".join(part for part in parts if part != "[]")


@lru_cache(maxsize=100)
def elements_of(syntax: str) -> tuple[tuple[Element, bool], ...]:
    """The elements of a syntax, each with whether it may be left out."""
    found = []
    for part in re.findall(r"\[[^\]]*\]|\S+", syntax):
        name = part.strip("[]")
        if name not in _ELEMENTS:
            raise Broken(f"no part of a command line is called {name!r}")
        found.append((_ELEMENTS[name], part.startswith("[")))
    return tuple(found)


def _whole(element: Element, text: str, arguments: Arguments) -> Arguments:
    if not text:
        raise MissingWord(element.shown)
    rest, arguments = element.read(text, arguments)
    if rest:
        raise ExtraWords(rest[:60])
    return arguments


def _read_listname(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    word, rest = first_word(text)
    if not is_listname(word):
        raise BadListname(word[:40])
    return rest, replace(arguments, listname=fold(word))


def _read_listname_or_all(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    word, rest = first_word(text)
    if word == "*":
        return rest, replace(arguments, listname="*")
    return _read_listname(text, arguments)


def _read_listnames(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    words = re.split(r"[ \t,]+", text.strip(BLANKS))
    wrong = [word for word in words if not is_listname(word)]
    if wrong:
        raise BadListname(wrong[0][:40])
    return "", replace(arguments, others=tuple(fold(word) for word in words))


def _read_name(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    name = " ".join(text.split())
    if not name:
        raise MissingWord("full name")
    return "", replace(arguments, name=name)


def _read_gui(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    """The word by which a program asks for records that it can read."""
    word, rest = first_word(text)
    if fold(word) != GUI:
        return text, arguments
    return rest, replace(arguments, switches=(GUI,))


def _read_everybody(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    """As `_read_people`; programs say `*` alone for all."""
    word, rest = first_word(text)
    return _read_people(f"*@* {rest}".rstrip() if word == "*" else text, arguments)


def _read_options(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    return "", replace(arguments, options=tuple(fold(word) for word in re.split(r"[ \t,]+", text)))


def _read_address(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    word, rest = first_word(text)
    return rest, replace(arguments, person=_mailbox(word))


def _read_people(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    """An address, or a pattern for several."""
    word, rest = first_word(text)
    if "*" not in word or word.startswith('"'):
        return _read_address(text, arguments)
    parse_mailbox(word.replace("*", "x"))
    return rest, replace(arguments, pattern=word)


def _write_people(arguments: Arguments) -> str:
    return arguments.pattern or str(arguments.person or "")


def _mailbox(word: str) -> Mailbox:
    """An address, which may stand in angle brackets."""
    is_bracketed = word.startswith("<") and word.endswith(">")
    return parse_mailbox(word[1:-1] if is_bracketed else word)


def person_in(text: str) -> tuple[Mailbox, str]:
    """`user@host Full Name` or `Full Name <user@host>`; a name of `*` is none."""
    angle = _ANGLE.fullmatch(text)
    if angle:
        mailbox, name = parse_mailbox(angle[2].strip(BLANKS)), angle[1].strip('" \t')
    else:
        quoted = re.match(r'"(?:[^"\\]|\\.)*"@\S+', text)
        word, name = (quoted[0], text[quoted.end() :]) if quoted else first_word(text)
        mailbox = _mailbox(word)
    name = " ".join(name.split())
    return mailbox, "" if name == "*" else name


def _read_person(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    person, name = person_in(text)
    return "", replace(arguments, person=person, name=name)


def _or_dataset(
    reader: Callable[[str, Arguments], tuple[str, Arguments]], *modifiers: str
) -> Callable[[str, Arguments], tuple[str, Arguments]]:
    """Reads `DD=name` and its modifiers where they stand in the place of something else."""

    def read_either(text: str, arguments: Arguments) -> tuple[str, Arguments]:
        dataset = dataset_in(text)
        if not dataset:
            return reader(text, arguments)
        words = [fold(word) for word in text.split() if not _DATASET.fullmatch(word)]
        wrong = [word for word in words if word not in modifiers]
        if wrong:
            raise ExtraWords(" ".join(wrong)[:60])
        return "", replace(arguments, dataset=dataset, options=tuple(words))

    return read_either


def _write_dataset(arguments: Arguments) -> str:
    return " ".join([f"DD={arguments.dataset}", *arguments.options])


def _write_person(arguments: Arguments) -> str:
    return f"{arguments.person} {arguments.name}".strip(BLANKS) if arguments.person else ""


def _read_change(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    """`new` alone, or `old new`; several people at once keep their local parts."""
    word, rest = first_word(text)
    if rest:
        old, (word, rest) = word, first_word(rest)
        if "*" in old:
            parse_mailbox(old.replace("*", "x"))
            arguments = replace(arguments, pattern=old)
        else:
            arguments = replace(arguments, person=_mailbox(old))
    if word.startswith("*@"):
        return rest, replace(arguments, new=f"*@{parse_mailbox(f'x{word[1:]}').domain}")
    if arguments.pattern or "*" in word:
        raise BadAddress(word[:40])
    return rest, replace(arguments, new=str(_mailbox(word)))


def _write_change(arguments: Arguments) -> str:
    return f"{arguments.pattern or arguments.person or ''} {arguments.new}".strip(BLANKS)


def _read_code(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    word, rest = first_word(text)
    found = _CODE.fullmatch(word)
    # What is no code at all is looked up all the same: nobody has ever been sent it.
    return rest, replace(arguments, code=fold(found[1] if found else word))


def _read_message_id(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    word, rest = first_word(text)
    return rest, replace(arguments, text=word)


def _read_filetype(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    word, rest = first_word(text)
    return rest, replace(arguments, filetype=fold(word))


def _read_text(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    return "", replace(arguments, text=text)


def _read_switches(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    words = re.split(r"[ \t,()]+", text)
    return "", replace(arguments, switches=tuple(fold(word) for word in words if word))


def _read_words(text: str, arguments: Arguments) -> tuple[str, Arguments]:
    return "", replace(arguments, switches=tuple(fold(word) for word in text.split()))


def _cut_switches(text: str) -> tuple[str, str | None]:
    before, parenthesis, behind = text.partition("(")
    return before.rstrip(BLANKS), behind + " " if parenthesis else None


def _clause(word: str) -> Callable[[str], tuple[str, str | None]]:
    """Cuts `WORD …` from the end of a line, at the last place where the word stands by itself."""
    pattern = re.compile(rf"(?:^|[ \t]){word}(?:[ \t]+|$)", re.IGNORECASE | re.ASCII)

    def cut(text: str) -> tuple[str, str | None]:
        places = list(pattern.finditer(text))
        if not places:
            return text, None
        return text[: places[-1].start()].rstrip(BLANKS), text[places[-1].end() :]

    return cut


def _options(arguments: Arguments) -> str:
    return " ".join(arguments.options)


def _prefixed(word: str, text: str) -> str:
    return f"{word} {text}" if text else ""


_ELEMENTS: dict[str, Element] = {
    "listname": Element("listname", _read_listname, lambda a: a.listname),
    # For programs only, so people are not shown it.
    "gui": Element("", _read_gui, lambda a: GUI if GUI in a.switches else ""),
    "listname|*": Element("listname|*", _read_listname_or_all, lambda a: a.listname),
    "listnames": Element("listname …", _read_listnames, lambda a: " ".join(a.others)),
    "name": Element("full name", _read_name, lambda a: a.name),
    "options": Element("options", _read_options, _options),
    "person": Element("user@host full name", _read_person, _write_person),
    "person|dataset": Element(
        "user@host full name | DD=dataset [IMPORT [PRELOAD]]",
        _or_dataset(_read_person, "IMPORT", "PRELOAD"),
        lambda a: _write_dataset(a) if a.dataset else _write_person(a),
    ),
    "people|dataset": Element(
        "user@host|*@host | DD=dataset [BRIEF]",
        _or_dataset(_read_people, "BRIEF"),
        lambda a: _write_dataset(a) if a.dataset else _write_people(a),
    ),
    "address": Element("user@host", _read_address, lambda a: str(a.person or "")),
    "change": Element("[oldaddress] newaddress", _read_change, _write_change),
    CODE: Element(CODE, _read_code, lambda a: a.code),
    "message-id": Element("message-id", _read_message_id, lambda a: a.text),
    "filetype": Element("LIST", _read_filetype, lambda a: a.filetype),
    "posts": Element("number [number-number …]", _read_text, lambda a: a.text),
    "search": Element(
        "text IN listname [SINCE date] [TO date] [WHERE …]", read_search, lambda a: a.name
    ),
    "file": Element("listname [filetype]", read_file, write_file),
    "reason": Element("reason", _read_text, lambda a: a.text),
    "pw": Element("ADD|CHange|REP|DELete|RESET [newpassword]", _read_text, lambda a: a.text),
    "pwc": Element("ADD|DELete|Query user@host [newpassword]", _read_text, lambda a: a.text),
    "distribution": Element(
        "MAIL|MAIL-MERGE [DD=data] [TO DD=to|user@host …] [FROM=user@host] PW=password",
        _read_text,
        lambda a: a.text,
    ),
    "line": Element("command", _read_text, lambda a: a.text),
    "text": Element("text", _read_name, lambda a: a.name),
    "topic": Element("topic", _read_text, lambda a: a.text),
    "WITH options": Element(
        "WITH options",
        _read_options,
        lambda a: _prefixed("WITH", _options(a)),
        _clause("WITH"),
    ),
    "FOR address": Element(
        "FOR user@host",
        _read_address,
        lambda a: _prefixed("FOR", str(a.person or "")),
        _clause("FOR"),
    ),
    "FOR people": Element(
        "FOR user@host|*@host",
        _read_everybody,
        lambda a: _prefixed("FOR", _write_people(a)),
        _clause("FOR"),
    ),
    "OFF DROP": Element("OFF [DROP]", _read_words, lambda a: " ".join(a.switches)),
    "(switches": Element(
        "(options",
        _read_switches,
        lambda a: f"({' '.join(a.switches)}" if a.switches else "",
        _cut_switches,
    ),
}
