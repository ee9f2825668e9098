"""Counts what became of copies since the server started, for the metrics."""

import re
from collections import Counter
from collections.abc import Iterable

from listserv_py.store.outcomes import Fate, Settled

REASONS_MAX = 60
OTHER = "other"
_STATUS = re.compile(r"4\.[0-7]\.[0-9]{1,2}")


class Tally:
    """`outcomes` by the fate's name, `deferrals` by the enhanced status that put a copy off.

    A copy whose host is left alone was put off as well, for what made the host fail.
    The status is what a strange host says: there are only so many that get a count of their own.
    """

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter({fate.name.lower(): 0 for fate in Fate})
        self.deferrals: Counter[str] = Counter()

    def note(self, settled: Iterable[Settled]) -> None:
        """Count these; they have been recorded."""
        sent = 0
        for one in settled:
            if one.fate is Fate.SENT:
                sent += 1
                continue
            self.outcomes[one.fate.name.lower()] += 1
            if one.fate in (Fate.LATER, Fate.UNTRIED):
                self.deferrals[self._reason(one.status)] += 1
        self.outcomes[Fate.SENT.name.lower()] += sent

    def _reason(self, status: str) -> str:
        known = status in self.deferrals or len(self.deferrals) < REASONS_MAX
        return status if known and _STATUS.fullmatch(status) else OTHER
