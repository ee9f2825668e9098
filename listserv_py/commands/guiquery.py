"""`QUERY ***GUI*** …`: subscriptions as records that programs read.

The lines, their order, the empty ones among them and the blank behind an empty name are what the
published client cuts by position; so are the first words of the answers that find nobody.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import islice

from listserv_py.commands.command import Request
from listserv_py.commands.errors import GuiNoEntry, GuiNotSubscribed, GuiTooMany
from listserv_py.commands.rights import Target
from listserv_py.commands.syntax import GUI
from listserv_py.errors import (
    NobodyMatches,
    NoSubscriptions,
    NoSuchSubscriber,
    NotOnYourLists,
    NotSubscribed,
)
from listserv_py.lists.options import OPTIONS, Options
from listserv_py.lists.topics import shown
from listserv_py.texts.dates import day

RECORDS_MAX = 2000
"""They fit into one answer; some of them without a word would be worse than none."""


def is_meant(request: Request) -> bool:
    """Whether a program asks."""
    return GUI in request.arguments.switches


def prepared(request: Request, prepare: Callable[[Request], Request]) -> Request:
    """Refuse as `prepare` does, in the words that programs know."""
    try:
        return prepare(request)
    except (NotSubscribed, NoSubscriptions):
        raise GuiNotSubscribed(str(request.actor.mailbox)) from None
    except (NoSuchSubscriber, NotOnYourLists, NobodyMatches):
        raise GuiNoEntry from None


def records(found: Iterable[Target]) -> str:
    """The records, one behind the other."""
    some = list(islice(found, RECORDS_MAX + 1))
    if len(some) > RECORDS_MAX:
        raise GuiTooMany(str(RECORDS_MAX))
    return "\n".join(map(_record, some))


def _record(target: Target) -> str:
    own, topics = target.subscription, target.mailing_list.keywords.topics
    lines = [
        f"***HDR*** {own.mailbox}",
        f"***NAME*** {own.name}",
        f"***LIST*** {target.mailing_list.name}",
        "",
        *(f"***OPT*** {word}" for word in _words(own.options)),
        "",
        f"***SUBDATE*** {day(own.subscribed_at)}",
    ]
    if topics:
        lines += [
            f"***TOPICS*** {shown(own.options.no_topics, topics)}",
            f"***TOPLIST*** {' '.join(topics)}",
        ]
    return "\n".join(lines)


def _words(options: Options) -> Iterable[str]:
    """All options that hold, as QUERY shows them: a program does not know our defaults."""
    shown_as = replace(options, html=options.html is not False)
    spelt = _SPELT | {"MAX": f"MAX {options.max_a_day}/DAY"}
    return (spelt.get(one.word, one.word) for one in OPTIONS if one.holds(shown_as))


_SPELT = {"DIGESTS": "DIGEST", "NODIGESTS": "NODIGEST"}
