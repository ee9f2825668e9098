"""Reads what is no report by the standard: the unruly bounces, and answers of machines.

The addresses are found by `flufl.bounce`, which knows the mailers of thirty years, then by a look
of our own. It works with patterns on a stranger's text, so it gets little of it, in short lines.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message as Parsed

from flufl.bounce import all_failures

from listserv_py.bounces.cause import Cause, best_status, cause_of, plain
from listserv_py.bounces.report import Kind, Returned, quotable
from listserv_py.mail.message import Message

RAW_MAX = 16_000
LINE_MAX = 200
PROSE_LINE_MAX = 1000
PROSE_MAX = 8_000
ADDRESSES_MAX = 10

_MAILERS = ("mailer-daemon", "postmaster", "mail delivery", "mailerdaemon", "mail-daemon", "mmdf")
_MAILERS_MORE = ("mdaemon", "mail administrator", "mailadmin", "system administrator", "mailsystem")
_SUBJECTS = (
    "undeliver",
    "non-deliver",
    "nondeliver",
    "not deliver",
    "returned mail",
    "mail returned",
    "returned to sender",
    "return to sender",
    "failure notice",
    "delivery fail",
    "delivery status",
    "delivery report",
    "delivery error",
    "delivery problem",
    "delivery warning",
    "delivery notification",
    "delivery delayed",
    "delivery has been delayed",
    "delivery failure",
    "mail system error",
    "mail failure",
    "mail error",
    "message status",
    "unable to deliver",
    "could not send",
    "could not be delivered",
    "couldn't be delivered",
    "rejected",
    "bounce",
    "user unknown",
)
_VACATIONS = (
    "out of office",
    "out of the office",
    "out-of-office",
    "auto response",
    "autoresponse",
    "auto-response",
    "automatic reply",
    "automatic response",
    "automated reply",
    "automated response",
    "auto reply",
    "autoreply",
    "auto-reply",
    "vacation",
    "on leave",
    "on holiday",
    "away from",
    "abwesen",
    "automatische antwort",
    "absence",
    "réponse automatique",
    "fuori ufficio",
    "respuesta automática",
)
_CHALLENGES = (
    "challenge",
    "confirm that you are",
    "confirm your message",
    "confirm your e-mail",
    "verify that you",
    "to verify you are",
    "verify your email",
    "verification required",
    "spamarrest",
    "spam arrest",
    "boxbe",
    "bluebottle",
    "sender verification",
    "prove that you are",
    "you are a human",
    "approve your message",
    "awaiting your confirmation",
    "waiting for your verification",
    "whitelist verification",
    "click on the link below",
)
_DELAYS = (
    "will be retried",
    "still trying",
    "will keep trying",
    "keep trying",
    "continue to try",
    "continue trying",
    "continues to try",
    "will try again",
    "will continue",
    "has not yet been delivered",
    "not yet been delivered",
    "could not yet",
    "has been delayed",
    "is delayed",
    "delivery delayed",
    "warning message only",
    "warning only",
    "do not need to resend",
    "not need to resend",
    "no need to resend",
    "still undelivered",
)
_GIVEN_UP = ("given up", "giving up", "gave up", "permanent", "will not be retried", "timed out in")
_ORIGINAL = (
    "original message",
    "copy of the message",
    "copy of your message",
    "copy of the original",
    "below this line",
    "below the next line",
    "message follows",
    "message header",
    "unsent message",
    "returned message",
    "your message reads",
    "start of message",
    "header of the message",
    "headers of your message",
    "message text follows",
)
_HEADER = re.compile(
    r"(?:Received|Return-Path|Message-Id|MIME-Version|Delivered-To): ?[^\s]|From: ", re.I
)
_ADDRESS = re.compile(
    r"(?<![^\s<>\[\]()\"',;:*=|])[!#-'*+/-9=?A-Z^-~.-]{1,64}@[A-Za-z0-9.-]{1,255}"
)
_REPLY = re.compile(r"(?<![0-9.])[45][0-9]{2}[ -]")
_WHOLE_REPLY = re.compile(r"[45][0-5][0-9](?: - |[ -](?=[A-Z#<4-5]))")


@dataclass(frozen=True, slots=True)
class Prose:
    """What a machine wrote of its own, above the mail that it returns."""

    subject: str
    author: str
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        """All of it, as words are looked for."""
        return plain(" ".join(self.lines))


def prose_of(message: Message) -> Prose:
    """The machine's own words: of the first text, in short lines, up to what it returns."""
    text = message.text_to_read(PROSE_MAX)
    whole = [line[:PROSE_LINE_MAX].rstrip() for line in text[:PROSE_MAX].split("\n")]
    # Some mailers tell of the mail in lines that look like its header, but for a blank before them.
    end = next((n for n, line in enumerate(whole) if n and _begins_original(line)), len(whole))
    lines = [line.strip() for line in whole]
    author = str(message.text("from") or "")[:LINE_MAX].lower()
    return Prose(message.subject[:LINE_MAX].lower(), author, tuple(lines[:end]))


