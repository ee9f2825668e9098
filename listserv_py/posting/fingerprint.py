"""By what a post is known again: its Message-ID, and its text.

A forwarder that sends a list's post back to it often keeps the one or the other. A short text is a
repeat only from the same author under the same subject, for many people write "Thank you".
"""

from __future__ import annotations

import hashlib
import re

from listserv_py.mail.message import Message

LONG_TEXT = 200
_PREFIX = re.compile(r"^(?:\s*(?:\[[^\]]{0,80}\]|[A-Za-z]{2,4}:))+")


def fingerprints(message: Message) -> tuple[bytes, ...]:
    """That of the text, and behind it that of the Message-ID when there is one to rely on."""
    own = message.message_id
    return (_by_text(message), _digest("id", own)) if own else (_by_text(message),)


def _by_text(message: Message) -> bytes:
    """Text and attachments, however they were coded."""
    text = " ".join(message.command_text.split())
    if len(text) >= LONG_TEXT:
        return _digest("text", text, *_parts(message, attached_only=True))
    author = message.author.mailbox.key if message.author else ""
    subject = " ".join(_PREFIX.sub("", message.subject).split())
    return _digest("text", text, author, subject, *_parts(message, attached_only=False))


def _parts(message: Message, *, attached_only: bool) -> list[str]:
    """Digests of what is no text; a text-only copy of a long post has lost its inline pictures."""
    return sorted(
        hashlib.blake2b(part.decoded(), digest_size=16).hexdigest()
        for part in message.root.walk()
        if not part.is_multipart
        and (part.disposition == "attachment" or not attached_only)
        and not part.content_type.startswith("text/")
    )


def _digest(kind: str, *parts: str) -> bytes:
    joined = "\0".join((kind, *parts)).encode("utf-8", "surrogatepass")
    return hashlib.blake2b(joined, digest_size=16).digest()
