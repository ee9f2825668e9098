"""Why a copy came back: the address is gone, something passes, or the post is to blame (pure).

Only a plain word makes an address gone: a status without one, or a text that nobody knows, counts
as passing, for a living person taken off a list is worse than a dead one kept a while. The words
are looked for as they stand, without patterns, so no text can make this slow.
"""

from __future__ import annotations

import re
from enum import StrEnum

TEXT_MAX = 2000

_ENHANCED = re.compile(r"(?<![0-9.])([245])\.([0-9]{1,3})\.([0-9]{1,3})(?![0-9.])", re.ASCII)
_REPLY = re.compile(r"(?<![0-9.-])([45])[0-9]{2}[ -]", re.ASCII)
_ADDRESS = re.compile(r"[^\s<>@]{0,64}@(?:(?!\.\.)[^\s<>@]){0,255}")
_SPACE = re.compile(r"\s+")


class Cause(StrEnum):
    """What stood in the way of a copy."""

    GONE = "gone"
    """There is no such address, or nobody behind it any more."""
    PASSING = "passing"
    """A full mailbox, a host that is down, or what nobody can tell."""
    POST = "post"
    """What was sent, or who sent it: no fault of the person to whom it was sent."""


_FULL = (
    "quota",
    "mailbox full",
    "mailbox is full",
    "mailbox for this recipient is full",
    "mailfolder is full",
    "mail box is full",
    "inbox is full",
    "too much mail",
    "insufficient system storage",
    "insufficient disk",
    "not enough space",
    "no space left",
    "out of space",
    "disk full",
    "disk space",
    "storage limit",
    "exceeded storage",
    "exceeded allocation",
    "exceeds allowed",
    "space limit",
    "mailbox size limit",
    "max message store",
    "account is full",
    "full mailbox",
    "storage exceeded",
    "mailbox storage",
    "out of storage",
    "postfach voll",
    "postfach ist voll",
    "boîte pleine",
    "buzón lleno",
    "está lleno",
    "est pleine",
    "ist voll",
    "è piena",
    "casella piena",
    "is over the maximum",
)
_OF_SENDER = (
    "sender verif",
    "sender callout",
    "callout verif",
    "callback",
    "verifying sender",
    "domain of sender",
    "sender domain",
    "sender address",
    "invalid sender",
    "unknown sender",
    "envelope sender",
    "return path",
    "after mail from",
    ">>> mail from",
    "helo ",
    "helo/",
    "your helo",
)
"""Who looks for our own address, host or domain in vain says "unknown" of us, not of his user."""
_FOR_NOW = (
    "temporar",
    "greylist",
    "graylist",
    "try later",
    "try again later",
    "connection refused",
    "connection timed out",
    "operation timed out",
    "network is unreachable",
    "no route to host",
)
"""Who asks a host whether there is such an address, and does not reach it, may say 5.1.1."""
_POST = (
    "spam",
    "junk",
    "blacklist",
    "black list",
    "blocklist",
    "block list",
    "blocked",
    "blocking",
    "denylist",
    "reputation",
    "dnsbl",
    "rbl",
    "spamhaus",
    "spamcop",
    "spf",
    "dkim",
    "dmarc",
    "unsolicited",
    "content",
    "virus",
    "malware",
    "phish",
    "policy",
    "banned",
    "prohibited",
    "forbidden",
    "message filter",
    "objectionable",
    "too large",
    "too big",
    "message size",
    "size limit",
    "exceeds size",
    "exceeds the max",
    "exceeds max",
    "maximum message",
    "message length",
    "larger than",
    "sender denied",
    "sender rejected",
    "sender address rejected",
    "sender not",
    "sender is not",
    "not accepting mail from",
    "refuse to accept mail from",
    "do not accept mail from",
    "client host rejected",
    "bad reverse dns",
    "reverse dns",
    "ptr record",
    "rejected by filter",
    "rejected due to",
    "rejected because",
    "suspicious",
    "whitelist",
    "white list",
    "allow list",
    "challenge",
    "not authorized to send",
    "not allowed to send",
    "too many hops",
    "mail loop",
    "loops back",
    "authrequired",
    "authentication required",
    "unauthenticated",
)
_PASSING = (
    "relay",
    "rcpthosts",
    "greylist",
    "graylist",
    "try again",
    "try later",
    "timed out",
    "timeout",
    "time out",
    "temporar",
    "connection refused",
    "connection reset",
    "connection lost",
    "lost connection",
    "could not connect",
    "couldn't connect",
    "couldn't establish",
    "cannot connect",
    "retry",
    "too many connections",
    "too many recipients",
    "too many messages",
    "service not available",
    "service unavailable",
    "system error",
    "internal error",
    "local error",
    "configuration error",
    "resources",
    "expired",
)
_GONE = (
    "user unknown",
    "unknown user",
    "unknown recipient",
    "unknown address",
    "unknown local",
    "unknown mailbox",
    "unknown account",
    "unknown host",
    "unknown domain",
    "recipient unknown",
    "account unknown",
    "address unknown",
    "mailbox unknown",
    "no such",
    "no account",
    "no mailbox",
    "no mail box",
    "no user",
    "no longer",
    "does not exist",
    "doesn't exist",
    "do not exist",
    "not exist",
    "nie istnieje",
    "not found",
    "not a known",
    "not known",
    "isn't known",
    "not a valid",
    "not an active",
    "not active",
    "not our customer",
    "not listed in",
    "not here",
    "doesn't have a",
    "does not have a",
    "couldn't find",
    "could not find",
    "couldn't be found",
    "could not be found",
    "cannot find",
    "invalid recipient",
    "invalid mailbox",
    "invalid address",
    "invalid user",
    "is invalid",
    "unrouteable",
    "unroutable",
    "unrouteable mail domain",
    "host unknown",
    "domain unknown",
    "name or service not known",
    "nxdomain",
    "disabled",
    "deactivated",
    "discontinued",
    "suspended",
    "inactive",
    "mailbox unavailable",
    "recipient rejected",
    "recipient address rejected",
    "bad address",
    "bad destination",
    "badrcptto",
    "undeliverable address",
    "moved without",
    "unbekannt",
    "existiert nicht",
    "inconnu",
    "n'existe pas",
    "desconocid",
    "no existe",
    "não existe",
    "sconosciut",
    "non esiste",
    "onbekend",
    "bestaat niet",
)
_IDLE = ("inactivity", "is inactive")

