"""Parts of a mail found by their Content-Type and taken out, a word left in the place of each.

Cut out of the received bytes: all other parts stay as they are. What is signed or encrypted is not
taken apart; a signed mail's parts are looked at all the same.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import cut, joined, new_field

# A multipart that cannot be taken apart is shown as text.
_SAID = ("text/", "multipart/")
_SEALING = frozenset(("multipart/signed", "multipart/encrypted"))
_SEALS = frozenset(
    (
        "application/pgp-signature",
        "application/pkcs7-signature",
        "application/x-pkcs7-signature",
        "application/pkcs7-mime",
        "application/x-pkcs7-mime",
    )
)


@dataclass(frozen=True, slots=True)
class Found:
    """A part that is no text; `sealed`: it stands inside a signature, `shown`: beside HTML."""

    part: Part
    parent: Part | None
    sealed: bool
    shown: bool

    @property
    def content_type(self) -> str:
        """What it says it is."""
        return self.part.content_type


def attachments(message: Message) -> list[Found]:
    """All parts of a mail that are neither text nor its signature, in order."""
    return list(_found(message.root, None, sealed=False, shown=False))


def _found(part: Part, parent: Part | None, *, sealed: bool, shown: bool) -> Iterator[Found]:
    if part.content_type == "multipart/encrypted":
        return
    if part.is_multipart:
        sealed = sealed or part.content_type in _SEALING
        shown = shown or part.content_type == "multipart/related"
        for child in part.children:
            yield from _found(child, part, sealed=sealed, shown=shown)
    elif not part.content_type.startswith(_SAID) and part.content_type not in _SEALS:
        yield Found(part, parent, sealed, shown)


def without(message: Message, unwanted: Sequence[Found], word: Callable[[Part], str]) -> bytes:
    """The mail without these parts, none of them sealed; `word` says what stood in a place."""
    raw = message.raw
    for one in reversed(unwanted):
        if one.parent is None:
            return _as_text(message, word(one.part))
        start, end, new = _replacement(one.part, one.parent, word)
        raw = raw[:start] + new + raw[end:]
    return raw


def _replacement(part: Part, parent: Part, word: Callable[[Part], str]) -> tuple[int, int, bytes]:
    """What is cut out for a part, and what goes in: of several forms of one text, one form less."""
    at = parent.children.index(part)
    if parent.content_type == "multipart/alternative" and at > 0:
        return parent.children[at - 1].end, part.end, b""
    fields, content = _text(word(part))
    return part.start, part.end, joined(fields) + b"\r\n" + content


def _as_text(message: Message, text: str) -> bytes:
    """The mail with a text as all of its content."""
    fields, content = _text(text)
    kept = cut(message.fields, lambda one: one.name.startswith("content-"))
    return joined((*kept, *fields)) + b"\r\n" + content + b"\r\n"


def _text(text: str) -> tuple[tuple[Field, ...], bytes]:
    """A text part of ours: readable where it is ASCII, and never with a line like a boundary."""
    data = text.strip().replace("\n", "\r\n").encode("utf-8", "replace")
    encoding = "7bit"
    if not data.isascii() or b"--" in data or max(map(len, data.split(b"\r\n"))) > 900:
        encoding, data = "base64", base64.encodebytes(data).replace(b"\n", b"\r\n").rstrip()
    fields = (
        new_field("Content-Type", "text/plain; charset=utf-8"),
        new_field("Content-Transfer-Encoding", encoding),
    )
    return fields, data
