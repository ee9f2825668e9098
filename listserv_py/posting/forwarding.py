"""Mail to an author's alias: passed on to him as it came, or dropped; nobody ever gets an answer.

Our signature does not go on it: we do not know who wrote it, and strict hosts would take it for
our own organisation's word. It goes out under our bounce address, where reports about it end. That
address counts as well for who shares our organisation: his mail, unproven, goes inside one of ours.
"""

from __future__ import annotations

from datetime import timedelta

from listserv_py.lists.addresses import Destination, Door, address_of
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.splice import behind_trace, cut, joined, new_field, put_in
from listserv_py.maillog import get_logger
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn

log = get_logger("posting")

HOPS_MAX = 40
BUDGET = "forward"
BUDGET_TIME = timedelta(hours=1)
LATE_MAX = 2
"""So many times over may the hour's number be full by mails that the door took in all at once."""
_NOT_PASSED_ON = frozenset(("return-path", "bcc", "x-loop"))


def forward(turn: Turn, letter: Letter, alias: str) -> None:
    """Pass a mail on to the author behind an alias."""
    author = turn.tx.aliases.find(alias)
    reason = "nobody has this alias" if author is None else _unwanted(turn, letter, author)
    if author is None or reason is not None:
        log.info("alias.dropped", spool=letter.spool_id, reason=reason)
        return
    turn.tx.budget.spend(author, BUDGET, turn.now)
    if letter.is_borrowed:
        turn.enclose(author, letter, None)
        log.info("alias.enclosed", spool=letter.spool_id)
        return
    site = turn.settings.site
    ours = address_of(Destination(Door.OWN_BOUNCE), domain=site.domain, name=site.name)
    mailing_id = turn.tx.outbox.send(
        author,
        _marked(letter),
        kind=Kind.PASSED_ON,
        now=turn.now,
        reverse_path=str(ours),
        about=letter.spool_id,
    )
    log.info("alias.forwarded", spool=letter.spool_id, mailing=mailing_id)


def _unwanted(turn: Turn, letter: Letter, author: Mailbox) -> str | None:
    """Why a mail is not passed on."""
    message = letter.message
    marks = [one.value.decode("ascii", "replace").lower() for one in message.all("x-loop")]
    spent = turn.tx.budget.spent(author, BUDGET, turn.now, BUDGET_TIME)
    reasons = {
        "null sender": letter.reverse_path is None,
        "unreadable": message.fault is not None,
        "automatic": message.is_automatic(letter.reverse_path, ()),
        "a loop": str(letter.rcpt).lower() in marks or len(message.received) > HOPS_MAX,
        "this server wrote it": bool(message.all("x-lsv-listid")) or _is_ours(turn, letter),
        "too big": len(message.raw) > turn.settings.dmarc.forward_size,
        "too many": spent >= turn.settings.dmarc.forwards * LATE_MAX,
        "it would come back": turn.is_own(author),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _is_ours(turn: Turn, letter: Letter) -> bool:
    author = letter.message.author
    senders = (letter.reverse_path, author.mailbox if author else None)
    return any(one is not None and turn.is_own(one) for one in senders)


def _marked(letter: Letter) -> bytes:
    """The mail, with a mark by which it is known when it comes back."""
    fields = cut(letter.message.fields, lambda one: one.name in _NOT_PASSED_ON)
    mark = new_field("X-Loop", str(letter.rcpt).lower())
    whole = put_in(fields, behind_trace(fields), [mark])
    return joined(whole) + b"\r\n" + letter.message.body
