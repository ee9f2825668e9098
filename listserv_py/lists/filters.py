"""`Filter=` and `Safe=`: addresses that may neither join a list nor post to it.

A pattern is a glob: `*` stands for any letters. One without `@` is compared with the host. Matching
takes time in proportion to the address and the pattern, whatever the pattern is.
"""

from __future__ import annotations

from collections.abc import Callable

from listserv_py.lists.values import FilterKind, Keywords
from listserv_py.mail.automatic import is_role
from listserv_py.mail.mailbox import Mailbox, known_mailbox


def is_filtered(keywords: Keywords, mailbox: Mailbox) -> bool:
    """Whether one of the list's patterns names the address."""
    return any(_names(pattern, mailbox) for pattern in keywords.filter.patterns)


def may_join(keywords: Keywords, mailbox: Mailbox) -> bool:
    """Whether the address may be a subscriber: no pattern names it, and it is no machine's."""
    machines = keywords.safe and keywords.filter.kind is not FilterKind.ONLY
    if machines and is_role(mailbox.local_part):
        return False
    return not is_filtered(keywords, mailbox)


def may_all_join(keywords: Keywords) -> Callable[[str], bool]:
    """`may_join` for many addresses as `str` writes them, quickly where nothing is filtered."""
    if keywords.filter.patterns:
        return lambda address: may_join(keywords, known_mailbox(address))
    if not keywords.safe:
        return lambda _: True
    return lambda address: not is_role(address.rpartition("@")[0].strip('"'))


def _names(pattern: str, mailbox: Mailbox) -> bool:
    text = str(mailbox).lower() if "@" in pattern else mailbox.domain.lower()
    return glob(pattern, text)


def glob(pattern: str, text: str) -> bool:
    """Whether the whole text is what the pattern says, in which only `*` means something."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == pattern
    if not text.startswith(first):
        return False
    at, last = len(first), rest.pop()
    for piece in rest:
        found = text.find(piece, at)
        if found < 0:
            return False
        at = found + len(piece)
    return len(text) - len(last) >= at and text.endswith(last)
