"""Runs the lines of a command mail and answers it with one mail.

Here, once, for all commands: the reply to a code, abbreviations, QUIET, rights, what waits for
confirmation, the echo, and where reading ends. One wrong line does not undo the others, because a
handler refuses before it changes anything.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from listserv_py.commands import confirm, jobs, noise, nothere, renamed, service
from listserv_py.commands.archivewords import search_line
from listserv_py.commands.body import code_in, is_ok, own_lines, rejection
from listserv_py.commands.command import Actor, Confirm, Line, Privilege, Request
from listserv_py.commands.data import with_data
from listserv_py.commands.errors import NeedsPassword
from listserv_py.commands.humans import answerable
from listserv_py.commands.lenient import plainly
from listserv_py.commands.manners import shown_line, shown_word, without_links
from listserv_py.commands.rights import (
    ALL_LISTS,
    for_another,
    is_owner,
    is_proven,
    is_visible,
    needs_code,
    owned_list,
)
from listserv_py.commands.secret import with_password
from listserv_py.commands.subscribe import door_line
from listserv_py.commands.syntax import fold, read
from listserv_py.commands.table import COMMANDS, split
from listserv_py.errors import (
    NoQuiet,
    NotAnAnswer,
    NotPostmaster,
    UnknownCommand,
    UserError,
)
from listserv_py.lists.addresses import Destination, Door
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.passwords import without_password
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn
from listserv_py.texts.words import Words

log = get_logger("commands")

COMMANDS_MAX = 20
WAITING_MAX = 1000
"""How many lines of an owner's mail one code confirms; they do not count as `COMMANDS_MAX` does."""
OWNERS_MAX = 5000
"""How many lines of a proven owner's mail run in one turn; long runs of ADD count as one."""
MANY_MAX = 50
"""How many lines of a mail may mean many people, by a pattern or a dataset: each reads a list."""
ERRORS_MAX = 5
OUTPUT_MAX = 1_000_000
PASSWORDLIKE = ("PW", "PASS")
"""How a mistyped PW may begin: nothing behind it is echoed."""
OUR_SUBJECT = "Output of your job"
STRANGERS_OUTPUT_MAX = 100_000
"""As much may somebody be sent who is on no list, and whose From line is all we know of him."""

Prove = Callable[[Request], Request]
"""Refuses a request that its sender's proof is too little for; else gives it back."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A line, and what came of it; `text` None: it waits. `error` None: it was not refused."""

    echo: str
    text: str | None
    error: UserError | None = None


@dataclass(slots=True)
class Job:
    """What the lines of one mail came to, while they run.

    `errors` counts those in a row; `counted` the lines that the limit is for; `many` those that
    mean many people. `prove` takes the
    place of `with_password` where the line itself holds no proof.
    """

    answers: list[Answer] = field(default_factory=list)
    waiting: list[confirm.Waiting] = field(default_factory=list)
    errors: int = 0
    counted: int = 0
    owners: int = 0
    many: int = 0
    size: int = 0
    echo: bool = True
    for_others: bool = False
    flushed: bool = False
    asked: bool = False
    tried: dict[str, bool] = field(default_factory=dict)
    confirmed: bool = False
    prove: Prove | None = None

    @property
    def failed(self) -> bool:
        """Whether any line was refused."""
        return self.flushed or any(answer.error is not None for answer in self.answers)

    @property
    def is_silent(self) -> bool:
        """Whether each line waits, so that the request says all there is, or wants no answer."""
        answered = self.flushed or any(answer.text for answer in self.answers)
        return bool(self.answers) and not answered

    @property
    def is_noise(self) -> bool:
        """Whether not one line could be read."""
        return not self.waiting and noise.is_noise(self.errors_told)

    @property
    def errors_told(self) -> list[UserError | None]:
        """What each line was refused for."""
        return [answer.error for answer in self.answers]


def work(
    turn: Turn, letter: Letter, destination: Destination, ahead: jobs.Job | None = None
) -> None:
    """Act on a mail to the command address, or to a list's subscribe, signoff or search address.

    `ahead` is what `jobs.read` made of its text, where that was done before the turn.
    """
    author = answerable(turn, letter)
    if author is None:
        log.info("commands.not_answered", spool=letter.spool_id)
        return
    actor = Actor(author.mailbox, author.name, letter.proof, letter)
    given = ahead or jobs.read_mail(letter.message)
    lines = _lines(letter, destination, actor, given)
    job = _run(turn, actor, lines)
    service.count(turn, actor, job.errors_told)
    job.echo, job.for_others = given.echo, given.for_others
    job.flushed = job.flushed or given.is_cut
    if job.waiting:
        job.asked = confirm.ask(turn, actor, job.waiting, echo=given.echo)
    is_wanted = given.replies and not job.is_silent
    if is_wanted and not _is_unanswered(turn, letter, actor, job):
        _reply(turn, actor, job)
    log.info("commands.done", spool=letter.spool_id, lines=len(lines), waiting=len(job.waiting))


