"""When a person's failures are enough for a probe, and a probe's end for a removal (pure).

Nobody is taken off for what is held against him: that only causes a probe, a mail with a random
key, and only the probe's own return takes him off. So a forger who knows the key of a copy can make
us send a probe, which arrives.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from listserv_py.bounces.cause import Cause
from listserv_py.bounces.report import Kind, Returned
from listserv_py.lists.values import AutoDelete

HALF_LIFE = timedelta(days=30)
"""A failure counts half so much after this time."""
PASSING_WEIGHT = 0.25
PASSING_PROBES = 3
"""So many probes, with nothing that arrived between them, and a passing fault has not passed."""
PASSING_FOR = timedelta(days=14)
MANY = 5
"""So many people and more are many, where they are half of those whom a post went to."""
PASSED_ON_A_DAY = 20
"""So many mails a day, of a list or a job, that nobody can read or that are left to people."""

_ORDER = (Cause.GONE, Cause.POST, Cause.PASSING)


class Verdict(StrEnum):
    """What a probe's return means."""

    REMOVE = "remove"
    WAIT = "wait"


@dataclass(frozen=True, slots=True)
class Failure:
    """One lost copy that is held against a person."""

    at: datetime
    cause: Cause


@dataclass(frozen=True, slots=True)
class Score:
    """A person's failures in one value: `errors` fade, `count` does not."""

    errors: float
    count: int
    lasted: timedelta


def score(failures: Sequence[Failure], now: datetime) -> Score:
    """Add up; failures come in the order of time."""
    if not failures:
        return Score(0, 0, timedelta())
    errors = sum(_weight(one.cause) * 0.5 ** ((now - one.at) / HALF_LIFE) for one in failures)
    return Score(errors, len(failures), failures[-1].at - failures[0].at)


def _weight(cause: Cause) -> float:
    return 1.0 if cause is Cause.GONE else PASSING_WEIGHT


def wants_probe(rule: AutoDelete, found: Score, probed_at: datetime | None, now: datetime) -> bool:
    """Whether it is time for a probe; `probed_at`: when the last one left, None: none did."""
    if not rule.acts or found.count == 0:
        return False
    if probed_at is not None and now - probed_at < timedelta(days=max(1, rule.delay)):
        return False
    # The newest of the errors has faded by minutes when it is judged.
    lasting = found.errors >= 0.98 and found.lasted >= timedelta(days=rule.delay)
    return lasting or found.count >= rule.most


def verdict(causes: Sequence[Cause], first_sent_at: datetime, now: datetime) -> Verdict:
    """What to do after the probes of these causes came back one after another."""
    if causes[-1] is Cause.GONE:
        return Verdict.REMOVE
    many = len([one for one in causes if one is Cause.PASSING]) >= PASSING_PROBES
    long = now - first_sent_at >= PASSING_FOR
    passing = causes[-1] is Cause.PASSING
    return Verdict.REMOVE if passing and many and long else Verdict.WAIT


def hits_many(people: int, readers: int) -> bool:
    """Whether so many failures of so many readers are the post's fault, or some mailer's."""
    return people >= MANY and 2 * people >= readers


def worst(returned: Collection[Returned]) -> Returned | None:
    """The one that counts of a report on our copy; None when no copy was lost.

    A copy has one recipient, so a report that names several was written by a forwarder of his.
    """
    bad = [one for one in returned if one.kind is Kind.FAILED]
    return min(bad, key=lambda one: _ORDER.index(one.cause), default=None)


def status_of(returned: Returned) -> str:
    """Its status as it is kept: a report that names none says 5.0.0 or 4.0.0 by its cause."""
    return returned.status or ("5.0.0" if returned.cause is Cause.GONE else "4.0.0")
