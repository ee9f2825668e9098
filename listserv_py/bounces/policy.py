"""What a returned mail means for a subscription (pure).

In this version nothing more than that it is counted: nobody is taken off a list by a bounce, which
anybody could forge who has once seen a copy.
"""

from __future__ import annotations

from collections.abc import Collection

from listserv_py.bounces.cause import Cause
from listserv_py.bounces.report import Kind, Returned

_ORDER = (Cause.GONE, Cause.POST, Cause.PASSING)


def worst(returned: Collection[Returned]) -> Returned | None:
    """The one that counts of a report on our copy; None when it brings no bad news.

    A copy has one recipient, so a report that names several was written by a forwarder of his.
    """
    bad = [one for one in returned if one.kind is Kind.FAILED]
    return min(bad, key=lambda one: _ORDER.index(one.cause), default=None)


def status_of(returned: Returned) -> str:
    """Its status as it is kept: a report that names none says 5.0.0 or 4.0.0 by its cause."""
    return returned.status or ("5.0.0" if returned.cause is Cause.GONE else "4.0.0")