def _begins_original(line: str) -> bool:
    if _HEADER.match(line):
        return True
    said = line.lower()
    return any(one in said for one in _ORIGINAL) and ("--" in line or said.endswith((":", ".")))


def is_challenge(prose: Prose) -> bool:
    """Whether a machine asks its sender for a proof that he is human."""
    return not _from_mailer(prose) and _says(f"{prose.subject} {prose.text}", _CHALLENGES)


def is_vacation(message: Message, prose: Prose) -> bool:
    """Whether a recipient's machine answers in his place."""
    if _from_mailer(prose) or _says(prose.subject, _SUBJECTS):
        return False
    answered = (message.text("auto-submitted") or "").lower().startswith("auto-replied")
    marked = bool(message.all("x-autoreply") or message.all("x-autorespond"))
    return answered or marked or _says(prose.subject, _VACATIONS)


def read_prose(message: Message, prose: Prose) -> tuple[Returned, ...]:
    """What a bounce in words says; empty when the mail does not look like one."""
    if not _is_bounce(prose):
        return ()
    temporary, permanent = _known_shapes(message)
    delayed = _is_delay(prose) if not (temporary or permanent) else bool(temporary - permanent)
    found = _named(message, prose, temporary | permanent)
    if not found and message.author is None and not prose.lines:
        return ()
    text = _reason(prose)
    status = best_status("", text)
    kind = Kind.DELAYED if delayed or _is_delay(prose) else Kind.FAILED
    cause = cause_of(status, text) if kind is Kind.FAILED else Cause.PASSING
    made = Returned(kind, "", status, quotable(text), cause=cause)
    return tuple(
        Returned(made.kind, one, made.status, made.text, cause=made.cause)
        for one in found[:ADDRESSES_MAX] or [""]
    )


def _is_bounce(prose: Prose) -> bool:
    """Whether a mailer wrote it: it says so, or shows a line of an SMTP dialogue."""
    if _from_mailer(prose) or _says(prose.subject, _SUBJECTS):
        return True
    return any(_WHOLE_REPLY.match(line) for line in prose.lines)


def _named(message: Message, prose: Prose, known: set[str]) -> list[str]:
    """Whom it is about: of what the shapes say, nobody to whom it was sent, if others are there."""
    to = (message.text("to") or "").lower()
    others = sorted(one for one in known if one.lower() not in to)
    return others or _addresses(message, prose) or sorted(known)


def _known_shapes(message: Message) -> tuple[set[str], set[str]]:
    """The addresses that flufl.bounce finds: delayed ones, and failed ones."""
    if message.fault is not None:
        return set(), set()
    lines = message.raw[:RAW_MAX].split(b"\n")
    parsed: Parsed = message_from_bytes(b"\n".join(line[:LINE_MAX] for line in lines))
    try:
        temporary, permanent = all_failures(parsed)
    except Exception:  # noqa: BLE001 - detectors that meet what nobody thought of
        return set(), set()
    return _texts(temporary), _texts(permanent)


def _texts(found: frozenset[bytes]) -> set[str]:
    return {one.decode("ascii", "replace").strip("<>.") for one in found if b"@" in one}


def _addresses(message: Message, prose: Prose) -> list[str]:
    """A look of our own: the failed-recipients field, then the first address in the words."""
    field = message.text("x-failed-recipients")
    if field:
        return _ADDRESS.findall(field[:1000])[:ADDRESSES_MAX]
    author = message.author.mailbox.key if message.author else ""
    to = (message.text("to") or "").lower()
    for line in prose.lines:
        found = [one.rstrip(".") for one in _ADDRESS.findall(line)]
        others = [one for one in found if one.lower() != author and one.lower() not in to]
        others = [one for one in others if not one.lower().startswith(("postmaster@", "mailer-"))]
        if others:
            return others[:1]
    return []


def _reason(prose: Prose) -> str:
    """The lines about the reply of the other side, where there is one, else all the words."""
    return reply_in(prose) or f"{prose.subject} {' '.join(prose.lines)}"


def reply_in(prose: Prose) -> str:
    """The lines about the reply of the other side, "" where there is none."""
    at = next((n for n, line in enumerate(prose.lines) if _REPLY.search(line)), None)
    return " ".join(prose.lines[at : at + 4]) if at is not None else ""


def _is_delay(prose: Prose) -> bool:
    said = f"{prose.subject} {prose.text}"
    return _says(said, _DELAYS) and not _says(said, _GIVEN_UP)


def _from_mailer(prose: Prose) -> bool:
    return _says(prose.author, _MAILERS) or _says(prose.author, _MAILERS_MORE)


def _says(text: str, words: tuple[str, ...]) -> bool:
    return any(word in text for word in words)
