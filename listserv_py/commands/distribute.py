"""DISTRIBUTE: a mail to people who are on no list, for those whom the site lets do that.

It makes this server send whatever they write to whomever they name: so they are few, named in the
settings, and nothing but their password proves them, in each mail anew.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from listserv_py.commands import jobmail
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.errors import (
    BadJobMail,
    BadRecipients,
    NotDistributor,
    OtherDistribution,
    OtherSender,
    TooManyRecipients,
)
from listserv_py.commands.recipients import Recipients
from listserv_py.commands.syntax import fold
from listserv_py.errors import ExtraWords, MissingWord, NoDataset
from listserv_py.lists import merging
from listserv_py.lists.addresses import Door, route
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import Mailbox, known_mailbox, parse_mailbox
from listserv_py.mail.message import Message
from listserv_py.mail.proof import Proof
from listserv_py.maillog import get_logger
from listserv_py.store.changelog import Verb
from listserv_py.store.recipients import Row
from listserv_py.texts.merge import names_of

log = get_logger("commands")

MAIL, MERGE = "MAIL", "MAIL-MERGE"
DATA, TO = "DATA", "TO"
SHOWN = 20
INLINE_MAX = 100

_OPTION = re.compile(r"([A-Z-]{1,20})=(.*)", re.IGNORECASE | re.ASCII)
_HEEDED = ("FROM", "DKIM", "DEBUG", "ACK", "PRIORITY")
_WITHOUT_EFFECT = ("CANON", "CHARSET", "INFORM", "TRACE", "CHANGELOG")
_ALSO_CALLED = {"PRIOR": "PRIORITY"}
_READS = {
    "ACK": re.compile(r"NONE|MAIL|MSG", re.IGNORECASE),
    "PRIORITY": re.compile(r"[0-9]{1,2}", re.ASCII),
}
PRIORITY = "50"
"""A job's, when it does not say; of jobs that go out at one time the highest goes first."""
_FROM_ELSEWHERE = ("DBMS", "SQL", "SELECT", "LIST", "WHERE")


@dataclass(frozen=True, slots=True)
class Said:
    """The words behind DISTRIBUTE; `people` stand on the line itself."""

    type: str
    source: str = DATA
    to: str = TO
    people: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)


def said_in(text: str) -> Said:
    """Read the line; UserError says what cannot be read."""
    kind, *words = [word for word in text.split() if word] or [""]
    if not kind:
        raise MissingWord("MAIL or MAIL-MERGE")
    if fold(kind) not in (MAIL, MERGE):
        raise OtherDistribution(fold(kind)[:40])
    said, behind_to = Said(fold(kind)), False
    for word in words:
        option = _OPTION.fullmatch(word)
        if fold(word) == "TO":
            behind_to = True
        elif option is None:
            if "@" not in word:
                raise _stranger(word)
            said = replace(said, people=(*said.people, word))
        elif fold(option[1]) == "DD":
            name = fold(option[2])
            said = replace(said, to=name) if behind_to else replace(said, source=name)
        else:
            said = replace(said, options={**said.options, _option(word, option[1]): option[2]})
    if len(said.people) > INLINE_MAX:
        raise TooManyRecipients(str(INLINE_MAX))
    return said


def _option(word: str, said: str) -> str:
    """The option that a word sets; UserError when there is none such, or it takes no such value."""
    name = _ALSO_CALLED.get(fold(said), fold(said))
    if name not in (*_HEEDED, *_WITHOUT_EFFECT):
        raise _stranger(word)
    value = word.partition("=")[2]
    if name in _READS and not _READS[name].fullmatch(value):
        raise ExtraWords(word[:60])
    return name


def _stranger(word: str) -> OtherDistribution | ExtraWords:
    is_elsewhere = fold(word.partition("=")[0]) in _FROM_ELSEWHERE
    return OtherDistribution(fold(word)[:40]) if is_elsewhere else ExtraWords(word[:60])


def prepare(request: Request) -> Request:
    """Refuse everybody but the few, before anything of theirs is looked at."""
    allowed = {parse_mailbox(one) for one in request.turn.settings.site.distribute}
    actor = request.actor
    if actor.mailbox not in allowed and actor.proof is not Proof.OPERATOR:
        log.warning("commands.not_distributed", by=str(actor.mailbox))
        raise NotDistributor
    said_in(request.arguments.text)
    return request


