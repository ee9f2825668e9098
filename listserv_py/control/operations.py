"""What the command line can ask for, as a table: each a plain function of one turn.

A question is all that the operator said, already read; nothing here touches the terminal. What a
question holds is checked here nevertheless where it decides something: names, addresses, options.
"""

import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from pydantic import TypeAdapter

from listserv_py.commands import jobs
from listserv_py.commands.interpreter import run_job
from listserv_py.commands.jobs import Job
from listserv_py.control import archives, headers, rosters, tracing
from listserv_py.control.operation import Operation, Refused
from listserv_py.delivery.maildir import folder_name
from listserv_py.errors import BadListname, HeaderFaults
from listserv_py.lists.addresses import is_listname, reserved
from listserv_py.lists.header import new_header, parse_header, sets_keyword
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.archive_people import Erasing
from listserv_py.store.backup import sweep
from listserv_py.store.changelog import Checked
from listserv_py.store.erasures import Erasures
from listserv_py.store.mentions import whole_address
from listserv_py.store.people import People
from listserv_py.store.queue_view import Detail, Retried, Waiting
from listserv_py.store.records import Record
from listserv_py.store.turn import Turn
from listserv_py.texts import site

ERASED_AT_ONCE = 50
"""Posts in archives; each takes about a millisecond."""


@dataclass(frozen=True, slots=True)
class NewList:
    """`create`: `sets` are header lines such as `Send= Public`."""

    name: str
    owners: tuple[str, ...]
    title: str = ""
    sets: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Said:
    """`cmd`: command lines and who gives them; "" is the first postmaster."""

    text: str
    actor: str = ""


@dataclass(frozen=True, slots=True)
class Understood(Said):
    """The same, read: a dataset may take a second."""

    job: Job | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """The reply to command lines; `refused` when one of them was."""

    reply: str
    refused: bool


def _create(turn: Turn, asked: NewList) -> str:
    if not is_listname(asked.name) or reserved(asked.name, turn.settings.site.name):
        raise BadListname(asked.name)
    if any(not one.isprintable() for one in (asked.title, *asked.sets)):
        raise Refused("a title and a header line each have to be one line")
    for line in asked.sets:
        if not sets_keyword(line):
            raise Refused(f"{line!r} sets nothing; write it as 'Keyword= value'")
    owners = [parse_mailbox(owner) for owner in asked.owners]
    header = new_header(asked.name, asked.title, owners, asked.sets)
    try:
        parse_header(header)
    except HeaderFaults as exc:
        # The lines are counted in a header that the operator has never seen.
        raise Refused(re.sub(r"(?m)^Line \d+: ", "", exc.values[0])) from exc
    return str(turn.tx.lists.add(asked.name, header, turn.now).address)


def _say(turn: Turn, said: Said) -> Heard:
    if not said.actor and not turn.postmasters:
        raise Refused("site.postmasters is empty: say by --as who gives the command")
    actor = parse_mailbox(said.actor) if said.actor else turn.postmasters[0]
    job = said.job if isinstance(said, Understood) else None
    return Heard(*run_job(turn, actor, said.text, job))


def _understood(said: Said) -> Said:
    return Understood(said.text, said.actor, jobs.read(said.text))


@dataclass(frozen=True, slots=True)
class Queue:
    """What waits to go out, and how many mails came in but were set aside."""

    waiting: list[Waiting]
    aside: int


def _queue(turn: Turn, limit: int) -> Queue:
    return Queue(turn.tx.outbox.view(limit), turn.tx.spool.count_aside())


def _show(turn: Turn, mailing_id: int) -> Detail:
    found = turn.tx.outbox.show(mailing_id)
    if found is None:
        raise Refused(f"nothing with the number {mailing_id} waits")
    return found


@dataclass(frozen=True, slots=True)
class Retry:
    """What to try at once, None for all; `after` is where the last answer says to go on."""

    id: int | None
    after: int = 0


def _retry(turn: Turn, asked: Retry) -> Retried:
    done = turn.tx.outbox.retry_some(asked.id, asked.after)
    if asked.after:
        return done
    if asked.id is None:
        return Retried(done.mailings + turn.tx.spool.take_up_again(), done.after)
    if not done.mailings:
        raise Refused(f"nothing with the number {asked.id} waits")
    return done


def _drop(turn: Turn, mailing_id: int) -> None:
    if not turn.tx.outbox.drop(mailing_id):
        raise Refused(f"nothing with the number {mailing_id} waits")


def _personal_data(turn: Turn, address: str) -> dict[str, list[Record]]:
    return People(turn.tx).stored_about(parse_mailbox(address))


@dataclass(frozen=True, slots=True)
class Erased:
    """How many rows are gone, and the texts, written by others, that name the person still."""

    rows: int
    named_in: list[str]


@dataclass(frozen=True, slots=True)
class Erasure:
    """Whom to erase; the rest tells what slices have done: his names, and up to which post."""

    address: str
    names: tuple[str, ...] = ()
    past: int = 0
    archived: Erasing = field(default_factory=Erasing)


