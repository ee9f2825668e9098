"""A mail as it came, read once: its header fields, its author, its MIME tree.

`read` never raises and takes linear time for any bytes; what is over the limits makes `fault`, and
such a mail is held or refused, never distributed. Nothing here writes: see `splice` for that.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

from listserv_py.mail import automatic
from listserv_py.mail.fields import Field, read_header
from listserv_py.mail.htmltext import strip_tags
from listserv_py.mail.mailbox import Author, Mailbox, read_author
from listserv_py.mail.mime import Part, read_tree
from listserv_py.mail.words import decode_words, printable, to_text

MAX_COMMAND_TEXT = 1_000_000

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,500}>")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Message:
    """One mail; `author` None: not exactly one From field with one mailbox, so nobody wrote it."""

    raw: bytes
    fields: tuple[Field, ...]
    header_end: int
    body_start: int
    root: Part
    author: Author | None
    fault: str | None

    @property
    def body(self) -> bytes:
        """Everything behind the empty line that ends the header."""
        return self.raw[self.body_start :]

    @property
    def subject(self) -> str:
        """The Subject as text, "" when there is none."""
        return self.text("subject") or ""

    @property
    def message_id(self) -> str | None:
        """The Message-ID with its brackets; None when it is missing or not sane ASCII."""
        found = self.all("message-id")
        value = found[0].value.decode("ascii", "replace") if found else ""
        return value if _MESSAGE_ID.fullmatch(value) else None

    @property
    def received(self) -> tuple[str, ...]:
        """The values of the Received fields, the newest first."""
        return tuple(to_text(one.value) for one in self.all("received"))

    @property
    def command_text(self) -> str:
        """What is read as the words of its author; to be cut into lines at LF only."""
        return self.text_to_read(MAX_COMMAND_TEXT)

    def text_to_read(self, at_most: int) -> str:
        """The first text/plain part that says anything (LISTSERV reads no other).

        Where there is none, the words of the HTML.
        """
        return self.text_and_part(at_most)[0]

    def text_and_part(self, at_most: int) -> tuple[str, Part | None]:
        """`text_to_read`, and the part that it stands in; None where nothing says anything."""
        texts = [part for part in self.root.walk() if part.disposition != "attachment"]
        for part in texts:
            if part.content_type == "text/plain" and (text := part.as_text()[:at_most]).strip():
                return text, part
        for part in texts:
            if part.content_type == "text/html" and (
                text := strip_tags(part.as_text()[:MAX_COMMAND_TEXT])
            ):
                return text, part
        return "", None

    def all(self, name: str) -> tuple[Field, ...]:
        """Every field of that name, top down."""
        wanted = name.lower()
        return tuple([one for one in self.fields if one.name == wanted])

    def text(self, name: str) -> str | None:
        """The first field of that name as text on one line, None when there is none."""
        found = self.all(name)
        return to_text(found[0].value) if found else None

    def is_automatic(self, reverse_path: Mailbox | None, people: Collection[Mailbox]) -> bool:
        """Whether no human sent it, so never to be answered; `people` are known to be human."""
        return automatic.is_automatic(self.root, self.author, reverse_path, people)


def read(raw: bytes, *, room: int = 1) -> Message:
    """Read a mail, whatever it is; `room`: how many times over its header may fill the limits."""
    header = read_header(raw, room=room)
    tree = read_tree(raw, header.fields, header.body_start)
    return Message(
        raw=raw,
        fields=header.fields,
        header_end=header.end,
        body_start=header.body_start,
        root=tree.root,
        author=_author(header.fields),
        fault=header.fault or tree.fault,
    )


def _author(fields: tuple[Field, ...]) -> Author | None:
    found = [one for one in fields if one.name == "from"]
    if len(found) != 1 or not found[0].is_strict:
        return None
    author = read_author(found[0].value.decode("utf-8", "replace"))
    if author is None or "\ufffd" in author.mailbox.local_part:
        return None
    return Author(printable(decode_words(author.name)), author.mailbox)