def distribute(request: Request) -> str:
    """Put the mail into the outbox."""
    said, turn = said_in(request.arguments.text), request.turn
    recipients = _recipients(request, said)
    rows, own = _not_ours(request, recipients.rows)
    _check_count(request, recipients, rows)
    message = _mail(request, said, recipients)
    sender = _sender(request, said)
    faults = [f"{number}: {line}" for number, line in recipients.faults] + own
    shown = "\n".join(faults[:SHOWN])
    slots = {"COUNT": str(len(rows)), "FAULTS": str(len(faults)), "LINES": shown}
    if fold(said.options.get("DEBUG", "NO")).startswith("Y"):
        return request.say("DISTRIBUTE_CHECKED", **slots)
    number = turn.tx.outbox.distribute_job(
        message.raw, _facts(request, said, recipients), rows, sender=str(sender), now=turn.now
    )
    what = f"{said.type} to {len(rows)}, job {number}, bounces to {sender}"
    turn.tx.changelog.note_site(Verb.DISTRIBUTE, request.actor.mailbox, what, turn.now)
    log.warning(
        "commands.distributed",
        by=str(request.actor.mailbox), mailing=number, type=said.type, recipients=len(rows),
        sender=str(sender), message_id=message.message_id,
    )  # fmt: skip
    if fold(said.options.get("ACK", "")) == "NONE" and not faults:
        return ""
    return request.say("DISTRIBUTED", NUMBER=str(number), **slots)


def _recipients(request: Request, said: Said) -> Recipients:
    if said.people:
        rows = tuple(_inline(word) for word in said.people)
        return Recipients(tuple({row[1]: row for row in rows}.values()))
    found = request.recipients
    if found is None or not found.is_whole:
        raise NoDataset(said.to)
    if found.fault:
        raise BadRecipients(found.fault)
    return found


def _inline(word: str) -> Row:
    mailbox = parse_mailbox(word.strip("<>,"))
    return str(mailbox), mailbox.key, ("",)


def _not_ours(request: Request, rows: Iterable[Row]) -> tuple[list[Row], list[str]]:
    """Those that mail may go to: to addresses of this server it would come back."""
    domain, turn = f"@{request.turn.settings.site.domain}", request.turn
    kept: list[Row] = []
    own: list[Row] = []
    for row in rows:
        is_own = row[0].lower().endswith(domain) and turn.is_own(known_mailbox(row[0]))
        (own if is_own else kept).append(row)
    return kept, [row[0] for row in own]


def _check_count(request: Request, recipients: Recipients, rows: list[Row]) -> None:
    limit = request.turn.settings.limits.distribute_recipients
    if len(rows) > limit:
        raise TooManyRecipients(str(limit))
    if not rows:
        faults = [line for _, line in recipients.faults[:1]]
        raise BadRecipients(f"it has no address; {faults[0]}" if faults else "it has no address")


def _mail(request: Request, said: Said, recipients: Recipients) -> Message:
    if not request.data:
        raise NoDataset(said.source)
    turn = request.turn
    message_id = f"<{turn.new_token()}@{turn.settings.site.domain}>"
    message = jobmail.made_of(request.data, turn.now, message_id)
    if len(message.raw) > turn.settings.limits.message_size:
        raise BadJobMail(f"it has more than {turn.settings.limits.message_size} octets")
    if said.type == MERGE:
        fault = merging.fault(message, names_of(recipients.columns, of_list=False))
        if fault:
            raise BadJobMail(fault)
    return message


def _sender(request: Request, said: Said) -> Mailbox:
    """Where its bounces go: to him who sends it, or to a list that takes bounces in."""
    given = said.options.get("FROM", "")
    if not given:
        return request.actor.mailbox
    mailbox = parse_mailbox(given.strip("<>"))
    if mailbox != request.actor.mailbox and not _is_of_list(request, mailbox):
        raise OtherSender(given[:60], request.turn.settings.site.domain)
    return mailbox


def _is_of_list(request: Request, mailbox: Mailbox) -> bool:
    """Whether a list here takes the bounces: `FROM=owner-listname@` is LISTSERV's own advice."""
    site = request.turn.settings.site
    found = route(mailbox, domain=site.domain, name=site.name)
    listname = found.listname if found and found.door is Door.OWNER else None
    return listname is not None and request.turn.tx.lists.find(listname) is not None


def _facts(request: Request, said: Said, recipients: Recipients) -> ListFacts:
    """What its copies are made by; there is no list."""
    turn = request.turn
    return ListFacts(
        listname="",
        title="",
        domain=turn.settings.site.domain,
        command_address=str(turn.command_address),
        stamp=int(turn.now.timestamp()),
        signed=not fold(said.options.get("DKIM", "YES")).startswith("N"),
        rfc2369=False,
        verp="FROM" not in said.options,
        merge=said.type == MERGE,
        columns=" ".join(recipients.columns),
        priority=int(said.options.get("PRIORITY", PRIORITY)),
    )


DISTRIBUTE = Command(
    keyword="DISTribute",
    syntax="distribution",
    privilege=Privilege.DISTRIBUTOR,
    confirm=Confirm.BY_PASSWORD,
    handler=distribute,
    prepare=prepare,
    compat=(
        "MAIL and MAIL-MERGE, for the addresses of `[site] distribute`, with their password and"
        " nothing else. The table of recipients with columns is our own design; there are no"
        " databases to select from. FROM= is the sender's own address or `owner-listname`;"
        " without it each copy has a bounce address of its own, and its sender is told what came"
        " back."
        " ACK=NONE is heeded, where LISTSERV has it out of the box; PRIORITY= orders jobs among"
        " themselves. CANON=, CHARSET=, INFORM=, TRACE= and CHANGELOG= have no effect."
    ),
)