def _is_unanswered(turn: Turn, letter: Letter, actor: Actor, job: Job) -> bool:
    """Whether the mail came to nothing and is one too many of such."""
    if job.waiting:
        return False
    if job.is_noise:
        said = "\n".join(answer.echo for answer in job.answers)
        if OUR_SUBJECT in letter.message.subject or noise.is_repeated(turn, actor.mailbox, said):
            return True
    return not actor.proof.is_proven and noise.is_flood(turn, job.errors_told)


def run_job(
    turn: Turn, actor: Mailbox, text: str, ahead: jobs.Job | None = None
) -> tuple[str, bool]:
    """Run lines for the operator, as if confirmed: all they said, and whether one was refused.

    A single line is not echoed.
    """
    given = ahead or jobs.read(text)
    lines = given.lines
    job = _run(turn, Actor(actor, proof=Proof.OPERATOR), lines)
    job.echo, job.flushed = given.echo, job.flushed or given.is_cut
    if len(lines) == 1 and len(job.answers) == 1:
        return job.answers[0].text or "", job.failed
    return _output(turn, job), job.failed


def call(turn: Turn, actor: Actor, line: Line, prove: Prove) -> str:
    """Run one line for somebody who waits for the answer; what needs a code is asked by mail."""
    job = Job(echo=False, prove=prove)
    _run_line(turn, actor, line, job)
    if actor.proof.is_proven:
        service.count(turn, actor, job.errors_told)
    if job.waiting:
        job.asked = confirm.ask(turn, actor, job.waiting)
    return _output(turn, job)


def _lines(
    letter: Letter, destination: Destination, actor: Actor, given: jobs.Job
) -> tuple[Line, ...]:
    """The command lines of a mail; its Subject is one only where the body has none at all."""
    if destination.door is Door.SEARCH:
        said = given.lines[0].text if given.lines else letter.message.subject
        line = search_line(said, destination.listname or "")
        return (Line(line, line),)
    if destination.door is not Door.COMMAND:
        line = door_line(destination.door, destination.listname or "", actor.name)
        return (Line(line, line),)
    subject = letter.message.subject
    lines = given.lines
    code = code_in(subject)
    if code is not None and lines:
        return _reply_lines(code, lines)
    if not lines and COMMANDS.find(split(subject)[1]):
        return with_data(own_lines(subject)[:1])
    return lines


def _reply_lines(code: str, lines: tuple[Line, ...]) -> tuple[Line, ...]:
    """What a reply to one of our requests says: its first line decides."""
    first = lines[0].text
    if is_ok(first):
        return (Line(f"OK {code}", first, answers_request=True),)
    reason = rejection(first)
    if reason is not None and COMMANDS.find(split(first)[2].split(" ")[0]) is None:
        given = " ".join([reason, *(line.text for line in lines[1:])]).strip()
        return (Line(f"REJECT {code} {given}".rstrip(), first, answers_request=True),)
    if COMMANDS.find(split(first)[1]) is None:
        return (Line(first, first, answers_request=True),)
    return lines


def _run(turn: Turn, actor: Actor, lines: Sequence[Line]) -> Job:
    job = Job()
    for line in lines:
        if not _has_room(actor, job):
            job.flushed = True
            break
        _run_line(turn, actor, line, job)
    return job


def _has_room(actor: Actor, job: Job) -> bool:
    """Whether the mail may have one more line; what was confirmed was counted when it came.

    With an answer that is full already there is no more to be told.
    """
    if job.size >= OUTPUT_MAX and actor.proof is not Proof.OPERATOR:
        return False
    if actor.proof in {Proof.CODE, Proof.OPERATOR}:
        return True
    is_read = job.errors < ERRORS_MAX or (job.owners > 0 and actor.proof.is_proven)
    has_room = job.counted < COMMANDS_MAX and job.owners < OWNERS_MAX and job.many < MANY_MAX
    return is_read and has_room and len(job.waiting) < WAITING_MAX


def _count(request: Request, job: Job, *, waits: bool) -> None:
    """A line counts unless its sender gives it as an owner, proven or to be asked."""
    listname = request.arguments.listname
    found = request.turn.tx.lists.find(listname) if listname else None
    job.many += request.command.weight(request)
    if request.arguments.pattern or request.arguments.dataset:
        job.many += 1
    is_owners = found is not None and is_owner(request.turn, request.actor, found)
    if is_owners and (waits or is_proven(request)):
        job.owners += 1
    else:
        job.counted += 1