_BY_STATUS: dict[tuple[int, int], Cause] = {
    (1, 7): Cause.POST,
    (1, 8): Cause.POST,
    (2, 2): Cause.PASSING,
    (2, 3): Cause.POST,
    (2, 4): Cause.PASSING,
    (3, 4): Cause.POST,
    (4, 4): Cause.GONE,
    (4, 6): Cause.POST,
    (4, 7): Cause.PASSING,
}
_BY_SUBJECT: dict[int, Cause] = {1: Cause.GONE, 6: Cause.POST, 7: Cause.POST}


def cause_of(status: str, text: str) -> Cause:
    """Judge by the enhanced status (RFC 3463 3) and by what the other side said.

    Addresses say nothing: `marble@` is on no RBL.
    """
    said = _ADDRESS.sub(" ", plain(text))
    found = best_status(status, said)
    digit, subject, detail = (int(part) for part in (found or "0.0.0").split("."))
    by_status = _BY_STATUS.get((subject, detail), _BY_SUBJECT.get(subject))
    if digit == 4 or _is_put_off(said) or _says(said, _FULL):
        return Cause.PASSING
    if _says(said, _OF_SENDER):
        return Cause.POST
    if by_status is not Cause.POST and _says(said, _FOR_NOW):
        return Cause.PASSING
    if by_status is None and _says(said, _IDLE):
        return Cause.GONE
    if by_status is Cause.POST or by_status is Cause.PASSING:
        return by_status
    if by_status is Cause.GONE:
        return Cause.POST if _says(said, _POST) and not _says(said, _GONE) else Cause.GONE
    for words, cause in ((_POST, Cause.POST), (_GONE, Cause.GONE), (_PASSING, Cause.PASSING)):
        if _says(said, words):
            return cause
    return Cause.PASSING


def _is_put_off(said: str) -> bool:
    """Whether the other side answered with 4xx, whatever the mailer that gave up made of it."""
    found = _ENHANCED.search(said) or _REPLY.search(said)
    return found is not None and found[1] == "4"


def best_status(status: str, text: str) -> str:
    """The status that says most: the report's own, or the one in the reply it quotes."""
    if status and not status.endswith(".0.0"):
        return status
    found = _ENHANCED.search(text[:TEXT_MAX])
    return found[0] if found and not found[0].endswith(".0.0") else status


def plain(text: str) -> str:
    """A text as its words are looked for: lower case, single blanks, of bounded length."""
    return _SPACE.sub(" ", text[:TEXT_MAX]).lower()


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
