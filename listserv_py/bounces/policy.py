"""What a returned mail means for a subscription (pure).

In this version nothing more than that it is counted: nobody is taken off a list by a bounce, which
anybody could forge who has once seen a copy.
"""

from __future__ import annotations

from collections.abc import Collection

from listserv_py.bounces.read import Action, Returned


def worst(returned: Collection[Returned]) -> Returned | None:
    """The one that counts of a report on our copy; None when it brings no bad news.

    A copy has one recipient, so a report that names several was written by a forwarder of his.
    """
    bad = [one for one in returned if one.action in {Action.FAILED, Action.DELAYED}]
    return min(bad, key=_hardness, default=None)


def _hardness(returned: Returned) -> int:
    return 0 if is_permanent(returned) else 1


def status_of(returned: Returned) -> str:
    """Its status as it is kept: a report that names none says 5.0.0 or 4.0.0 by its action."""
    return returned.status or ("5.0.0" if is_permanent(returned) else "4.0.0")


def is_permanent(returned: Returned) -> bool:
    """Whether it will not heal: failed, and not with a 4.x.x (RFC 3463 2)."""
    return returned.action is Action.FAILED and not returned.status.startswith("4")
