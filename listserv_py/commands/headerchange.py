"""A list's header, another in its place: what is wrong with it, what it changes, who is told.

PUT and the command line's `edit` pass here. Whoever may change a header may name other owners, so
the old ones always hear of it: that is how a stolen mailbox is noticed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby
from textwrap import fill

from listserv_py.commands.notices import tell
from listserv_py.errors import HeaderFaults
from listserv_py.lists.header import Header, read_header
from listserv_py.lists.headertext import Assignment, Fault, cut, without_password
from listserv_py.lists.keyword import State
from listserv_py.lists.keywords import KEYWORDS, find_keyword
from listserv_py.lists.miscoptions import MISC_OPTIONS
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners, owners_of
from listserv_py.lists.topics import moved
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.store.newlist import leads_back, named
from listserv_py.store.turn import Turn

log = get_logger("header")

FAULTS_MAX = 200
COMPARED_MAX = 40_000
"""Lines times lines: the comparison takes the square of it in the worst case."""
WIDTH = 72

Lines = Sequence[str]
Assignments = Sequence[Assignment]
_PEOPLE = ("Owner", "Editor", "Moderator", "Notify")


@dataclass(frozen=True, slots=True)
class Editor:
    """Who changes a header: as people are told of it, and his own mailbox where he has one."""

    named: str
    mailbox: Mailbox | None = None
    is_postmaster: bool = False


def checked(turn: Turn, text: str, before: MailingList | None, editor: Editor) -> Header:
    """The header in a text; HeaderFaults tells all that is wrong with it, line by line."""
    header, found = read_header(text)
    said = cut(text).assignments
    old = before.header if before else None
    faults = [*found, *_own_addresses(turn, header, said)]
    faults += [*_other_lists(turn, before, header, said, editor)]
    if not editor.is_postmaster:
        faults += _site_only(old, header, said)
    if faults:
        raise HeaderFaults(_worded(text.split("\n"), faults))
    return header


def store(turn: Turn, mailing_list: MailingList, header: Header, editor: Editor) -> None:
    """Put the header in place of the list's own, free its lock, and tell the old owners."""
    tx, before = turn.tx, mailing_list.header
    tx.headers.keep(mailing_list.id, turn.now)
    tx.lists.update(mailing_list, str(header), turn.now)
    tx.headers.unlock(mailing_list.id)
    topics = before.keywords.topics, header.keywords.topics
    if _folded(topics[0]) != _folded(topics[1]):
        tx.subscribers.move_topics(mailing_list.id, lambda unwanted: moved(unwanted, *topics))
    log.info("header.stored", list=mailing_list.name)
    old, new = owners_of(mailing_list), {owner.mailbox for owner in header.keywords.owners}
    form = "HEADER_CHANGED" if set(old) == new else "OWNERS_CHANGED"
    # A quiet owner gets no notices, but for the one that says that he is an owner no more.
    gone = tuple(owner for owner in old if owner not in new)
    slots = {"INVOKER": editor.named, "CHANGES": changes(before, header)}
    for owner in dict.fromkeys((*heard_owners(mailing_list), *gone)):
        if owner != editor.mailbox:
            tell(turn, owner, mailing_list, form, **slots)


def changes(before: Header | None, after: Header) -> str:
    """The lines that go (`-`) and those that come (`+`), without passwords."""
    return changed_lines(before.lines if before else (), after.lines)


def changed_lines(old: Lines, new: Lines) -> str:
    """The lines that go and those that come."""
    found: list[str] = []
    for at, end, to, stop in _differences(old, new):
        found += [f"- {without_password(line)}" for line in old[at:end]]
        found += [f"+ {without_password(line)}" for line in new[to:stop]]
    return "\n".join(found)


def _differences(old: Lines, new: Lines) -> Iterator[tuple[int, int, int, int]]:
    """Where lines differ: old from, to; new from, to. Too many for a close look are one piece."""
    head = _alike(old, new)
    tail = _alike(old[head:][::-1], new[head:][::-1])
    end, stop = len(old) - tail, len(new) - tail
    if (end - head) * (stop - head) > COMPARED_MAX:
        yield head, end, head, stop
        return
    matcher = SequenceMatcher(None, old[head:end], new[head:stop], autojunk=False)
    for what, first, last, begins, ends in matcher.get_opcodes():
        if what != "equal":
            yield head + first, head + last, head + begins, head + ends


