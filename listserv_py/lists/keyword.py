"""One keyword of a list header, and how far this server obeys it.

A keyword counts as obeyed only when the code does what it says; until then its row says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listserv_py.lists.shapes import Reader


class State(StrEnum):
    """How far a keyword is obeyed; the values are the words of docs/keywords.md."""

    OBEYED = "obeyed"
    NO_EFFECT = "accepted, no effect here"


@dataclass(frozen=True, slots=True)
class Keyword:
    """One keyword: `default` is what a header says that leaves it out ("" where nothing can).

    `meaning` says of a keyword without effect why it has none. `site_only`: only a postmaster may
    change it. `compat`: in what it differs from LISTSERV's, and why; "" when it does not.
    """

    name: str
    syntax: str
    default: str
    meaning: str
    reader: Reader
    state: State = State.OBEYED
    site_only: bool = False
    compat: str = ""
