"""The unit of the language: a command, who may give it, and what the line that gave it said.

A handler gets a `Request` and returns its answer's text; it refuses by raising a UserError before
it has changed anything. Abbreviations, QUIET, rights, codes and the echo are the interpreter's
work.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property

from listserv_py.commands.recipients import Recipients
from listserv_py.commands.roster import Roster
from listserv_py.commands.syntax import Arguments, fold, shown
from listserv_py.errors import UnknownSwitch
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.proof import Proof
from listserv_py.store.turn import Turn


class Privilege(StrEnum):
    """Who may give a command; a postmaster may give all of them."""

    ANYBODY = "anybody"
    SUBSCRIBER = "subscriber"
    OWNER = "owner"
    CONFIGURER = "configurer"
    """Whoever may change the list's header: its owners, or whom `Configuration-Owner=` names."""
    MODERATOR = "moderator"
    POSTMASTER = "postmaster"
    DISTRIBUTOR = "distributor"
    """Whom `[site] distribute` names."""


class Confirm(StrEnum):
    """Whose word a command takes before it runs; `rights.ENOUGH` says it list by list."""

    NEVER = "never"
    """Anybody's: it shows and changes nothing protected, or is itself the answer to a code."""
    ORDINARY = "ordinary"
    """What a subscriber does to his own subscription, or asks of the list: SET, REVIEW."""
    PROTECTED = "protected"
    """What `Validate= Yes` guards as well: leaving."""
    UNLESS_PROVEN = "unless proven"
    """Owners' commands, and what others see of a person: never on the word of a From line."""
    NOT_BY_SIGNATURE = "not by signature"
    """What would give a list away: PUT."""
    BY_PASSWORD = "by password"  # noqa: S105 - no password
    """What only its sender's password lets run: a mail to anybody. No code is asked for."""
    ALWAYS = "always"
    """What the mailbox itself has to answer for, whatever else proves its sender: joining."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The command mail behind an answered code; what the record of consent is made from.

    `echo`: whether its lines are to be repeated in the answer.
    """

    at: datetime
    message_id: str
    host: str
    echo: bool = True


@dataclass(frozen=True, slots=True)
class Actor:
    """Whose command it is, and how that is known; `letter` None: it came from the command line.

    `name` is what his From line calls him. `asked` is set when he answered a code. `gave_password`:
    the line has it, and it was right. `host`: where he called from, when no letter brought it.
    """

    mailbox: Mailbox
    name: str = ""
    proof: Proof = Proof.NONE
    letter: Letter | None = None
    asked: Asked | None = None
    gave_password: bool = False
    host: str = ""

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """All by which he is known; a list may refuse one of them."""
        return (self.proof, Proof.PASSWORD) if self.gave_password else (self.proof,)


@dataclass(frozen=True, slots=True)
class Line:
    """A command line, and the data that came with it: lines that are no commands themselves.

    `said` is what its author wrote, where that was only `ok`. `roster` are the people of the
    dataset that it names by `DD=`, `recipients` those of a DISTRIBUTE; None without one.
    """

    text: str
    said: str
    answers_request: bool = False
    data: tuple[str, ...] = ()
    roster: Roster | None = None
    recipients: Recipients | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """One line, understood, with all that a handler may use; what came with it is the line's.

    `run` runs further lines as another actor: OK gives what it confirms to it.
    """

    turn: Turn
    actor: Actor
    command: Command
    arguments: Arguments
    quiet: bool
    table: Table
    run: Callable[[Turn, Actor, tuple[Line, ...]], str]
    data: tuple[str, ...] = ()
    roster: Roster | None = None
    recipients: Recipients | None = None

    def say(self, form: str, **slots: str) -> str:
        """A form's text, as an answer; where it speaks of a list, in the words of that list."""
        listname = slots.get("LISTNAME", "")
        found = self.turn.tx.lists.find(listname) if listname else None
        return self.turn.words(found).fill(form, slots).body


def answer_at_once(request: Request) -> Request:
    """The default of `prepare`: nothing to check, nothing to complete."""
    return request


