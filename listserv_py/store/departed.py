"""What is kept of somebody whom a probe took off, so that one reply brings him back as he was.

It lies in the code's row, as JSON, and goes with it: when the code is used, when it expires, and
when he has joined anew and leaves.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from datetime import datetime

from listserv_py.lists.model import Subscription
from listserv_py.lists.options import Options
from listserv_py.lists.topics import moved
from listserv_py.store.owntimes import times_of, with_times
from listserv_py.store.subscribers import Consent
from listserv_py.store.times import moment, stamp


@dataclass(frozen=True, slots=True)
class Departed:
    """A subscription that is over; `since` None: an older row does not say."""

    name: str
    options: Options
    topics: tuple[str, ...]
    since: datetime | None
    consent: Consent | None

    def now_with(self, topics: tuple[str, ...]) -> Options:
        """His options where the list has other topics meanwhile."""
        if topics == self.topics:
            return self.options
        return replace(self.options, no_topics=moved(self.options.no_topics, self.topics, topics))


def encode(subscription: Subscription, topics: tuple[str, ...], consent: Consent | None) -> str:
    """As JSON; `decode` is its twin."""
    said = {
        "name": subscription.name,
        "options": subscription.options.encode(),
        "times": times_of(subscription.options),
        "topics": topics,
        "since": stamp(subscription.subscribed_at),
        "consent": consent.as_row() if consent else None,
    }
    return json.dumps(said, ensure_ascii=False)


def decode(text: str, topics: tuple[str, ...]) -> Departed:
    """Read what `encode` wrote; `topics` are the list's, where an older row names none."""
    was = json.loads(text)
    since, consent = was.get("since"), was.get("consent")
    return Departed(
        name=was["name"],
        options=with_times(was["options"], was.get("times")),
        topics=tuple(was.get("topics", topics)),
        since=moment(since) if since is not None else None,
        consent=Consent.of_row(consent) if consent else None,
    )
