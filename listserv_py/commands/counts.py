"""Reports of subscribers: by option, domain and month for STATS, and as CSV for it and QUERY.

The tables name nobody, but a domain may have one person only: all of them are for owners.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice

from listserv_py.commands.command import Request
from listserv_py.commands.errors import GuiTooMany
from listserv_py.commands.rights import Target
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import Options
from listserv_py.lists.optionwords import describe
from listserv_py.lists.topics import said

CSV = "CSV"
DOMAINS_MAX = 1000
PEOPLE_MAX = 2000
TABLES = ("OPTions", "DOMains", "MONths")
"""The switches; the column of a CSV is called like them, without the s."""

Count = tuple[str, int]
_FORMULA = re.compile("(^ *|; *)([=+@\uff1d\uff0b\uff0d\uff20-])")
"""What a cell may not begin with, the wide signs of Japan among it."""
_BEHIND = {"TIME": "AT", "DATE": "UNTIL"}
"""How SET says the times that stand behind a word."""


def asked(request: Request) -> list[str]:
    """The tables that somebody wants, in the order of `TABLES`."""
    names = [name.upper() for name in TABLES]
    return [name for name in names if name in request.arguments.switches]


def is_csv(request: Request) -> bool:
    """Whether a program reads the answer."""
    return CSV in request.arguments.switches


def as_text(request: Request, found: MailingList) -> list[str]:
    """The tables, each with its heading and the share of all subscribers."""
    whole = request.turn.tx.subscribers.count(found.id)
    return [
        f"{request.say(f'STATS_{name}')}\n\n{_aligned(_COUNTED[name](request, found), whole)}"
        for name in asked(request)
    ]


def as_csv(request: Request, found: MailingList, figures: Sequence[tuple[str, object]]) -> str:
    """The tables, or without any the figures themselves; lines of CSV and nothing else."""
    tables = [
        [(name.lower()[:-1], "subscribers"), *_COUNTED[name](request, found)]
        for name in asked(request)
    ]
    return "\n\n".join(_lines(rows) for rows in tables or [[("figure", "value"), *figures]])


def people(targets: Iterable[Target]) -> str:
    """Subscriptions as lines of CSV, for QUERY."""
    rows = [("address", "name", "list", "options", "subscribed")]
    for one in islice(targets, PEOPLE_MAX + 1):
        own = one.subscription
        words = _worded(own.options, one.mailing_list.keywords.topics)
        since = f"{own.subscribed_at:%Y-%m-%d}"
        rows.append((_tame(str(own.mailbox)), _tame(own.name), one.mailing_list.name, words, since))
    if len(rows) > PEOPLE_MAX + 1:
        raise GuiTooMany(str(PEOPLE_MAX))
    return _lines(rows)


def _worded(options: Options, topics: Sequence[str]) -> str:
    """All that holds, as SET would say it: with hours, days and topics."""
    words: list[str] = []
    for row in describe(options):
        words.append(row.word)
        words += [f"{_BEHIND[name]} {text}" for name, text in row.slots.items() if name in _BEHIND]
    return " ".join([*words, *(said(options.no_topics, topics) if topics else ())])


def _tame(text: str) -> str:
    """People choose their names and addresses; a spreadsheet would compute one like `=1+1`.

    Where a country's decimals have commas it cuts lines at semicolons, quoted or not.
    """
    return _FORMULA.sub(r"\1'\2", text)


def _options(request: Request, found: MailingList) -> list[Count]:
    counted = Counter[str]()
    for options, count in request.turn.tx.roll.by_options(found.id):
        counted.update({row.word: count for row in describe(options)})
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


def _domains(request: Request, found: MailingList) -> list[Count]:
    return request.turn.tx.roll.by_domain(found.id, DOMAINS_MAX)


def _months(request: Request, found: MailingList) -> list[Count]:
    return request.turn.tx.roll.by_month(found.id)


_COUNTED: Mapping[str, Callable[[Request, MailingList], list[Count]]] = {
    "OPTIONS": _options,
    "DOMAINS": _domains,
    "MONTHS": _months,
}


def _aligned(rows: Sequence[Count], whole: int) -> str:
    width = max((len(name) for name, _ in rows), default=0)
    said = (f"  {name:<{width}} {count:>8} {100 * count / whole:>6.1f} %" for name, count in rows)
    return "\n".join(said) or "  -"


def _lines(rows: Sequence[tuple[object, ...]]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().rstrip("\n")