def _erase_archived(turn: Turn, asked: Erasure) -> Erasure:
    """A slice of it: the posts of a life are more than one turn may take."""
    mailbox, people = _erasable(turn, asked.address), turn.tx.archive_people
    if asked.archived == Erasing():
        names = tuple(people.names(mailbox))
        asked = replace(asked, names=names, past=people.last_id())
    so_far = people.erase_some(mailbox, frozenset(asked.names), asked.archived, ERASED_AT_ONCE)
    return replace(asked, archived=so_far)


def _erasable(turn: Turn, address: str) -> Mailbox:
    mailbox = parse_mailbox(address)
    if mailbox in turn.postmasters:
        raise Refused(f"{mailbox} is a postmaster: take the address out of site.postmasters first")
    People(turn.tx).check_unnamed(mailbox)
    return mailbox


def _erase(turn: Turn, asked: Erasure) -> Erased:
    mailbox, people = _erasable(turn, asked.address), People(turn.tx)
    many = asked.archived.posts + people.erase(mailbox, asked.names, asked.past)
    _erase_maildir(turn, mailbox)
    sweep(turn.settings.site.data_dir)
    # Noted before the commit: an erasure that a crash undid may be noted, never the reverse.
    Erasures(turn.settings.site.data_dir).note(mailbox, turn.now)
    return Erased(many, [*people.named_in(mailbox), *_named_by_site(turn, mailbox)])


def _named_by_site(turn: Turn, mailbox: Mailbox) -> Iterator[str]:
    """The site's own forms, where they name a person."""
    text, _ = site.read(turn.settings.site.data_dir)
    if whole_address(mailbox).search(text):
        yield site.PLACE


def _erase_maildir(turn: Turn, mailbox: Mailbox) -> None:
    """What was "sent" into a Maildir lies in our own folder still."""
    name = folder_name(str(mailbox)).lower()
    for folder in (turn.settings.site.data_dir / "maildir").glob("*"):
        if folder.name.lower() == name:
            shutil.rmtree(folder)


def _check_changes(turn: Turn, _: None) -> Checked:
    return turn.tx.changelog.check()


CREATE = Operation("create", TypeAdapter(NewList), TypeAdapter(str), _create)
CMD = Operation("cmd", TypeAdapter(Said), TypeAdapter(Heard), _say, ahead=_understood)
EDIT = Operation("edit", TypeAdapter(str), TypeAdapter(str), headers.open_)
EDIT_SAVE = Operation(
    "edit save", TypeAdapter(headers.Edited), TypeAdapter(headers.Outcome), headers.save
)
EDIT_CLOSE = Operation("edit close", TypeAdapter(str), TypeAdapter(None), headers.close)
IMPORT = Operation(
    "import", TypeAdapter(rosters.Incoming), TypeAdapter(rosters.Taken), rosters.take_in
)
EXPORT = Operation(
    "export", TypeAdapter(rosters.Page), TypeAdapter(list[rosters.Row]), rosters.page, reads=True
)
QUEUE = Operation("queue", TypeAdapter(int), TypeAdapter(Queue), _queue, reads=True)
SHOW = Operation("queue show", TypeAdapter(int), TypeAdapter(Detail), _show, reads=True)
RETRY = Operation("queue retry", TypeAdapter(Retry), TypeAdapter(Retried), _retry)
DROP = Operation("queue drop", TypeAdapter(int), TypeAdapter(None), _drop)
PERSONAL_DATA = Operation(
    "personal-data",
    TypeAdapter(str),
    TypeAdapter(dict[str, list[Any]]),
    _personal_data,
    reads=True,
)
ERASE_ARCHIVED = Operation(
    "erase-archived", TypeAdapter(Erasure), TypeAdapter(Erasure), _erase_archived
)
ERASE = Operation("erase", TypeAdapter(Erasure), TypeAdapter(Erased), _erase, scrubs=True)
ARCHIVE_TAKE = Operation(
    "archive take",
    TypeAdapter(archives.Batch),
    TypeAdapter(archives.Filed),
    archives.take_in,
    ahead=archives.understand,
)
ARCHIVE_PAGE = Operation(
    "archive page",
    TypeAdapter(archives.Wanted),
    TypeAdapter(list[archives.Archived]),
    archives.page,
    reads=True,
)
CHECK_CHANGES = Operation(
    "check changes", TypeAdapter(None), TypeAdapter(Checked), _check_changes, reads=True
)

OPERATIONS: Mapping[str, Operation[Any, Any]] = {
    operation.name: operation
    for operation in (
        *(ARCHIVE_TAKE, ARCHIVE_PAGE),
        *(CREATE, CMD, EDIT, EDIT_SAVE, EDIT_CLOSE, IMPORT, EXPORT),
        *(QUEUE, SHOW, RETRY, DROP, PERSONAL_DATA, ERASE_ARCHIVED, ERASE, CHECK_CHANGES),
        *(tracing.TRACE, tracing.PROGRESS),
    )
}
