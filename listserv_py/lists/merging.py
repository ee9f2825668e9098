"""Which parts of a mail are filled in for each reader, and whether that can be done.

Asked before such a mail is taken, so that its author hears of a block that does not end, and again
when its copies are made.
"""

from __future__ import annotations

from collections.abc import Iterator

from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.words import to_text
from listserv_py.texts import merge
from listserv_py.texts.merge import SLOTS_MAX, Names, Node, Parts
from listserv_py.texts.slots import BrokenForm

_SEALED = frozenset(("multipart/signed", "multipart/encrypted"))
_TEXTS = ("text/plain", "text/html")
_UNSTRUCTURED = frozenset(("subject", "comments", "keywords", "organization"))
MAILBOXES = frozenset(("from", "to", "cc", "reply-to"))

LIST_NAMES = merge.names_of((), of_list=True)
"""What can be filled into a list's posts."""


def texts(message: Message, names: Names) -> Iterator[tuple[Part, tuple[Node, ...]]]:
    """The texts that readers see and that have something to be filled in, compiled.

    BrokenForm: its blocks are not in order.
    """
    for part in _seen(message.root):
        text = part.as_text()
        if merge.may_merge(text) and not merge.is_plain(nodes := merge.read(text, names)):
            yield part, nodes


def fields(message: Message, names: Names) -> Iterator[tuple[str, str, Parts]]:
    """Header fields with slots: the name in lower case, the value as text, and that cut at them.

    Only what people read, and only a field that stands there once.
    """
    for one in message.fields:
        is_read = one.name in _UNSTRUCTURED or one.name in MAILBOXES or one.name.startswith("x-")
        if not is_read or not (b"&" in one.value or b"=?" in one.value):
            continue
        text = " ".join(to_text(one.value).split())
        parts = merge.parts_of(text, names)
        if len(parts) > 1 and len(message.all(one.name)) == 1:
            yield one.name, text, parts


def is_merged(message: Message, names: Names) -> bool:
    """Whether anything is filled in; BrokenForm as above."""
    return any(True for _ in texts(message, names)) or any(True for _ in fields(message, names))


def fault(message: Message, names: Names) -> str:
    """What is wrong with the blocks of a mail, or too much in it; "" for nothing."""
    count = sum(len(parts) // 2 for _, _, parts in fields(message, names))
    try:
        for _, nodes in texts(message, names):
            count += sum(1 for _ in merge.slots_in(nodes))
    except BrokenForm as exc:
        return str(exc)
    return f"more than {SLOTS_MAX} places are filled in" if count > SLOTS_MAX else ""


def _seen(part: Part) -> Iterator[Part]:
    if part.content_type in _SEALED:
        return
    if part.is_multipart:
        for one in part.children:
            yield from _seen(one)
    elif part.content_type in _TEXTS and part.disposition != "attachment" and not part.filename:
        yield part
