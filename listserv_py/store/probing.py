"""Sends a probe: the one mail of ours with an envelope sender of its own that a person gets.

Those who decide on bounces and those who renew subscriptions both send probes; they meet here.
"""

from __future__ import annotations

from listserv_py.lists.model import MailingList, Subscription
from listserv_py.store.outbox import Kind
from listserv_py.store.probes import Purpose, return_path
from listserv_py.store.turn import Turn


def send_probe(
    turn: Turn, mailing_list: MailingList, subscription: Subscription, purpose: Purpose
) -> bool:
    """Send one and remember it; False when none left, as where the owners' form is silent."""
    key, before = turn.new_code(), turn.tx.outbox.newest()
    slots = {
        "LISTNAME": mailing_list.name,
        "TITLE": mailing_list.title,
        "ADDRESS": str(subscription.mailbox),
        "DATE": f"{turn.now:%a, %d %b %Y %H:%M:%S}",
        "MYADDRESS": str(turn.command_address),
    }
    turn.mail(
        subscription.mailbox,
        "PROBE1",
        slots,
        kind=Kind.NOTICE,
        mailing_list=mailing_list,
        proven=True,
        reverse_path=return_path(mailing_list, key),
    )
    mailing_id = turn.tx.outbox.newest()
    if mailing_id == before:
        return False
    turn.tx.probes.add(purpose, subscription, key, mailing_id, turn.now)
    return True
