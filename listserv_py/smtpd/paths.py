"""What MAIL and RCPT say, read strictly (RFC 5321 4.1.1.2, 4.1.1.3, 4.1.2; RFC 1870, 6152, 6531).

Pure: an argument in, values out, or the Refusal that answers it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from listserv_py.errors import BadAddress
from listserv_py.mail.mailbox import Mailbox, parse_path
from listserv_py.smtpd import replies

# No two branches begin alike, so this cannot backtrack; what stands inside parse_path judges.
_PATH = re.compile(r'<(?:[^<>"\\]|"(?:[^"\\]|\\.)*")*>(?= |$)')
# An address literal names a host by its number, so it is never ours (RFC 5321 4.1.3).
_LITERAL = re.compile(r"<.+@\[[0-9A-Za-z.:-]+\]>")
_SIZE_DIGITS = 20


@dataclass(slots=True)
class Transaction:
    """One mail on its way in, from MAIL to the reply after the dot."""

    reverse_path: Mailbox | None
    size: int | None = None
    smtputf8: bool = False
    rcpt_to: list[Mailbox] = field(default_factory=list)


def read_mail(argument: str, *, extended: bool, limit: int) -> Transaction:
    """`FROM:<path> [SIZE=n] [BODY=…] [SMTPUTF8]`; parameters only after EHLO or LHLO."""
    path, words = _split(argument, "FROM:")
    if words and not extended:
        raise replies.UNKNOWN_PARAMETER.refusal()
    parameters = _parameters(words)
    transaction = Transaction(
        _mailbox(path),
        size=_size(parameters.pop("SIZE")) if "SIZE" in parameters else None,
        smtputf8=_has_smtputf8(parameters),
    )
    if parameters.pop("BODY", "7BIT") not in {"7BIT", "8BITMIME"}:
        raise replies.BAD_SYNTAX.refusal()
    if parameters:
        raise replies.UNKNOWN_PARAMETER.refusal()
    if not path.isascii() and not transaction.smtputf8:
        raise replies.UTF8_SENDER.refusal()
    if transaction.size is not None and transaction.size > limit:
        raise replies.TOO_BIG.refusal()
    return transaction


@lru_cache(maxsize=1024)
def read_rcpt(argument: str, *, domain: str, smtputf8: bool) -> Mailbox:
    """`TO:<path>`; `<postmaster>` is the one of `domain` (RFC 5321 4.5.1).

    A list's address is said as often as there are posts.
    """
    path, words = _split(argument, "TO:")
    if _parameters(words):
        raise replies.UNKNOWN_PARAMETER.refusal()
    if path.isascii() and path.lower() == "<postmaster>":
        return Mailbox("postmaster", domain)
    if _LITERAL.fullmatch(path):
        raise replies.NO_RELAY.refusal()
    mailbox = _mailbox(path)
    if mailbox is None:
        raise replies.BAD_PATH.refusal()
    if not path.isascii() and not smtputf8:
        raise replies.UTF8_RECIPIENT.refusal()
    return mailbox


def _split(argument: str, keyword: str) -> tuple[str, list[str]]:
    """The path with its brackets, and the parameters behind it."""
    head, rest = argument[: len(keyword)], argument[len(keyword) :].strip(" ")
    if not head.isascii() or head.upper() != keyword:
        raise replies.BAD_SYNTAX.refusal()
    found = _PATH.match(rest)
    if found is None:
        raise replies.BAD_PATH.refusal()
    return found[0], rest[found.end() :].split()


def _mailbox(path: str) -> Mailbox | None:
    try:
        return parse_path(path)
    except BadAddress:
        raise replies.BAD_PATH.refusal() from None


def _parameters(words: list[str]) -> dict[str, str | None]:
    """Parameters by upper-case name; None is one without a value. Each may stand there once."""
    found: dict[str, str | None] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not word.isascii() or name.upper() in found or (equals and not value):
            raise replies.BAD_SYNTAX.refusal()
        found[name.upper()] = value.upper() if equals else None
    return found


def _has_smtputf8(parameters: dict[str, str | None]) -> bool:
    if "SMTPUTF8" not in parameters:
        return False
    if parameters.pop("SMTPUTF8") is not None:
        raise replies.BAD_SYNTAX.refusal()
    return True


def _size(value: str | None) -> int:
    """RFC 1870 6.1; the digits are ASCII already, isdigit alone would let `²` pass."""
    if value is None or not value.isdigit() or len(value) > _SIZE_DIGITS:
        raise replies.BAD_SYNTAX.refusal()
    return int(value)
