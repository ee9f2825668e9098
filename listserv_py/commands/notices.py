"""Short mails to owners and to people about whom an owner gave a command."""

from __future__ import annotations

from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn


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
