"""A post that was distributed is kept for those who collect: digests, indexes, MAX.

It is kept in the transaction that distributes it, so that a crash makes it neither missing from an
issue nor part of two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from zoneinfo import ZoneInfo

from listserv_py.lists.model import MailingList
from listserv_py.mail.issue import Entry
from listserv_py.mail.listheaders import ListFacts
from listserv_py.store import issues
from listserv_py.store.turn import Turn

Share = tuple[MailingList, int, ListFacts]
"""A list that a post goes to, the post's number where it was sent to, and what its copies say."""


def collect(turn: Turn, content: bytes, parts: Sequence[Share]) -> list[ListFacts]:
    """Keep a post for each list where somebody collects; the facts, with its place in the day."""
    digests = turn.tx.digests
    day = turn.now.astimezone(ZoneInfo(turn.settings.site.timezone)).date().isoformat()
    numbered, content_id = [], 0
    for mailing_list, number, said in parts:
        facts = replace(said, of_day=digests.count(mailing_list.id, day, turn.now))
        numbered.append(facts)
        if digests.is_wanted(mailing_list.id):
            content_id = content_id or digests.keep(content)
            entry = Entry(number, int(turn.now.timestamp()), _lines(content), facts, content)
            waits = digests.add(mailing_list.id, content_id, entry)
            rule = mailing_list.keywords.digest
            if rule and (waits.lines >= rule.size or waits.octets >= issues.OCTETS_MAX):
                issues.close(turn, mailing_list)
    return numbered


def _lines(content: bytes) -> int:
    """How many lines the post has below its header."""
    return content.partition(b"\r\n\r\n")[2].count(b"\n")
