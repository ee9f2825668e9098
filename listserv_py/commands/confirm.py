"""Asking for confirmation: one request for all lines of a mail that need it.

The request goes to the address that the From line claims, which may be a victim's: it repeats
nothing of a stranger's words but list names and plain names, and three open ones are the most.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from textwrap import indent

from listserv_py.commands.command import Actor, Request
from listserv_py.commands.manners import kept_name, shown_host, shown_name
from listserv_py.commands.roster import Roster
from listserv_py.commands.syntax import Arguments, write
from listserv_py.lists.model import MailingList
from listserv_py.lists.values import Confidential
from listserv_py.store.cookies import Ask, CookieKind
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import moment

TOLD = "confirmations"
_JSON = json.JSONEncoder(ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class Waiting:
    """A line that waits for its sender's word: as it will run, and as the request shows it.

    `details` stand below it in the request.
    """

    line: str
    shown: str
    listname: str
    data: tuple[str, ...] = ()
    details: str = ""
    roster: Roster | None = None


def waiting(request: Request) -> Waiting:
    """The line in its canonical form."""
    said = request.arguments
    line, name = _line(request, said), shown_name(said.name)
    is_plain = name == said.name
    details = request.command.explain(request)
    return Waiting(
        line=line,
        shown=line if is_plain else _line(request, replace(said, name=name)),
        listname=said.listname,
        data=request.data,
        details=details,
        roster=request.roster,
    )


def _line(request: Request, arguments: Arguments) -> str:
    quiet = "QUIET " if request.quiet else ""
    return f"{quiet}{request.command.word} {write(request.command.syntax, arguments)}".rstrip()


def ask(turn: Turn, actor: Actor, lines: Sequence[Waiting], *, echo: bool = True) -> bool:
    """Mail one request for all the lines; False, told once, when too many are open already.

    `echo`: whether the answer to the code repeats them.
    """
    limit = turn.settings.limits.confirmations_per_address
    if turn.tx.cookies.open_count(actor.mailbox, turn.now) >= limit:
        _tell_once(turn, actor)
        return False
    code, expires_at = turn.new_code(), turn.now + _delay(turn, lines)
    slots = {
        "CODE": code,
        "LINES": "\n".join(indent(f"{one.shown}\n{one.details}".rstrip(), "    ") for one in lines),
        "WHOM": str(actor.mailbox),
        "DATE": moment(turn.now),
        "HOST": shown_host(_host(actor)) or "unknown",
        "EXPIRES": moment(expires_at),
        "MYADDRESS": str(turn.command_address),
        "SITE": turn.settings.site.domain,
    }
    kind = Kind.CONFIRMATION
    filled = turn.words(_list_of(turn, lines)).fill("CONFIRM1", slots)
    if not turn.mail(
        actor.mailbox,
        "CONFIRM1",
        slots,
        kind=kind,
        letter=actor.letter,
        subject=filled.subject,
        body=filled.body,
    ):
        return False
    payload = _JSON.encode(_payload(turn, actor, lines) | {"echo": echo})
    asked = Ask(CookieKind.COMMAND, actor.mailbox, payload, expires_at, turn.now)
    turn.tx.cookies.issue(asked, code)
    return True


def _payload(turn: Turn, actor: Actor, lines: Sequence[Waiting]) -> dict[str, object]:
    letter = actor.letter
    return {
        "lines": [one.line for one in lines],
        "data": [one.data for one in lines],
        "rosters": [one.roster and one.roster.rows for one in lines],
        "name": kept_name(actor.name),
        "at": turn.now.isoformat(),
        "message_id": (letter and letter.message.message_id) or "",
        "host": _host(actor),
    }


def _list_of(turn: Turn, lines: Sequence[Waiting]) -> MailingList | None:
    """The one list that all the lines are about, if its people may know of it anyway."""
    names = {one.listname for one in lines}
    found = turn.tx.lists.find(names.pop()) if len(names) == 1 else None
    return found if found and found.keywords.confidential is Confidential.NO else None


def _host(actor: Actor) -> str:
    return actor.letter.host if actor.letter is not None else actor.host


def _delay(turn: Turn, lines: Sequence[Waiting]) -> timedelta:
    """How long the code serves: the site's time, or the shortest of the lists that say less."""
    found = [turn.tx.lists.find(one.listname) for one in lines]
    theirs = [one.keywords.confirm_delay for one in found if one is not None]
    return min([turn.settings.limits.confirmation_age, *theirs])


def _tell_once(turn: Turn, actor: Actor) -> None:
    """Say that too many requests are open; then be silent until the oldest may have expired."""
    age, budget = turn.settings.limits.confirmation_age, turn.tx.budget
    if budget.spent(actor.mailbox, TOLD, turn.now, age):
        return
    slots = {"SITE": turn.settings.site.domain, "MYADDRESS": str(turn.command_address)}
    if turn.mail(
        actor.mailbox, "CONFIRM_TOO_MANY", slots, kind=Kind.CONFIRMATION, letter=actor.letter
    ):
        budget.spend(actor.mailbox, TOLD, turn.now)
