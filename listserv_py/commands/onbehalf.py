"""FOR user@host command: a postmaster gives a command in somebody's place, and the log says so.

It runs as if that person had confirmed it. What only he can answer for, his codes and his password,
no postmaster can do in his place.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands.command import Actor, Command, Confirm, Line, Privilege, Request
from listserv_py.commands.errors import NotForAnother
from listserv_py.commands.manners import kept_name, shown_word
from listserv_py.commands.syntax import first_word, fold, read, write
from listserv_py.errors import BadAddress, UnknownCommand
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger

log = get_logger("commands")

PERSONAL = frozenset({"FOR", "OK", "REJECT", "PUT", "PW", "PWC"})


def prepare(request: Request) -> Request:
    """Refuse what cannot be read, and write it as the table has it: a code may be asked for it."""
    word, rest = first_word(request.arguments.text)
    quiet = fold(word) == "QUIET"
    if quiet:
        word, rest = first_word(rest)
    command = request.table.find(word)
    if command is None:
        raise UnknownCommand(shown_word(fold(word)))
    if command.word in PERSONAL:
        raise NotForAnother(command.word)
    said = read(command.syntax, rest)
    said = replace(said, name=kept_name(said.name))
    line = f"{command.word} {write(command.syntax, said)}".rstrip()
    line = f"QUIET {line}" if quiet else line
    return replace(request, arguments=replace(request.arguments, text=line))


def give(request: Request) -> str:
    """Run the command as the person whom it is for."""
    person, line = request.arguments.person, request.arguments.text
    if person is None:
        raise BadAddress("")
    log.info("commands.for", by=str(request.actor.mailbox), whom=str(person), command=line)
    actor = Actor(person, proof=Proof.OPERATOR)
    return request.run(request.turn, actor, (Line(line, line, roster=request.roster),))


FOR = Command(
    keyword="FOR",
    syntax="address line",
    summary="Give a command in somebody's place",
    details="It runs as if he had confirmed it; the server's log keeps who gave it for whom.",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=give,
    prepare=prepare,
)
