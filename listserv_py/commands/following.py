"""Whose mail a TRACE, WHY or SHOW POST may tell of, and as whom the actor is told.

An owner hears all of his list, the author what became of his post, a subscriber what became of his
copy. Everybody else is refused in the words of a message that never was: strangers learn nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from listserv_py.commands.command import Confirm, Request
from listserv_py.commands.rights import for_another, is_enough, is_owner
from listserv_py.errors import UserError
from listserv_py.lists.model import MailingList
from listserv_py.store import follow
from listserv_py.store.follow import Line
from listserv_py.store.trail import Trailed

_NUMBER = re.compile(r"[0-9]{1,15}", re.ASCII)
ID_MAX = 250
SHOWN_MAX = 60


class NothingKnown(UserError):
    """TRACE and WHY of a mail that never was, is forgotten, or does not concern who asks."""

    fields = ("message",)


class Part(StrEnum):
    """What the actor is to a post."""

    OWNER = "owner"
    AUTHOR = "author"
    READER = "reader"


@dataclass(frozen=True, slots=True)
class Known:
    """A post that the actor may hear of; `mailing_id` None: it was not distributed, or long ago.

    `line` is his own copy, where he is a reader.
    """

    mail: Trailed
    mailing_list: MailingList
    mailing_id: int | None
    part: Part
    line: Line | None = None


def prepare(request: Request) -> Request:
    """Refuse what does not concern the actor; an owner has to be proven as his list wants it."""
    found = list(known(request, claimed=True))
    owned = [one for one in found if one.part is Part.OWNER]
    if not (owned if for_another(request) else found):
        raise refusal(request)
    if not owned:
        return request
    said = replace(request.arguments, listname=owned[0].mailing_list.name)
    return replace(request, arguments=said)


def prepare_owners(request: Request) -> Request:
    """The same for what only owners may see."""
    prepared = prepare(request)
    if not prepared.arguments.listname:
        raise refusal(request)
    return prepared


def weigh(request: Request) -> Confirm:
    """What concerns oneself is answered at once; what others see of people is not."""
    return Confirm.UNLESS_PROVEN if request.arguments.listname else Confirm.NEVER


def refusal(request: Request) -> NothingKnown:
    """In the same words whatever the reason is."""
    return NothingKnown(request.arguments.text[:SHOWN_MAX])


def known(request: Request, *, claimed: bool = False) -> Iterator[Known]:
    """The posts that the line means and the actor may hear of; `claimed`: were he proven."""
    for mail in _meant(request):
        yield from _of(request, mail, claimed=claimed)


def _meant(request: Request) -> list[Trailed]:
    """The mails of a Message-ID, or of a post's number."""
    tx, said = request.turn.tx, request.arguments.text
    trail = tx.trail
    if _NUMBER.fullmatch(said):
        return trail.of_mailing(int(said))
    if len(said) > ID_MAX:
        return []
    message_id = said if said.startswith("<") else f"<{said}>"
    # A list may give posts a Message-ID of its own, the only one that their readers see.
    return trail.of_message(message_id) or trail.of_mailing(tx.outbox.called(message_id))


def _of(request: Request, mail: Trailed, *, claimed: bool) -> Iterator[Known]:
    """What a mail is to the actor: at most one answer for each list that it went to."""
    tx = request.turn.tx
    parts = follow.parts(tx.db, mail.mailing_id) if mail.mailing_id is not None else []
    pairs: list[tuple[int | None, int | None]] = [
        (follow.list_of(tx.db, one), one) for one in parts
    ]
    by_him = tx.trail.is_by(mail, request.actor.mailbox)
    for list_id, mailing_id in pairs or [(mail.list_id, None)]:
        found = tx.lists.by_id(list_id) if list_id is not None else None
        if found is None:
            continue
        if _owns(request, found, claimed=claimed):
            yield Known(mail, found, mailing_id, Part.OWNER)
        elif by_him:
            yield Known(mail, found, mailing_id, Part.AUTHOR)
        elif (line := _own_line(request, found, mailing_id)) is not None:
            yield Known(mail, found, mailing_id, Part.READER, line)


def _owns(request: Request, mailing_list: MailingList, *, claimed: bool) -> bool:
    if not is_owner(request.turn, request.actor, mailing_list):
        return False
    proofs = request.actor.proofs
    return claimed or any(
        is_enough(Confirm.UNLESS_PROVEN, proof, (mailing_list,)) for proof in proofs
    )


def _own_line(request: Request, mailing_list: MailingList, mailing_id: int | None) -> Line | None:
    tx = request.turn.tx
    own = tx.subscribers.find(mailing_list.id, request.actor.mailbox)
    if own is None or mailing_id is None:
        return None
    return follow.line_of(tx.db, mailing_id, own.id)
