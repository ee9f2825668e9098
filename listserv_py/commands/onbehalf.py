"""FOR user@host command: a postmaster gives a command in somebody's place, and the log says so.

It runs as if that person had confirmed it. What only he can answer for, his codes and his password,
no postmaster can do in his place.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.commands.command import Actor, Command, Confirm, Line, Privilege, Request
from listserv_py.commands.errors import NotForAnother
from listserv_py.commands.lenient import plainly
from listserv_py.commands.manners import kept_name, shown_word
from listserv_py.commands.syntax import Arguments, first_word, fold, read, write
from listserv_py.errors import BadAddress, UnknownCommand
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger

log = get_logger("commands")

PERSONAL = frozenset({"FOR", "DISTRIBUTE", "OK", "REJECT", "PUT", "PW", "PWC"})


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
    said = read(command.syntax, plainly(command, rest))
    said = replace(said, name=kept_name(said.name))
    line = f"{command.word} {write(command.syntax, said)}".rstrip()
    line = f"QUIET {line}" if quiet else line
    if said.pattern or said.dataset:
        _theirs(request, command, said, is_quiet=quiet)
    return replace(request, arguments=replace(request.arguments, text=line))


def weigh(request: Request) -> Confirm:
    """A pattern that means many is confirmed by a code, as from the person himself."""
    inner = _inner(request)
    if inner is not None and inner.command.weigh(inner) is Confirm.ALWAYS:
        return Confirm.ALWAYS
    return Confirm.UNLESS_PROVEN


def explain(request: Request) -> str:
    """How many a pattern means, or what a dataset holds."""
    inner = _inner(request)
    return inner.command.explain(inner) if inner is not None else ""


def _inner(request: Request) -> Request | None:
    """The command as its person would give it, where it means many; else None."""
    word, rest = first_word(request.arguments.text)
    is_quiet = fold(word) == "QUIET"
    if is_quiet:
        word, rest = first_word(rest)
    command = request.table.find(word)
    if command is None:
        return None
    said = read(command.syntax, rest)
    if not said.pattern and not said.dataset:
        return None
    return _theirs(request, command, said, is_quiet=is_quiet)


def _theirs(request: Request, command: Command, said: Arguments, *, is_quiet: bool) -> Request:
    """The request of the person himself, or what he is refused for."""
    switches = tuple(command.switch(one) for one in said.switches)
    return command.prepare(
        replace(
            request,
            actor=_person(request),
            command=command,
            arguments=replace(said, switches=switches),
            quiet=is_quiet,
        )
    )


def _person(request: Request) -> Actor:
    person = request.arguments.person
    if person is None:
        raise BadAddress("")
    return Actor(person, proof=Proof.OPERATOR)


def give(request: Request) -> str:
    """Run the command as the person whom it is for."""
    actor, line = _person(request), request.arguments.text
    log.info("commands.for", by=str(request.actor.mailbox), whom=str(actor.mailbox), command=line)
    return request.run(request.turn, actor, (Line(line, line, roster=request.roster),))


FOR = Command(
    keyword="FOR",
    syntax="address line",
    privilege=Privilege.POSTMASTER,
    confirm=Confirm.UNLESS_PROVEN,
    handler=give,
    prepare=prepare,
    weigh=weigh,
    explain=explain,
    compat=(
        "Confirmed, noted in the log, and not for DISTRIBUTE, OK, REJECT, PUT, PW, PWC and FOR:"
        " codes and passwords are the person's own."
    ),
)