def as_declared(request: Request) -> Confirm:
    """The default of `weigh`: what the command's own line in the table says."""
    return request.command.confirm


def nothing_more(_: Request) -> str:
    """The default of `explain`: the line says it all."""
    return ""


def no_weight(_: Request) -> int:
    """The default of `weight`: the line is a line like others."""
    return 0


@dataclass(frozen=True, slots=True)
class Command:
    """A command as the table declares it.

    `keyword`, `synonyms` and `switches` have their shortest abbreviation in capitals. `prepare`
    refuses what need not be confirmed first and completes the arguments, so that what waits for a
    code is whole; `weigh` says for this very request when a code is needed, and `explain` what the
    one who is asked must read besides the line. `takes_data`: lines below it that begin with `*`
    belong to it. `table_in_help` is shown by HELP only. `unmistakable` words are commands even
    where people talk, so that a post which begins with one is caught. `conceal` says what of the
    words behind the command an echo may show; None: all of them. `is_about_files`:
    `lenient.plainly` reads its words first.
    """

    keyword: str
    syntax: str
    privilege: Privilege
    confirm: Confirm
    handler: Callable[[Request], str]
    synonyms: tuple[str, ...] = ()
    takes_quiet: bool = False
    switches: tuple[str, ...] = ()
    table_in_help: Callable[[Request], str] = nothing_more
    prepare: Callable[[Request], Request] = answer_at_once
    weigh: Callable[[Request], Confirm] = as_declared
    explain: Callable[[Request], str] = nothing_more
    takes_data: bool = False
    unmistakable: bool = False
    conceal: Callable[[str], str] | None = None
    is_about_files: bool = False
    weight: Callable[[Request], int] = no_weight
    """For how many lines that mean many people it counts: those a mail may have a few of only."""
    compat: str = ""
    """In what it differs from LISTSERV's, and why; "" when it does not."""

    @property
    def word(self) -> str:
        """The whole keyword in capitals: how the command is written back."""
        return fold(self.keyword)

    @property
    def summary_form(self) -> str:
        """The name of the form that says in a row what it does; `templates/summaries.mailtpl`."""
        return f"SUMMARY_{self.word}"

    @property
    def details_form(self) -> str:
        """The name of the form that says more, where there is more; `templates/details.mailtpl`."""
        return f"DETAILS_{self.word}"

    @property
    def line(self) -> str:
        """The command with its syntax, as HELP shows it."""
        quiet = "[QUIET] " if self.takes_quiet else ""
        return f"{quiet}{self.keyword} {shown(self.syntax)}".rstrip()

    def is_called(self, word: str) -> bool:
        """Whether a word in capitals is the keyword, a synonym, or an abbreviation long enough."""
        return any(abbreviates(word, name) for name in (self.keyword, *self.synonyms))

    def switch(self, word: str) -> str:
        """The whole word of an option behind the parenthesis, given in capitals."""
        for name in self.switches:
            if abbreviates(word, name):
                return fold(name)
        raise UnknownSwitch(word[:40])


def abbreviates(word: str, name: str) -> bool:
    """Whether a word in capitals stands for `name`, whose shortest abbreviation is in capitals."""
    return fold(name).startswith(word) and len(word) >= shortest(name)


def shortest(keyword: str) -> int:
    """How many letters of a keyword are enough: those in capitals at its beginning."""
    return next((at for at, letter in enumerate(keyword) if letter.islower()), len(keyword))


@dataclass(frozen=True)
class Table:
    """All commands, in the order in which people should read them."""

    units: tuple[Command, ...]

    @cached_property
    def _whole_words(self) -> Mapping[str, Command]:
        return {fold(name): unit for unit in self.units for name in (unit.keyword, *unit.synonyms)}

    def find(self, word: str) -> Command | None:
        """The command that a word of any case calls, or None; only ASCII letters are folded."""
        word = fold(word)
        if not word:
            return None
        return self._whole_words.get(word) or next(
            (unit for unit in self.units if unit.is_called(word)), None
        )
