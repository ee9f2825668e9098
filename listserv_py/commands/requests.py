"""Mail for people: LIST-request, postmaster, abuse and the like goes on to those in charge.

Nothing in it is ever run as a command. The mail is passed on as it came, under an envelope of our
own, with the address that it was written to noted on top: a mail that carries that note already
has gone round and is dropped. Our signature and envelope would make a mail under our own
organisation's name look genuine: one that nothing proves goes inside a mail of ours, and so does
one that does not name one author.
"""

from __future__ import annotations

from listserv_py.commands.humans import answerable
from listserv_py.lists.addresses import Destination, Door, address_of
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners
from listserv_py.mail.compose import header_line
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.store.leaks import shows_secret
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn

log = get_logger("requests")

NOTE = "X-Loop"
HOPS_MAX = 30


def work(turn: Turn, letter: Letter, destination: Destination) -> None:
    """Pass the mail on, and tell its author where it went."""
    mailing_list = turn.tx.lists.find(destination.listname or "")
    people = heard_owners(mailing_list) if mailing_list else turn.postmasters
    if _went_round(letter, str(letter.rcpt)) or (letter.is_borrowed and _is_ours(turn, letter)):
        log.warning("requests.loop", spool=letter.spool_id)
        return
    if shows_secret(turn.tx, letter.message, turn.now):
        _return(turn, letter)
        return
    people = tuple(person for person in people if not turn.is_own(person))
    if not people:
        log.error("requests.nobody_in_charge", spool=letter.spool_id)
        turn.tx.spool.set_aside(letter.spool_id, "nobody is in charge of this address")
        return
    if letter.is_borrowed:
        for person in people:
            turn.enclose(person, letter, mailing_list)
    else:
        _send_on(turn, letter, people, mailing_list)
    _acknowledge(turn, letter, mailing_list, people)


def _send_on(
    turn: Turn, letter: Letter, people: tuple[Mailbox, ...], mailing_list: MailingList | None
) -> None:
    content = header_line(NOTE, str(letter.rcpt)) + letter.message.raw
    reverse_path = _reverse_path(turn, letter, mailing_list)
    for person in people:
        turn.tx.outbox.send(
            person,
            content,
            kind=Kind.FORWARD,
            now=turn.now,
            list_id=mailing_list.id if mailing_list else None,
            reverse_path=reverse_path,
            about=letter.spool_id,
        )


def _return(turn: Turn, letter: Letter) -> None:
    """Tell the author of a mail with a password or code in it that nobody else was shown it."""
    log.info("requests.secret", spool=letter.spool_id)
    author = answerable(turn, letter)
    if author is not None:
        slots = {"ADDRESS": str(letter.rcpt), "MYADDRESS": str(turn.command_address)}
        turn.mail(author.mailbox, "REQUEST_PASSWORD", slots, kind=Kind.REPLY, letter=letter)


def _went_round(letter: Letter, rcpt: str) -> bool:
    noted = {field.value.lower() for field in letter.message.all(NOTE)}
    return rcpt.lower().encode() in noted or len(letter.message.received) > HOPS_MAX


def _is_ours(turn: Turn, letter: Letter) -> bool:
    """Whether this server itself wrote the mail, as it says: what we enclosed comes back."""
    author = letter.message.author
    if author is None or not turn.is_own(author.mailbox):
        return False
    # Whatever the local parts: a person may write as the postmaster.
    people = [one for one in (author.mailbox, letter.reverse_path) if one is not None]
    return letter.message.is_automatic(letter.reverse_path, people)


def _reverse_path(turn: Turn, letter: Letter, mailing_list: MailingList | None) -> str:
    """Where the forward's bounces go: to our own bounce address, never on from a bounce."""
    if letter.reverse_path is None:
        return ""
    site = turn.settings.site
    if mailing_list is None:
        bounce = Destination(Door.OWN_BOUNCE)
    else:
        bounce = Destination(Door.OWNER, mailing_list.name)
    return str(address_of(bounce, domain=site.domain, name=site.name))


def _acknowledge(
    turn: Turn, letter: Letter, mailing_list: MailingList | None, people: tuple[Mailbox, ...]
) -> None:
    """REQACK1: a person who wrote to the owners learns that commands belong elsewhere."""
    author = answerable(turn, letter)
    if author is None or mailing_list is None or author.mailbox in people:
        return
    slots = {
        "REQUEST": str(letter.rcpt),
        "LISTNAME": mailing_list.name,
        "LISTADDR": str(mailing_list.address),
        "MYADDRESS": str(turn.command_address),
    }
    turn.mail(
        author.mailbox,
        "REQACK1",
        slots,
        kind=Kind.REPLY,
        letter=letter,
        mailing_list=mailing_list,
    )
