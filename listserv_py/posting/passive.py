"""Passive probes, `Auto-Delete= …,Probe(n)`: copies with an envelope sender of their own.

Where each copy has one anyway (VERP), every copy is a probe. With NO_VERP a subscriber gets one
when his day comes round, every n days, told by his id; a day without a post is made up for by the
next post.
"""

from __future__ import annotations

from dataclasses import replace

from listserv_py.lists.model import MailingList
from listserv_py.mail.listheaders import ListFacts
from listserv_py.store.turn import Turn


def with_probes(
    turn: Turn, mailing_list: MailingList, facts: ListFacts, above: MailingList | None = None
) -> ListFacts:
    """The facts, saying whose days have come since the list's last post.

    Or since the last one that came to it through the super-list `above`.
    """
    every = mailing_list.keywords.auto_delete.probe
    if facts.verp or not every or not mailing_list.keywords.auto_delete.acts:
        return facts
    lists = [mailing_list] if above is None else [mailing_list, above]
    found = [turn.tx.stats.of(one.id).last for one in lists]
    last_at = max((one for one in found if one is not None), default=None)
    days = (turn.now.date() - last_at.date()).days if last_at else 1
    return replace(facts, probe_every=every, probe_days=max(0, min(days, every)))
