"""Served-off users: whoever sends nothing but invalid commands is heard no more.

After fifty in a row he gets one last notice and the postmasters are told; from then on his commands
and posts are passed over in silence. SERVE by anybody else gives the service back, unless a
postmaster took it away.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from listserv_py.commands.command import Actor, Command, Confirm, Privilege, Request
from listserv_py.commands.errors import OwnService, ServedOffForGood, WrongPassword
from listserv_py.errors import (
    BadAddress,
    BadListname,
    ExtraWords,
    HeaderDenied,
    MissingCode,
    MissingWord,
    NoQuiet,
    NotAnAnswer,
    NotOwner,
    NotPostmaster,
    UnknownCode,
    UnknownCommand,
    UnknownList,
    UnknownOption,
    UnknownSwitch,
    UnknownTopic,
    UserError,
)
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.store.leaks import names_code
from listserv_py.store.outbox import Kind
from listserv_py.store.service import Off
from listserv_py.store.turn import Turn

log = get_logger("commands")

INVALID_MAX = 50
TOLD_A_DAY = 20
INVALID = (
    *(UnknownCommand, NotAnAnswer, UnknownTopic, MissingWord, MissingCode, ExtraWords),
    BadListname,
    *(
        WrongPassword,
        NotPostmaster,
        UnknownSwitch,
        UnknownOption,
        NoQuiet,
        UnknownList,
        UnknownCode,
        NotOwner,
        HeaderDenied,
    ),
)
"""What counts; that a valid command found nobody to act on does not."""


def is_served_off(turn: Turn, letter: Letter) -> bool:
    """Whether a mail's author is not listened to; what a moderator has approved is."""
    author = letter.message.author
    if author is None or letter.approved_by is not None:
        return False
    proven = letter.proof.is_proven or letter.confirmed
    if not turn.tx.service.is_off(author.mailbox, proven=proven):
        return False
    return not _comes_back(turn, letter, author.mailbox)


def _comes_back(turn: Turn, letter: Letter, mailbox: Mailbox) -> bool:
    """Whether he answers a request: then it was not him who sent the faults, or he is there again.

    Anybody can send fifty wrong codes in his name, and none of them may cost him the right one.
    """
    if turn.tx.service.is_off_by_postmaster(mailbox):
        return False
    if not names_code(turn.tx, letter.message, turn.now, of=mailbox):
        return False
    turn.tx.service.resume(mailbox)
    return True


def count(turn: Turn, actor: Actor, results: Sequence[UserError | None]) -> None:
    """Count a mail's invalid commands, None being a good one; and stop serving at the fiftieth.

    Postmasters are never shut out: anybody can write their address into a From line.
    """
    if actor.mailbox in turn.postmasters:
        return
    service, proven = turn.tx.service, actor.proof.is_proven
    before = invalid = service.invalid(actor.mailbox, proven=proven)
    for error in results:
        if error is None:
            invalid = 0
        elif isinstance(error, INVALID):
            invalid += 1
        if invalid >= INVALID_MAX:
            service.stop(actor.mailbox, Off.FAULTS, turn.now, proven=proven)
            _tell(turn, actor)
            return
    if invalid != before:
        service.count(actor.mailbox, invalid, turn.now, proven=proven)


def _tell(turn: Turn, actor: Actor) -> None:
    """One last notice; the postmasters hear of so many a day."""
    log.info("commands.served_off", who=str(actor.mailbox))
    slots = {
        "WHOM": str(actor.mailbox),
        "COUNT": str(INVALID_MAX),
        "SITE": turn.settings.site.domain,
        "MYADDRESS": str(turn.command_address),
    }
    _notify(turn, actor.mailbox, "SERVED_OFF", slots)
    budget, day = turn.tx.budget, timedelta(days=1)
    for postmaster in turn.postmasters:
        if budget.spent(postmaster, "served", turn.now, day) < TOLD_A_DAY:
            budget.spend(postmaster, "served", turn.now)
            _notify(turn, postmaster, "SERVED_OFF_TOLD", slots)


def _notify(turn: Turn, to: Mailbox, form: str, slots: dict[str, str]) -> None:
    turn.mail(to, form, slots, kind=Kind.NOTICE, proven=True)


def prepare(request: Request) -> Request:
    """Refuse what a postmaster alone may do, and oneself."""
    person, switches = _person(request), request.arguments.switches
    if "DROP" in switches and "OFF" not in switches:
        raise MissingWord("OFF")
    is_postmaster = request.actor.mailbox in request.turn.postmasters
    if "OFF" in switches and not is_postmaster:
        raise NotPostmaster
    if person == request.actor.mailbox:
        raise OwnService(str(person))
    if request.turn.tx.service.is_off_by_postmaster(person) and not is_postmaster:
        raise ServedOffForGood(str(person))
    return request


def weigh(request: Request) -> Confirm:
    """A postmaster's word is confirmed; that of whoever merely gives service back is not."""
    by_postmaster = request.turn.tx.service.is_off_by_postmaster(_person(request))
    needs_postmaster = by_postmaster or "OFF" in request.arguments.switches
    return Confirm.UNLESS_PROVEN if needs_postmaster else Confirm.NEVER


def serve(request: Request) -> str:
    """Give service back, or take it away."""
    turn, person, switches = request.turn, _person(request), request.arguments.switches
    if "OFF" not in switches:
        form = "SERVE_DONE" if turn.tx.service.resume(person) else "SERVE_ALREADY"
        return request.say(form, WHOM=str(person))
    turn.tx.service.stop(person, Off.POSTMASTER, turn.now, proven=True)
    log.info("commands.served_off", who=str(person), by=str(request.actor.mailbox))
    if "DROP" not in switches:
        slots = {"SITE": turn.settings.site.domain}
        turn.mail(person, "SERVE_OFF", slots, kind=Kind.NOTICE, proven=True)
    return request.say("SERVE_OFF_DONE", WHOM=str(person))


def _person(request: Request) -> Mailbox:
    person = request.arguments.person
    if person is None:
        raise BadAddress("")
    return person


SERVE = Command(
    keyword="SERVE",
    syntax="address [OFF DROP]",
    switches=("OFF", "DROP"),
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=serve,
    prepare=prepare,
    weigh=weigh,
    compat=(
        "Mail that proves its author and mail that does not are counted apart, and postmasters"
        " are always heard: nobody is shut out by forged mail."
    ),
)