def _run_line(turn: Turn, actor: Actor, line: Line, job: Job) -> None:
    request = None
    try:
        request = _understand(turn, actor, line)
        prove = job.prove
        request = prove(request) if prove else with_password(request, line.text, job.tried)
        waits = needs_code(request)
        _count(request, job, waits=waits)
        if waits and request.command.weigh(request) is Confirm.BY_PASSWORD:
            raise NeedsPassword(request.command.word)
        if waits:
            found = confirm.waiting(request)
            if found not in job.waiting:
                job.waiting.append(found)
            job.answers.append(Answer(_echo(actor, line), None))
        else:
            text = request.command.handler(request)
            job.confirmed = job.confirmed or request.command.word == "OK"
            job.answers.append(Answer(_echo(actor, line), text))
            job.size += len(text)
        job.errors = 0
    except UserError as error:
        slots = error.slots()
        if not actor.proof.is_proven:
            slots = {slot: without_links(value) for slot, value in slots.items()}
        said = _words(turn, actor, error).fill(error.form, slots).body
        job.answers.append(Answer(_echo(actor, line), said, error))
        job.errors += 1
        if request is None:
            job.counted += 1


def _words(turn: Turn, actor: Actor, error: UserError) -> Words:
    """The words of the list that an error speaks of, where the actor may know of it."""
    listname = error.slots().get("LISTNAME", "")
    found = turn.tx.lists.find(listname) if listname else None
    return turn.words(found if found and is_visible(turn, actor, found) else None)


def _understand(turn: Turn, actor: Actor, line: Line) -> Request:
    """The line as a request that may run, or run once confirmed; UserError says why not."""
    is_quiet, word, rest = split(line.text)
    command = COMMANDS.find(word)
    if command is None and line.answers_request:
        raise NotAnAnswer(shown_word(word))
    if command is None:
        raise nothere.refusal(word) or UnknownCommand(shown_word(fold(word)))
    if is_quiet and not command.takes_quiet:
        raise NoQuiet(command.word)
    if command.privilege is Privilege.POSTMASTER and actor.mailbox not in turn.postmasters:
        raise NotPostmaster
    arguments = read(command.syntax, plainly(command, rest))
    if arguments.switches:
        switches = tuple(command.switch(one) for one in arguments.switches)
        arguments = replace(arguments, switches=switches)
    request = Request(
        turn=turn,
        actor=actor,
        command=command,
        arguments=arguments,
        quiet=is_quiet,
        table=COMMANDS,
        run=_run_again,
        data=line.data,
        roster=line.roster,
        recipients=line.recipients,
    )
    request = renamed.followed(request)
    command, arguments = request.command, request.arguments
    needs_owner = command.privilege is Privilege.OWNER or for_another(request)
    if needs_owner and arguments.listname not in ("", ALL_LISTS):
        owned_list(request)
    return command.prepare(request)


def _run_again(turn: Turn, actor: Actor, lines: tuple[Line, ...]) -> str:
    """Run what a code confirmed; nothing of it waits again."""
    job = _run(turn, actor, lines)
    job.echo = actor.asked is None or actor.asked.echo
    return _output(turn, job)


def _echo(actor: Actor, line: Line) -> str:
    _, word, rest = split(line.said)
    found = COMMANDS.find(word)
    if found is not None and found.conceal is not None:
        return f"{word} {found.conceal(rest)}".rstrip()
    if found is None and fold(word).startswith(PASSWORDLIKE):
        return shown_word(word)
    said = without_password(line.said)
    if actor.proof.is_proven:
        return said
    command = found if said == line.said else COMMANDS.find(split(said)[1])
    return shown_line(said, command.syntax if command else None)


def _reply(turn: Turn, actor: Actor, job: Job) -> None:
    is_proven = actor.proof.is_proven or any(job.tried.values())
    is_known = is_proven or job.confirmed or turn.tx.subscribers.of(actor.mailbox)
    at_most = OUTPUT_MAX if is_known else STRANGERS_OUTPUT_MAX
    turn.mail(
        actor.mailbox,
        "JOB_OUTPUT",
        {"USERID": actor.mailbox.local_part, "OUTPUT": _output(turn, job, at_most)},
        kind=Kind.REPLY,
        letter=actor.letter,
        # A robot's mail is signed as well, and must not be answered for ever.
        proven=(is_proven and not job.is_noise) or job.confirmed,
    )


def _output(turn: Turn, job: Job, at_most: int = OUTPUT_MAX) -> str:
    def say(form: str) -> str:
        slots = {
            "MYADDRESS": str(turn.command_address),
            "COMMANDS": str(COMMANDS_MAX),
            "ERRORS": str(ERRORS_MAX),
        }
        return turn.words(None).fill(form, slots).body

    waits = say("JOB_WAITS" if job.asked else "JOB_NOT_ASKED")
    texts = [waits if answer.text is None else answer.text for answer in job.answers]
    echoes = [f"> {answer.echo}\n" if job.echo else "" for answer in job.answers]
    blocks = [echo + text for echo, text in zip(echoes, texts, strict=True)]
    if not blocks:
        blocks.append(say("JOB_EMPTY"))
    if job.flushed:
        blocks.append(say("JOB_FLUSHED"))
    if job.for_others:
        blocks.append(say("JOB_FOR_YOU"))
    text = "\n\n".join(blocks)
    return text if len(text) <= at_most else f"{text[:at_most]}\n{say('JOB_CUT')}"
