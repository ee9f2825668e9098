"""A list's header for the command line's `edit`: opened, stored, closed.

The operator has it open in the name of the command address, which nobody writes from: by mail he is
somebody else, and a second operator at the command line is kept out as well.
"""

from dataclasses import dataclass
from datetime import timedelta

from listserv_py.commands.headerchange import (
    Editor,
    changes,
    checked,
    remarks,
    store,
    topics_told,
)
from listserv_py.control.operation import Refused
from listserv_py.errors import HeaderFaults
from listserv_py.lists.model import MailingList
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import moment

OPEN_FOR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Edited:
    """A header as it was opened, and as it is to be."""

    listname: str
    opened: str
    text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of it: stored unless there are faults; `changes` "" when it said the same."""

    faults: str = ""
    changes: str = ""
    remarks: str = ""


def open_(turn: Turn, listname: str) -> str:
    """Lock the header and return its text; Refused when somebody has it open."""
    mailing_list = turn.tx.lists.get(listname)
    lock = turn.tx.headers.locked(mailing_list.id, turn.now)
    if lock:
        at_home = lock.mailbox == turn.command_address
        who = "somebody at the command line" if at_home else str(lock.mailbox)
        raise Refused(
            f"{mailing_list.name}: {who} has the header open until {moment(lock.until)};"
            f" `listserv-py cmd UNLOCK {mailing_list.name}` frees it"
        )
    turn.tx.headers.lock(mailing_list.id, turn.command_address, turn.now + OPEN_FOR)
    return str(mailing_list.header)


def save(turn: Turn, edited: Edited) -> Outcome:
    """Store the header unless it has faults; Refused when another was stored meanwhile."""
    mailing_list = turn.tx.lists.get(edited.listname)
    before = mailing_list.header
    if str(before) != edited.opened or _is_anothers(turn, mailing_list):
        raise Refused(f"{mailing_list.name}: somebody else has changed the header meanwhile")
    editor = Editor("The site's command line", is_postmaster=True)
    try:
        header = checked(turn, edited.text, mailing_list, editor)
    except HeaderFaults as exc:
        return Outcome(faults=exc.values[0])
    if str(header) == str(before):
        return Outcome()
    store(turn, mailing_list, header, editor)
    told = topics_told(turn, mailing_list, header), remarks(before, header)
    return Outcome(changes=changes(before, header), remarks="\n".join(filter(None, told)))


def close(turn: Turn, listname: str) -> None:
    """Free the header, if it is still ours."""
    mailing_list = turn.tx.lists.get(listname)
    if not _is_anothers(turn, mailing_list):
        turn.tx.headers.unlock(mailing_list.id)


def _is_anothers(turn: Turn, mailing_list: MailingList) -> bool:
    lock = turn.tx.headers.locked(mailing_list.id, turn.now)
    return lock is not None and lock.mailbox != turn.command_address
