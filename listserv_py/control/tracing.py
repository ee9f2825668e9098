"""`trace` and `queue watch`: what the store knows of a mail and of posts on their way.

A mail is found by any of the names that it has: the one that our 250 gave it, its Message-ID, its
number in the spool, or the number of a mailing that was made of it. A copy is found by its envelope
sender, which is what a relay's log has.
"""

import re
from dataclasses import dataclass
from typing import Any

from pydantic import TypeAdapter

from listserv_py.control.keyed import Keyed, keyed
from listserv_py.control.operation import Operation, Refused
from listserv_py.errors import BadAddress
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store import follow, progress
from listserv_py.store.follow import Line, Page, Waits
from listserv_py.store.progress import Progress
from listserv_py.store.trail import Answered, Step, Trailed
from listserv_py.store.turn import Turn

POSTS_MAX = 200
_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked for: a mail by one of its names, and whose copy of it, "" for no one's."""

    said: str
    reader: str = ""


@dataclass(frozen=True, slots=True)
class Post:
    """A mailing of a post: `pages` are the first of `pages_in_all`, `untaken` the first copies.

    `own` is the copy of the reader who was asked for, None when it had none for him.
    """

    progress: Progress
    pages: list[Page]
    pages_in_all: int
    untaken: list[Line]
    own: Line | None = None


@dataclass(frozen=True, slots=True)
class Mail:
    """A mail that was decided on."""

    spool_id: int
    accepted_as: str
    listname: str
    protocol: str
    received_at: int
    mailing_id: int | None
    steps: list[Step]
    answers: list[Answered]
    posts: list[Post]


@dataclass(frozen=True, slots=True)
class Traced:
    """All that an id stands for; `single` is a mail of our own of that number.

    `keyed` is of an envelope sender of ours, and then nothing else is there.
    """

    mails: list[Mail]
    waits: list[Waits]
    single: Answered | None
    keyed: Keyed | None = None


def trace(turn: Turn, wanted: Wanted) -> Traced:
    """Find a mail by one of its names."""
    trail, said = turn.tx.trail, wanted.said
    of_key = keyed(turn, said)
    if of_key is not None:
        return Traced([], [], None, of_key)
    reader = _reader(wanted.reader)
    number = int(said) if _NUMBER.fullmatch(said) else None
    single = None
    if number is not None:
        found = {one.spool_id: one for one in trail.of_mailing(number) + trail.of_spool(number)}
        about = trail.mail(number)
        if about is not None:
            single = about[0]
            found |= {one.spool_id: one for one in trail.of_spool(about[1] or 0)}
        mails = list(found.values())
    elif "@" in said or said.startswith("<"):
        message_id = said if said.startswith("<") else f"<{said}>"
        mails = trail.of_message(message_id) or trail.of_mailing(turn.tx.outbox.called(message_id))
    else:
        mails = trail.of_accepted(said)
    waits = follow.in_spool(turn.tx.db, said if number is None else number)
    if not (mails or waits or single):
        raise Refused(f"nothing is known of {said}")
    return Traced([_mail(turn, one, reader) for one in mails], waits, single)


def _reader(said: str) -> Mailbox | None:
    try:
        return parse_mailbox(said) if said else None
    except BadAddress as exc:
        raise Refused(f"{said} is not a mail address") from exc


def _mail(turn: Turn, one: Trailed, reader: Mailbox | None) -> Mail:
    tx = turn.tx
    mailing_list = tx.lists.by_id(one.list_id) if one.list_id is not None else None
    parts = follow.parts(tx.db, one.mailing_id) if one.mailing_id is not None else []
    posts = (_post(turn, mailing_id, reader) for mailing_id in parts)
    return Mail(
        one.spool_id,
        one.accepted_as,
        mailing_list.name if mailing_list else "",
        one.protocol,
        one.received_at,
        one.mailing_id,
        tx.trail.steps(one.spool_id),
        tx.trail.answers(one.spool_id),
        [post for post in posts if post is not None],
    )


def _post(turn: Turn, mailing_id: int, reader: Mailbox | None) -> Post | None:
    db = turn.tx.db
    found = progress.of(db, mailing_id, int(turn.now.timestamp()))
    if found is None:
        return None
    pages, many = follow.pages(db, mailing_id), follow.count_pages(db, mailing_id)
    own = _own(turn, mailing_id, reader) if reader else None
    return Post(found, pages, many, follow.untaken(db, mailing_id), own)


def _own(turn: Turn, mailing_id: int, reader: Mailbox) -> Line | None:
    list_id = follow.list_of(turn.tx.db, mailing_id)
    subscription = turn.tx.subscribers.find(list_id, reader) if list_id is not None else None
    return follow.line_of(turn.tx.db, mailing_id, subscription.id) if subscription else None


def on_their_way(turn: Turn, _: None) -> list[Progress]:
    """How far the posts have come that have not reached everybody."""
    return progress.on_their_way(turn.tx.db, int(turn.now.timestamp()), POSTS_MAX)


TRACE: Operation[Any, Traced] = Operation(
    "trace", TypeAdapter(Wanted), TypeAdapter(Traced), trace, reads=True
)
PROGRESS: Operation[Any, list[Progress]] = Operation(
    "queue progress", TypeAdapter(None), TypeAdapter(list[Progress]), on_their_way, reads=True
)
