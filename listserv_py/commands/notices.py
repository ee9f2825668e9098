"""Short mails to owners and to people about whom an owner gave a command."""

from __future__ import annotations

from listserv_py.commands.syntax import fold
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn

SUBJECT_MAX = 200


def tell_owners(turn: Turn, mailing_list: MailingList, form: str, **slots: str) -> None:
    """Tell those whom `Notify=` names that somebody joined or left."""
    notify = mailing_list.keywords.notify
    if not notify.on:
        return
    people = (notify.address,) if notify.address else heard_owners(mailing_list)
    for person in people:
        _send(turn, person, mailing_list, form, slots)


def tell(turn: Turn, person: Mailbox, mailing_list: MailingList, form: str, **slots: str) -> None:
    """Tell somebody what an owner did to his subscription."""
    _send(turn, person, mailing_list, form, slots)


def send_text(turn: Turn, person: Mailbox, mailing_list: MailingList, name: str) -> None:
    """Send a list's WELCOME or FAREWELL, where its owners have written one."""
    text = turn.tx.templates.find(mailing_list.id, name)
    if not text:
        return
    first, _, rest = text.partition("\n")
    has_subject = fold(first[:8]) == "SUBJECT:"
    turn.mail(
        person,
        name,
        {"LISTNAME": mailing_list.name, "TEXT": rest.strip("\n") if has_subject else text},
        kind=Kind.NOTICE,
        mailing_list=mailing_list,
        subject=first[8:].strip()[:SUBJECT_MAX] if has_subject else None,
        proven=True,
    )


def _send(
    turn: Turn, to: Mailbox, mailing_list: MailingList, form: str, slots: dict[str, str]
) -> None:
    known = {
        "LISTNAME": mailing_list.name,
        "TITLE": mailing_list.title,
        "LISTADDR": str(mailing_list.address),
        "MYADDRESS": str(turn.command_address),
    }
    turn.mail(to, form, known | slots, kind=Kind.NOTICE, mailing_list=mailing_list, proven=True)
