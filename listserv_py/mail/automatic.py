"""Whether a mail comes from a machine: such a mail is never answered (RFC 3834 2).

It may still be a post or a bounce. Addresses of our own are not known here; intake adds them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

from listserv_py.mail.mailbox import Author, Mailbox
from listserv_py.mail.mime import Part

_ROLES = re.compile(
    "mailer-daemon|postmaster|listserv|majordomo|mailman|sympa|no-?reply|do-?not-?reply"
)
_FIRST_WORD = re.compile(rb"[A-Za-z_-]*")


def is_automatic(
    root: Part, author: Author | None, reverse_path: Mailbox | None, people: Collection[Mailbox]
) -> bool:
    """Judge by envelope, header, type and senders; `people` are human whatever their local part."""
    if reverse_path is None or root.content_type == "multipart/report":
        return True
    for one in root.fields:
        if _says_so(one.name, one.value):
            return True
    senders = [reverse_path, *([author.mailbox] if author else [])]
    return any(is_role(one.local_part) for one in senders if one not in people)


def _says_so(name: str, value: bytes) -> bool:
    if name.startswith("list-"):
        return True
    judge = _FIELDS.get(name)
    if judge is None:
        return False
    found = _FIRST_WORD.match(value)
    return judge(found[0].lower() if found else b"")


_FIELDS: dict[str, Callable[[bytes], bool]] = {
    "auto-submitted": lambda word: word != b"no",
    "precedence": lambda word: word in (b"bulk", b"junk", b"list", b"auto_reply", b"auto-reply"),
    "x-auto-response-suppress": lambda word: word != b"none",
    "x-autoreply": lambda word: word != b"no",
    "x-auto-reply": lambda word: word != b"no",
    "x-autorespond": lambda word: word != b"no",
}


def is_role(local_part: str) -> bool:
    """Whether it is a machine's: role names, with `+detail` or not, `owner-x`, `x-request`."""
    if not local_part.isascii():
        return False
    name = local_part.lower().partition("+")[0]
    return (
        _ROLES.fullmatch(name) is not None
        or name.startswith("owner-")
        or name.endswith(("-owner", "-request", "-bounces", "-bounce"))
    )
