"""Who calls, and what comes of his command; one turn, no network.

The answer goes to whoever holds the line, not to the address that he names. So a caller without the
password of that address is nobody: he may look at what everybody may look at, by a list of commands
that grows only by intent, and the address he names plays no part in it.
"""

from __future__ import annotations

from listserv_py.commands.command import Actor, Line, Request
from listserv_py.commands.interpreter import call as run_call
from listserv_py.commands.rights import needs_code, takes_passwords
from listserv_py.commands.secret import Compared, Tried, try_password
from listserv_py.commands.table import COMMANDS, split
from listserv_py.errors import BadAddress, UserError
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger
from listserv_py.store.turn import Turn
from listserv_py.tcpgui.protocol import Call
from listserv_py.tcpgui.refusals import (
    CallNeedsPassword,
    CallNotServed,
    CallTakesNoPassword,
    CallTooManyWrong,
    CallWrongPassword,
)

log = get_logger("tcpgui")

NOBODY = Mailbox("nobody", "tcpgui.invalid")
SAME_FOR_ALL = frozenset({"THANKS", "HELP", "RELEASE"})
"""No password is looked at: a watchdog's `THANKS` costs nothing and counts as no wrong try."""
FOR_NOBODY = SAME_FOR_ALL | {"INFO", "LISTS", "SHOW"}


def claimed(call: Call) -> Mailbox | None:
    """The address whose password a call gives; None where none has to be looked at."""
    if not call.password or _word(call) in SAME_FOR_ALL:
        return None
    try:
        return parse_mailbox(call.origin)
    except BadAddress:
        return None


def answer(turn: Turn, call: Call, compared: Compared | None = None) -> str:
    """Carry out one command; the text of its answer."""
    word = _word(call)
    try:
        person = _person(turn, call, compared)
        if person is None and word and word not in FOR_NOBODY:
            raise CallNeedsPassword(str(turn.command_address))
    except UserError as error:
        log.warning("tcpgui.refused", reason=error.form, who=call.origin, host=call.host)
        return turn.words(None).fill(error.form, error.slots()).body
    log.info("tcpgui.command", command=word, who=str(person or ""), host=call.host)
    line = Line(call.command, call.command, data=call.data)
    if person is None:
        return run_call(turn, Actor(NOBODY, host=call.host), line, _as_nobody)
    actor = Actor(person, proof=Proof.PASSWORD, host=call.host)
    return run_call(turn, actor, line, _as_himself)


def _word(call: Call) -> str:
    """The command's whole word, "" when it is none of ours."""
    command = COMMANDS.find(split(call.command)[1])
    return command.word if command else ""


def _person(turn: Turn, call: Call, compared: Compared | None) -> Mailbox | None:
    """Who has shown by his password that he is who he says; None: nobody in particular."""
    person = claimed(call)
    if person is None:
        return None
    tried = try_password(turn, person, call.password, compared)
    reply_to = str(turn.command_address)
    if tried is Tried.NOT_AT_ALL:
        raise CallTooManyWrong(reply_to)
    if tried is Tried.WRONG:
        raise CallWrongPassword(reply_to)
    is_off = turn.tx.service.is_off(person, proven=True)
    if is_off and person not in turn.postmasters:
        raise CallNotServed
    return person


def _as_nobody(request: Request) -> Request:
    if needs_code(request):
        raise CallNeedsPassword(str(request.turn.command_address))
    return request


def _as_himself(request: Request) -> Request:
    """What a list does not take a password for goes by a code, or not at all."""
    if not takes_passwords(request) and not needs_code(request):
        raise CallTakesNoPassword(request.arguments.listname, str(request.turn.command_address))
    return request
