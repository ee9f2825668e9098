"""Passwords in command lines: `PW=` as a proof, and how a new one is kept.

Hashing takes about a twentieth of a second of the writing thread, so it is counted: a mail's
passwords are tried once each, a person's wrong tries and new passwords are few an hour, and the
site's wrong tries, too. Beyond that a `PW=` is read over, and a code is asked for as without it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from enum import Enum, auto

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from listserv_py.commands.command import Confirm, Request
from listserv_py.commands.errors import TooManyPasswords, WrongPassword
from listserv_py.commands.rights import takes_passwords
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.passwords import password_in
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger
from listserv_py.store.turn import Turn

log = get_logger("commands")

WRONG_AN_HOUR = 10
WRONG_OF_ALL_AN_HOUR = 200
NEW_AN_HOUR = 5
_HOUR = timedelta(hours=1)
_WRONG, _NEW = "wrong password", "new password"

# The least that OWASP recommends: the server has one writing thread.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_NOBODYS = (
    "$argon2id$v=19$m=19456,t=2,p=1$V+Qgz6SAvBKrIowd0UYnkA"
    "$kcLMOb3sc2XW9Ae0b+30mblIZJu4R6+CfnguaFyunng"
)
"""The hash of dice that nobody has kept."""


def with_password(request: Request, line: str, tried: dict[str, bool]) -> Request:
    """The request of somebody who gave his password in the line; WrongPassword when it is not.

    It is looked at only where it could serve: whoever has none here, but a list's from a LISTSERV,
    is asked for a code as without it. `tried` keeps what the same mail has tried before.
    """
    given, actor = password_in(line), request.actor
    if not given or actor.proof in {Proof.CODE, Proof.OPERATOR}:
        return request
    if request.command.weigh(request) in {Confirm.NEVER, Confirm.ALWAYS}:
        return request
    if not takes_passwords(request) or _is_tired(request.turn, actor.mailbox):
        return request
    kept = request.turn.tx.passwords.hash_of(actor.mailbox)
    if kept is None:
        return request
    if given not in tried:
        tried[given] = _is_right(request.turn, actor.mailbox, kept, given)
    if not tried[given]:
        raise WrongPassword
    return replace(request, actor=replace(actor, gave_password=True))


class Tried(Enum):
    """What came of trying a password."""

    RIGHT = auto()
    WRONG = auto()
    NOT_AT_ALL = auto()
    """Too many were wrong lately."""


@dataclass(frozen=True, slots=True)
class Compared:
    """A password that was compared before the turn, with the hash that was kept then."""

    kept: str
    is_right: bool


def to_compare(turn: Turn, mailbox: Mailbox) -> str | None:
    """The hash to compare a caller's password with; None when too many were wrong lately.

    An address without a password has a hash like one with another: nobody learns who has one.
    """
    if _is_tired(turn, mailbox):
        return None
    return turn.tx.passwords.hash_of(mailbox) or _NOBODYS


def compare(kept: str, given: str) -> bool:
    """Whether that is the password; slow on purpose, and no turn is needed."""
    try:
        return _HASHER.verify(kept, given)
    except (VerificationError, InvalidHashError):
        return False


def try_password(
    turn: Turn, mailbox: Mailbox, given: str, compared: Compared | None = None
) -> Tried:
    """What comes of a caller's password, who is told at once (TCPGUI); a wrong one is counted.

    What was compared before counts only while the same hash is kept, and while not too many others
    were wrong meanwhile.
    """
    kept = to_compare(turn, mailbox)
    if kept is None:
        return Tried.NOT_AT_ALL
    is_current = compared is not None and compared.kept == kept
    is_right = compared.is_right if compared and is_current else compare(kept, given)
    if is_right:
        return Tried.RIGHT
    _count_wrong(turn, mailbox)
    return Tried.WRONG


def hashed(request: Request, new: str) -> str:
    """A new password as it is kept."""
    turn, mailbox = request.turn, request.actor.mailbox
    if request.actor.proof is Proof.OPERATOR:
        return _HASHER.hash(new)
    if turn.tx.budget.spent(mailbox, _NEW, turn.now, _HOUR) >= NEW_AN_HOUR:
        raise TooManyPasswords
    turn.tx.budget.spend(mailbox, _NEW, turn.now)
    return _HASHER.hash(new)


def _is_tired(turn: Turn, mailbox: Mailbox) -> bool:
    budget, now = turn.tx.budget, turn.now
    return (
        budget.spent(mailbox, _WRONG, now, _HOUR) >= WRONG_AN_HOUR
        or budget.spent(turn.command_address, _WRONG, now, _HOUR) >= WRONG_OF_ALL_AN_HOUR
    )


def _is_right(turn: Turn, mailbox: Mailbox, kept: str, given: str) -> bool:
    if compare(kept, given):
        return True
    _count_wrong(turn, mailbox)
    return False


def _count_wrong(turn: Turn, mailbox: Mailbox) -> None:
    log.warning("commands.wrong_password", who=str(mailbox))
    for one in (mailbox, turn.command_address):
        turn.tx.budget.spend(one, _WRONG, turn.now)
