"""Job control in a mail: `//name JOB`, datasets, continuation cards, `// EOJ`.

A dataset is cut out of the text before anything else is read, so that no line of it is taken for a
signature, a quote or a command. What reading finds is as lenient as the field is: junk behind
`DD *`, names behind the addresses to DELETE. Linear in the text, and never fails.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial

from listserv_py.commands.body import BLANKS, LINE_MAX, cleaned, spaced_lines
from listserv_py.commands.command import Line
from listserv_py.commands.data import puts_text, split_at_text, with_data
from listserv_py.commands.distribute import DISTRIBUTE, said_in
from listserv_py.commands.recipients import Recipients, read_recipients
from listserv_py.commands.roster import Roster, read_roster
from listserv_py.commands.runs import cut_out
from listserv_py.commands.syntax import dataset_in, fold
from listserv_py.commands.table import COMMANDS, split
from listserv_py.commands.wrapped import unwrapped
from listserv_py.errors import UserError
from listserv_py.mail.message import Message

TEXT_MAX = 12_000_000
"""Characters of a mail that are read where it has job control."""
COMMANDS_TEXT_MAX = 1_000_000
"""Characters that are read for commands, datasets and long runs apart."""
LINES_MAX = 300_000

_HAS_CARD = re.compile(r"^[ \t\u00a0]*//", re.MULTILINE)
_DD = re.compile(r"//([A-Z0-9_$#-]{1,32})[ \t]+DD(?:[ \t]+(.*))?", re.IGNORECASE | re.ASCII)
_JOB = re.compile(r"//[^\s/]{0,64}[ \t]+JOB(?:[ \t]+(.*))?", re.IGNORECASE | re.ASCII)
_EOJ = re.compile(r"//[^\s/]{0,64}[ \t]+EOJ(?:[ \t].*)?", re.IGNORECASE | re.ASCII)
_EOF = re.compile(r"\*[ \t]*,[ \t]*EOF\b", re.IGNORECASE | re.ASCII)
_OPTION = re.compile(r"([A-Za-z-]{1,20})=(\"[^\"]*\"?|[^,\s\"]*)(,|$)?", re.ASCII)
_PROOF_ALONE = re.compile(r"[ \t]*PW[ \t]*=[ \t]*\S+[ \t]*", re.IGNORECASE | re.ASCII)
_END = re.compile(r"/\*(?:[ \t].*)?")
_NULL = re.compile(r"//|/\*(?:[ \t].*)?")
"""Cards that say nothing: a stray end of a dataset, and the null card that closes a job."""


@dataclass(frozen=True, slots=True)
class Job:
    """The command lines of a mail, with the people that `DD=` gives each; and how it is answered.

    `replies` False: nobody wants an answer. `for_others`: somebody else was to get it, too.
    `is_cut`: there were more lines than are read.
    """

    lines: tuple[Line, ...]
    echo: bool = True
    replies: bool = True
    for_others: bool = False
    is_cut: bool = False


@dataclass(slots=True)
class Deck:
    """The cards of a text, sorted: what is left for commands, and the datasets by name."""

    left: list[str] = field(default_factory=list)
    datasets: dict[str, tuple[str, ...]] = field(default_factory=dict)
    broken: set[str] = field(default_factory=set)
    options: dict[str, str] = field(default_factory=dict)


def read_mail(message: Message) -> Job:
    """What a mail asks for."""
    return read(unwrapped(*message.text_and_part(TEXT_MAX + 1)))


def read(text: str) -> Job:
    """What a mail's text asks for."""
    bounded = _bounded(text)
    is_cut = bounded != text
    above, below = split_at_text(bounded)
    job = _read(above, is_cut=is_cut)
    if below is None:
        return job
    if not job.lines or not puts_text(job.lines[-1].text):
        return _read(bounded, is_cut=is_cut)
    *others, last = job.lines
    return replace(job, lines=(*others, replace(last, data=below)))


def _bounded(text: str) -> str:
    """So much of a text as is read at all, in whole lines."""
    if len(text) > TEXT_MAX:
        text = text[:TEXT_MAX].rpartition("\n")[0]
    if text.count("\n") > LINES_MAX:
        text = "\n".join(text.split("\n", LINES_MAX)[:LINES_MAX])
    return text


def _read(text: str, *, is_cut: bool) -> Job:
    deck = sort_cards(text) if _HAS_CARD.search(text) else Deck(text.split("\n"))
    if is_cut:
        deck.broken |= deck.datasets.keys()
    lines, runs = cut_out(_unwrapped(deck.left))
    deck.broken |= deck.datasets.keys() & runs.keys()
    deck.datasets |= runs
    left = "\n".join(lines)
    reply_to = fold(deck.options.get("REPLY-TO", "SENDER"))
    return Job(
        lines=_with_rosters(with_data(spaced_lines(_cut(left))), deck),
        echo=not fold(deck.options.get("ECHO", "")).startswith("N"),
        replies=reply_to != "NONE",
        for_others=reply_to not in {"NONE", "SENDER"},
        is_cut=is_cut or len(left) > COMMANDS_TEXT_MAX,
    )


