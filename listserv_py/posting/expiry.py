"""Held posts that nobody answered in time: given up, with a word to their author.

A post that waited for its own author's word goes in silence: its From line was only a claim, and
the request has told whoever owns the address that doing nothing is safe.
"""

from __future__ import annotations

from listserv_py.lists.addresses import route
from listserv_py.lists.holding import HeldFor
from listserv_py.lists.model import MailingList
from listserv_py.mail.letter import Letter
from listserv_py.mail.message import read
from listserv_py.maillog import get_logger
from listserv_py.posting.answers import tell_author
from listserv_py.posting.post import gather
from listserv_py.store.spool import Entry
from listserv_py.store.trail import What
from listserv_py.store.turn import Turn

log = get_logger("posting")


def expire(turn: Turn, spool_id: int) -> None:
    """Give up a held post whose time is over."""
    spool = turn.tx.spool
    entry, waited_for = spool.load(spool_id), spool.held_for(spool_id)
    if entry is None or waited_for is None:
        return
    mailing_list = _list_of(turn, entry)
    outcome = turn.words(mailing_list).fill("OUTCOME_EXPIRED", {}).body
    turn.tx.cookies.settle(spool_id, outcome, turn.now)
    spool.drop(spool_id)
    turn.tx.trail.step(spool_id, What.EXPIRED, turn.now)
    told = False
    if mailing_list is not None and waited_for != HeldFor.AUTHOR:
        letter = _letter(entry)
        post = gather(turn, letter, mailing_list, _no_command)
        told = tell_author(turn, letter, post, "POST_EXPIRED")
    log.info("post.expired", spool=spool_id, waited_for=waited_for, told=told)


def _list_of(turn: Turn, entry: Entry) -> MailingList | None:
    site = turn.settings.site
    found = route(entry.rcpt, domain=site.domain, name=site.name)
    return turn.tx.lists.find(found.listname) if found and found.listname else None


def _letter(entry: Entry) -> Letter:
    return Letter(
        spool_id=entry.id,
        reverse_path=entry.reverse_path,
        rcpt=entry.rcpt,
        client=entry.client,
        host=entry.client,
        protocol=entry.protocol,
        received_at=entry.received_at,
        message=read(entry.raw),
        confirmed=entry.confirmed,
    )


def _no_command(_: str) -> bool:
    return False
