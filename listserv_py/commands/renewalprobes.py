"""`Renewal= …,Probe`: instead of a question a mail that needs no answer; only its return asks.

A probe that has not come back shows that mail arrives, so its reader counts as active, and so does
whose host refuses what we say or who we are: that says nothing of him. One that comes back because
there is no such address asks the person, who has `Delay(n)` days, as with any renewal; so does the
third one in a row that met a full mailbox or a host that was down.
"""

from __future__ import annotations

from datetime import timedelta

from listserv_py.commands.notices import tell
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.store.probes import GONE, POST, WAIT, Probe, Purpose
from listserv_py.store.probing import send_probe
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import day

AGAIN = WAIT
"""So long after a probe that came back the next one may leave."""
PROBES = 3
"""So many that came back one after another, and a passing fault has not passed."""


def probe(turn: Turn, mailing_list: MailingList, subscription: Subscription) -> None:
    """Send one; where the owners' form is silent, nothing happens to anybody."""
    if send_probe(turn, mailing_list, subscription, Purpose.RENEWAL):
        turn.tx.renewals.count(mailing_list.id, turn.now)


def follow_up(turn: Turn, at_most: int) -> int:
    """Act on the probes that came back or arrived; says how many."""
    back = turn.tx.probes.back(Purpose.RENEWAL, at_most)
    for one in back:
        turn.tx.probes.close(one)
        mailing_list = turn.tx.lists.by_id(one.list_id)
        subscription = turn.tx.subscribers.by_id(one.subscriber_id)
        if mailing_list and subscription and mailing_list.keywords.renewal.probe:
            _came_back(turn, mailing_list, subscription, one)
    arrived = turn.tx.probes.arrived(Purpose.RENEWAL, turn.now, at_most - len(back))
    for one in arrived:
        subscription = turn.tx.subscribers.by_id(one.subscriber_id)
        turn.tx.probes.forget(one.subscriber_id, Purpose.RENEWAL)
        if subscription is not None:
            turn.tx.renewals.active(one.list_id, subscription.mailbox, one.sent_at)
    return len(back) + len(arrived)


def _came_back(
    turn: Turn, mailing_list: MailingList, subscription: Subscription, one: Probe
) -> None:
    if one.cause == POST:
        turn.tx.probes.forget(subscription.id, Purpose.RENEWAL)
        turn.tx.renewals.active(mailing_list.id, subscription.mailbox, one.sent_at)
    elif one.cause == GONE or len(turn.tx.probes.of(subscription.id, Purpose.RENEWAL)) >= PROBES:
        text = one.text if one.status in one.text else f"{one.status} {one.text}".strip()
        _ask(turn, mailing_list, subscription, text)


def _ask(turn: Turn, mailing_list: MailingList, subscription: Subscription, text: str) -> None:
    until = turn.now + timedelta(days=max(1, mailing_list.keywords.renewal.delay))
    turn.tx.renewals.pend(subscription.id, turn.now)
    slots = {"ADDRESS": str(subscription.mailbox), "TEXT": text or "-", "UNTIL": day(until)}
    tell(turn, subscription.mailbox, mailing_list, "PROBE2", **slots)