def _unwrapped(lines: Sequence[str]) -> list[str]:
    """A line with nothing but a password belongs to the one above it: a client has broken that."""
    found: list[str] = []
    for line in lines:
        if found and found[-1].strip(BLANKS) and _PROOF_ALONE.fullmatch(line[:LINE_MAX]):
            found[-1] += f" {line.strip(BLANKS)}"
        else:
            found.append(line)
    return found


def _cut(text: str) -> str:
    """So much of a text as is read for commands, in whole lines."""
    if len(text) <= COMMANDS_TEXT_MAX:
        return text
    return text[:COMMANDS_TEXT_MAX].rpartition("\n")[0]


def sort_cards(text: str) -> Deck:
    """Take the cards of a text apart; the rest keeps its order."""
    deck = Deck()
    lines = iter(text.split("\n"))
    for line in lines:
        card = line.strip(BLANKS)
        if dataset := _DD.fullmatch(card[:LINE_MAX]):
            _take_dataset(deck, fold(dataset[1]), dataset[2] or "", lines)
        elif job := _JOB.fullmatch(card[:LINE_MAX]):
            deck.options.update(_options(job[1] or ""))
        elif _EOJ.fullmatch(card[:LINE_MAX]):
            return deck
        elif not _NULL.fullmatch(card[:LINE_MAX]):
            deck.left.append(_joined(card, lines) if card.startswith("//") else line)
    return deck


def _take_dataset(deck: Deck, name: str, operand: str, lines: Iterator[str]) -> None:
    if operand.startswith("*"):
        found = _until_end(lines, to_the_end=_EOF.match(operand) is not None)
    else:
        found = (operand.removeprefix('"').partition('"')[0],) if operand[:1] == '"' else ()
    if name in deck.datasets or not operand.startswith(("*", '"')):
        deck.broken.add(name)
    deck.datasets[name] = found


def _until_end(lines: Iterator[str], *, to_the_end: bool) -> tuple[str, ...]:
    found: list[str] = []
    for line in lines:
        card = line.strip(BLANKS)
        if not to_the_end and card.startswith("/*") and _END.fullmatch(card[:LINE_MAX]):
            break
        found.append(line)
    return tuple(found)


def _options(text: str) -> Iterable[tuple[str, str]]:
    """`Name=value` without blanks between; what stands behind a blank is a comment."""
    at = 0
    while found := _OPTION.match(text, at):
        yield fold(found[1]), found[2].strip('"')
        if found[3] != ",":
            return
        at = found.end()


def _joined(card: str, lines: Iterator[str]) -> str:
    """A command behind two slashes and a blank; a comma at its end takes the next line in."""
    if not card.startswith("// "):
        return card
    parts, length = [card[3:].strip(BLANKS)], len(card)
    while parts[-1].endswith(",") and length < LINE_MAX:
        parts[-1] = parts[-1].rstrip("," + BLANKS)
        following = next(lines, "").strip(BLANKS)
        parts.append(following.removeprefix("//").strip(BLANKS))
        length += len(following) + 1
    return " ".join(parts)[:LINE_MAX]


def _with_rosters(lines: tuple[Line, ...], deck: Deck) -> tuple[Line, ...]:
    """Each line that names a dataset, with the people in it; nobody reads one twice."""
    if not deck.datasets and not any(map(_is_distribution, lines)):
        return lines
    read_already: dict[str, Roster] = {}
    recipients = cache(partial(_recipients, deck))
    found = []
    for line in lines:
        if _is_distribution(line):
            found.append(_with_recipients(line, deck, recipients))
            continue
        name = dataset_in(line.text)
        if name not in deck.datasets:
            found.append(line)
            continue
        if name not in read_already:
            roster = read_roster([cleaned(one) for one in deck.datasets[name]])
            read_already[name] = replace(roster, is_whole=name not in deck.broken)
        found.append(replace(line, roster=read_already[name]))
    return tuple(found)


def _is_distribution(line: Line) -> bool:
    # Most lines of a long mail need not be looked at closely.
    return "DIST" in fold(line.text) and COMMANDS.find(split(line.text)[1]) is DISTRIBUTE


def _with_recipients(
    line: Line, deck: Deck, recipients: Callable[[str], Recipients | None]
) -> Line:
    """A DISTRIBUTE with its mail and its people, where the line can be read and has them."""
    try:
        said = said_in(split(line.text)[2])
    except UserError:
        return line
    mail = () if said.source in deck.broken else deck.datasets.get(said.source, ())
    return replace(line, data=mail, recipients=recipients(said.to))


def _recipients(deck: Deck, name: str) -> Recipients | None:
    """The people of a dataset; None when there is none of that name."""
    lines = deck.datasets.get(name)
    return None if lines is None else read_recipients(lines, is_whole=name not in deck.broken)