def _alike(one: Lines, other: Lines) -> int:
    """How many lines at the beginning are the same."""
    differing = (at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    return next(differing, min(len(one), len(other)))


def _folded(topics: Iterable[str]) -> tuple[str, ...]:
    return tuple(topic.upper() for topic in topics)


def topics_told(turn: Turn, mailing_list: MailingList, after: Header) -> str:
    """What a new Topics= means for the readers; "" where the topics stay as they are."""
    old, new = mailing_list.keywords.topics, after.keywords.topics
    if _folded(old) == _folded(new) or not old:
        return ""
    slots = {
        "LISTNAME": mailing_list.name,
        "KEPT": ", ".join(one for one in new if one.upper() in _folded(old)) or "-",
        "GONE": ", ".join(one for one in old if one.upper() not in _folded(new)) or "-",
        "NEW": ", ".join(one for one in new if one.upper() not in _folded(old)) or "-",
    }
    return turn.words(mailing_list).fill("PUT_TOPICS", slots).body


def remarks(before: Header | None, after: Header) -> str:
    """A sentence for each keyword that is new or changed and that this server does not obey."""
    old, new = _said(before), _said(after)
    told = [
        f"{one.name}= {one.state.value}."
        for one in KEYWORDS
        if one.state is not State.OBEYED
        and new.get(one.name)
        and new[one.name] != old.get(one.name)
    ]
    words = after.keywords.misc - (before.keywords.misc if before else frozenset())
    told += [
        f"Misc-Options= {one.word}: {one.state.value}."
        for one in MISC_OPTIONS
        if one.state is not State.OBEYED and one.word in words
    ]
    return "\n".join(told)


def _said(header: Header | None) -> dict[str, tuple[str, ...]]:
    """The words of each keyword, those of a repeated one appended."""
    found: dict[str, tuple[str, ...]] = {}
    for one in cut(str(header)).assignments if header else ():
        keyword = find_keyword(one.keyword)
        if keyword:
            found[keyword.name] = found.get(keyword.name, ()) + tuple(i.text for i in one.items)
    return found


def _own_addresses(turn: Turn, header: Header, said: Assignments) -> Iterator[Fault]:
    """Mail to an owner who is one of our own addresses would come back to us, and go round."""
    keywords = header.keywords
    people = [owner.mailbox for owner in keywords.owners]
    people += [*keywords.editors, *keywords.moderators]
    people += [keywords.notify.address] if keywords.notify.address else []
    for person in dict.fromkeys(people):
        if turn.is_own(person):
            text = f"{person} is an address of this server"
            yield Fault(_line_of(_PEOPLE, said, str(person)), text, "a person's address")


def _other_lists(
    turn: Turn, before: MailingList | None, header: Header, said: Assignments, editor: Editor
) -> Iterator[Fault]:
    """New-List= and Sub-lists=, where they are changed, lead to lists that there are."""
    old = before.keywords if before else None
    wanted = header.keywords.new_list
    if wanted and (old is None or wanted != old.new_list):
        line, new = _line_of(("New-List",), said), named(turn, wanted)
        if new is None or (before and leads_back(turn, before.name, new)):
            text = f'"{wanted[:60]}" is no list, or one that leads back to this one'
            yield Fault(line, text, "another list, or an address of another server")
        elif isinstance(new, Mailbox) and not editor.is_postmaster:
            text = "mail is passed on to another server by a postmaster's wish only"
            yield Fault(line, text, "a list of this server")
    for name in header.keywords.sub_lists:
        if (old is None or name not in old.sub_lists) and turn.tx.lists.find(name) is None:
            yield Fault(
                _line_of(("Sub-lists",), said, name),
                f"there is no list {name}",
                "lists of this server",
            )


def _line_of(keywords: Iterable[str], said: Assignments, value: str = "") -> int:
    """The line on which one of the keywords has that value, or any."""
    for one in said:
        keyword = find_keyword(one.keyword)
        has_it = not value or any(value.lower() in item.text.lower() for item in one.items)
        if keyword is not None and keyword.name in keywords and has_it:
            return one.line
    return 1


def _site_only(before: Header | None, after: Header, said: Assignments) -> Iterator[Fault]:
    """What only a postmaster may change must stand as it stood."""
    old, new = _said(before), _said(after)
    for one in KEYWORDS:
        if one.site_only and new.get(one.name, ()) != old.get(one.name, ()):
            was = f"{one.name}= {','.join(old[one.name])}" if one.name in old else "no such line"
            text = f"{one.name}= is changed by a postmaster only"
            yield Fault(_line_of((one.name,), said), text, was)


def _worded(lines: Sequence[str], faults: Iterable[Fault]) -> str:
    """The faults line by line, each line quoted above its own."""
    found = sorted(faults, key=lambda fault: fault.line)
    blocks = []
    for number, of_line in groupby(found[:FAULTS_MAX], key=lambda fault: fault.line):
        quoted = lines[number - 1].strip()[:100] if number <= len(lines) else ""
        told = [_filled(f"{one.text}. Allowed: {one.allowed}.") for one in of_line]
        blocks.append("\n".join([f"Line {number}: {quoted}".rstrip(), *told]))
    if len(found) > FAULTS_MAX:
        blocks.append(f"And {len(found) - FAULTS_MAX} more.")
    return "\n".join(blocks)


def _filled(text: str) -> str:
    margin = "    "
    return fill(text, WIDTH, initial_indent=margin, subsequent_indent=margin)
