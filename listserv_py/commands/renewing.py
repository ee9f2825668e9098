"""What `Renewal=` does by the clock: asks subscribers, and takes off who does not answer.

No day brings more than a tenth of a list, so that a list long in use does not mail everybody when
its owner begins to ask. Everything stands in the store: a server that was down goes on where it
stopped. Whoever was not asked by a mail of ours is never taken off.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from listserv_py.commands import renewalprobes as probing
from listserv_py.commands.notices import tell, tell_owners
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.renewal import inactive_since, removed_if_asked_before
from listserv_py.maillog import get_logger
from listserv_py.store.changelog import Verb
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import day

log = get_logger("renewal")

AT_ONCE = 50
SHARE = 10
"""A day brings at most this part of a list: a tenth."""


def run(turn: Turn) -> bool:
    """Do what is due, so much at once; True when something is left for another turn."""
    lists = [one for one in turn.tx.lists.saying("Renewal") if asks(one)]
    turn.tx.renewals.withdraw({one.id for one in lists})
    room = AT_ONCE - probing.follow_up(turn, AT_ONCE)
    for mailing_list in lists:
        if mailing_list.keywords.renewal.probe:
            turn.tx.renewals.withdraw_unprobed(mailing_list.id)
        room -= _take_off(turn, mailing_list, room)
        room -= _ask(turn, mailing_list, room)
        if room <= 0:
            return True
    return False


def asks(mailing_list: MailingList) -> bool:
    """Whether the list asks its subscribers at all, or sends them probes."""
    return bool(mailing_list.keywords.renewal.periods)


def _ask(turn: Turn, mailing_list: MailingList, room: int) -> int:
    """Ask who has been silent for too long; says how many."""
    renewals, renewal = turn.tx.renewals, mailing_list.keywords.renewal
    before = inactive_since(renewal, turn.now)
    if before is None or room <= 0:
        return 0
    if not renewal.probe and _is_switched_off(turn, mailing_list):
        return 0
    share = max(1, turn.tx.subscribers.count(mailing_list.id) // SHARE)
    room = min(room, share - renewals.asked_today(mailing_list.id, turn.now))
    lately = turn.now - probing.AGAIN
    if room <= 0:
        return 0
    found = renewals.due(mailing_list.id, before, room, unprobed_since=lately)
    until = turn.now + timedelta(days=max(1, renewal.delay))
    for one in _each(turn, found):
        if renewal.probe:
            probing.probe(turn, mailing_list, one)
            continue
        renewals.ask(mailing_list.id, one.id, turn.now)
        slots = {"ADDRESS": str(one.mailbox), "UNTIL": day(until)}
        tell(turn, one.mailbox, mailing_list, "RENEWAL1", **slots)
    return len(found)


def _is_switched_off(turn: Turn, mailing_list: MailingList) -> bool:
    """Whether the owners' own form of the question is never sent (`.QQ`)."""
    slots = ("LISTNAME", "TITLE", "LISTADDR", "MYADDRESS", "ADDRESS", "UNTIL")
    return turn.words(mailing_list).fill("RENEWAL1", dict.fromkeys(slots, "")).silent


def _take_off(turn: Turn, mailing_list: MailingList, room: int) -> int:
    """Take off who has not answered; says how many."""
    before = removed_if_asked_before(mailing_list.keywords.renewal, turn.now)
    found = turn.tx.renewals.silent(mailing_list.id, before, room) if room > 0 else []
    gone = []
    for one in _each(turn, found):
        turn.tx.subscribers.remove(one)
        turn.tx.changelog.note(mailing_list, Verb.AUTODEL, one.mailbox, "", turn.now)
        tell(turn, one.mailbox, mailing_list, "RENEWAL2", ADDRESS=str(one.mailbox))
        gone.append(str(one.mailbox))
    if gone:
        log.info("renewal.removed", list=mailing_list.name, many=len(gone))
        tell_owners(turn, mailing_list, "RENEWAL_OWNER", WHOM="\n".join(gone))
    return len(found)


def _each(turn: Turn, ids: Iterable[int]) -> Iterable[Subscription]:
    found = (turn.tx.subscribers.by_id(one) for one in ids)
    return [one for one in found if one is not None]
