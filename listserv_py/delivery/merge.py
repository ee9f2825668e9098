"""Compiles a mail that is filled in for each reader (`program.py`), part by part.

Filled in are the texts that readers see, text/plain and text/html, and of the header Subject, To
and their like. Such a text leaves as UTF-8 in quoted-printable whatever it came in, so that any
value fits into any line of it; all other parts stay as they are, byte for byte.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from listserv_py.delivery.program import Filled, Program, Text, Whole, whole
from listserv_py.delivery.render import Variant
from listserv_py.lists import merging
from listserv_py.lists.merging import MAILBOXES
from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message, read
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import joined, new_field
from listserv_py.texts import merge
from listserv_py.texts.merge import TO, Names, Parts

_ANGLE = re.compile(r"(.*?)<([^<>]*)>", re.DOTALL)
_TO_SLOT = re.compile(rf"&{re.escape(TO)};", re.IGNORECASE)
_KEPT = ("format", "delsp")
_WORD = re.compile(r"[A-Za-z0-9_-]{1,40}")
_LABELS = ("content-type", "content-transfer-encoding")


@dataclass(frozen=True, slots=True)
class Compiled:
    """A program; the header that all copies share, and the names of their own fields in order."""

    program: Program
    head: bytes
    own: tuple[str, ...]


def compiled(made: Variant, names: Names) -> Compiled:
    """The program of a variant. BrokenForm: see `merging.texts`."""
    message = read(made.head + b"\r\n" + made.body, room=2)
    texts = {
        id(part): Text(nodes, part.content_type == "text/html")
        for part, nodes in merging.texts(message, names)
    }
    slots = {
        name: made_of
        for name, text, parts in merging.fields(message, names)
        if (made_of := _filled(_name(message.all(name)[0]), text, parts, names)) is not None
    }
    front, back = _around(message, made, slots, texts)
    program = Program(
        whole(front).wire, whole(back).wire, tuple(slots.values()), tuple(_body(message, texts))
    )
    return Compiled(program, front + back, (*made.own, *slots))


def _filled(name: str, text: str, parts: Parts, names: Names) -> Filled | None:
    return _mailbox(name, text, names) if name.lower() in MAILBOXES else Filled(name, parts)


def _mailbox(name: str, text: str, names: Names) -> Filled | None:
    """`Dear &*NAME; <&*TO;>`: an address is the reader's or has no slot at all."""
    angle = _ANGLE.fullmatch(text)
    words, to = (angle[1].strip(' \t"'), angle[2]) if angle else ("", text)
    parts, is_reader = merge.parts_of(words, names), _TO_SLOT.fullmatch(to) is not None
    if len(parts) == 1 and not is_reader:
        return None
    if not is_reader and (len(merge.parts_of(to, names)) > 1 or "@" not in to or "," in to):
        return None
    return Filled(name, parts, is_mailbox=True, to=None if is_reader else to)


def _name(one: Field) -> str:
    return one.raw.partition(b":")[0].strip().decode("ascii", "replace")


def _around(
    message: Message, made: Variant, slots: dict[str, Filled], texts: dict[int, Text]
) -> tuple[bytes, bytes]:
    """The header in front of and behind each copy's own fields."""
    fields = list(message.fields)
    at = len(fields)
    if made.own_at is not None:
        at = next((n for n in range(len(fields) + 1)
                   if len(joined(fields[:n])) >= made.own_at), at)  # fmt: skip
    elif slots:
        at = next(n for n, one in enumerate(fields) if one.name in slots)
    before, behind = (
        [one for one in some if one.name not in slots] for some in (fields[:at], fields[at:])
    )
    if id(message.root) in texts:
        before = [one for one in before if one.name not in _LABELS]
        behind = [one for one in behind if one.name not in _LABELS]
        behind += _labels(message.root)
        if not message.all("mime-version"):
            behind.append(new_field("MIME-Version", "1.0"))
    return joined(before), joined(behind)


def _body(message: Message, texts: dict[int, Text]) -> Iterator[Whole | Text]:
    """The body, the texts that are filled in apart from all that is not."""
    raw, at = message.raw, message.body_start
    for part in message.root.walk():
        text = texts.get(id(part))
        if text is None:
            continue
        if part is not message.root:
            fields = [one for one in part.fields if one.name not in _LABELS]
            head = joined((*fields, *_labels(part)))
            yield whole(raw[at : part.start] + head + b"\r\n")
        yield text
        # The lines of a text are ended: the line end in front of the boundary is theirs.
        at = part.end + 2 if raw[part.end : part.end + 2] == b"\r\n" else part.end
    if at < len(raw):
        yield whole(raw[at:])


def _labels(part: Part) -> Sequence[Field]:
    """How a text that is filled in is labelled."""
    kept = [
        f"; {name}={part.params[name]}"
        for name in _KEPT
        if _WORD.fullmatch(part.params.get(name, ""))
    ]
    return (
        new_field("Content-Type", f"{part.content_type}; charset=utf-8{''.join(kept)}"),
        new_field("Content-Transfer-Encoding", "quoted-printable"),
    )
