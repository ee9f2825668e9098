"""DELETE, SET and QUERY for all whom a pattern means: `*@host`, `j*@*.example.edu`, `*@*`.

A pattern is for owners. One that would change more than `MANY` people is confirmed by a code that
names the number, whatever else proves its sender: a slip in a wildcard empties a list.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice

from listserv_py.commands.bulk import check_told
from listserv_py.commands.collecting import refuse_vain
from listserv_py.commands.command import Confirm, Request
from listserv_py.commands.notices import send_text, tell
from listserv_py.commands.rights import Target, owned_lists
from listserv_py.errors import NobodyMatches, TooManyMatch
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import Options, apply_words
from listserv_py.store import issues
from listserv_py.store.changelog import Verb

MANY = 10
STARS_MAX = 8
SHOWN_MAX = 500

TEST = "TEST"


def check(request: Request, *, tells: bool = True) -> Request:
    """Refuse strangers, patterns that mean nobody, and too many notices."""
    pattern = request.arguments.pattern
    if pattern.count("*") > STARS_MAX:
        raise TooManyMatch(str(pattern.count("*")), str(STARS_MAX))
    count = _count(request)
    if not count:
        raise NobodyMatches(pattern)
    if tells and not is_test(request):
        check_told(request, count)
    return request


def weigh(request: Request) -> Confirm:
    """By a code, always, where many would be changed."""
    if not is_test(request) and _count(request) > MANY:
        return Confirm.ALWAYS
    return Confirm.UNLESS_PROVEN


def explain(request: Request) -> str:
    """How many people it is about, on which lists."""
    if is_test(request):
        return ""
    told = [
        request.say("PATTERN_ASKED", COUNT=str(count), LISTNAME=mailing_list.name)
        for mailing_list, count in _counts(request)
    ]
    return "\n".join(told)


def is_test(request: Request) -> bool:
    """Whether it is only to be shown what would happen."""
    return TEST in request.arguments.switches


def test(request: Request) -> str:
    """Whom the pattern means; nothing is changed."""
    said = []
    for mailing_list, count in _counts(request):
        found = islice(_matched(request, mailing_list), SHOWN_MAX)
        rows = [f"{one.subscription.mailbox} {one.subscription.name}".rstrip() for one in found]
        said.append(
            request.say(
                "PATTERN_TEST",
                COUNT=str(count),
                LISTNAME=mailing_list.name,
                ROWS="\n".join([*rows, *_more(request, count)]),
            )
        )
    return "\n\n".join(said)


def delete(request: Request) -> str:
    """Take all of them off."""
    turn, said = request.turn, []
    for mailing_list, count in _counts(request):
        found = [one for _, one in turn.tx.subscribers.matching(mailing_list.id, _pattern(request))]
        turn.tx.subscribers.remove_many(mailing_list.id, (one.key for one in found))
        deeds = ((Verb.DELETE, mailbox, "") for mailbox in found)
        turn.tx.changelog.note_many(mailing_list, deeds, turn.now)
        if not request.quiet:
            for mailbox in found:
                invoker = str(request.actor.mailbox)
                tell(turn, mailbox, mailing_list, "DELETE1", INVOKER=invoker)
                send_text(turn, mailbox, mailing_list, "FAREWELL")
        said.append(request.say("PATTERN_DELETED", COUNT=str(count), LISTNAME=mailing_list.name))
    return "\n".join(said)


def check_set(request: Request) -> Request:
    """As `check`; unknown options are refused as well."""
    check_words(request)
    return check(request)


def check_words(request: Request) -> None:
    """Refuse words that are no options on one of the lists."""
    for one in owned_lists(request):
        words, topics = request.arguments.options, one.keywords.topics
        apply_words(Options(), words, by_owner=True, topics=topics)


def changed(request: Request) -> tuple[Target, ...]:
    """The subscriptions as they will be, those that stay as they are left out."""
    words, found = request.arguments.options, []
    for mailing_list, _ in _counts(request):
        topics, new = mailing_list.keywords.topics, dict[Options, Options]()
        for own in request.turn.tx.subscribers.matched(mailing_list.id, _pattern(request)):
            if own.options not in new:
                new[own.options] = apply_words(own.options, words, by_owner=True, topics=topics)
                refuse_vain(request.turn, mailing_list, own.options, new[own.options])
            if new[own.options] != own.options:
                found.append(Target(mailing_list, replace(own, options=new[own.options])))
    return tuple(found)


def set_options(request: Request) -> str:
    """Change the options of all of them; says how many had to be changed."""
    turn, found, said = request.turn, changed(request), " ".join(request.arguments.options)
    _leave(request, found)
    turn.tx.subscribers.set_many((one.subscription.id, one.subscription.options) for one in found)
    told = []
    for mailing_list, count in _counts(request):
        own = [one.subscription for one in found if one.mailing_list == mailing_list]
        deeds = ((Verb.SET, one.mailbox, said) for one in own)
        turn.tx.changelog.note_many(mailing_list, deeds, turn.now)
        told.append(
            request.say(
                "PATTERN_SET",
                COUNT=str(len(own)),
                LISTNAME=mailing_list.name,
                SAME=str(count - len(own)),
            )
        )
    return "\n".join(told)


def _leave(request: Request, found: tuple[Target, ...]) -> None:
    """Those who stop collecting get what they have not had."""
    for mailing_list in {one.mailing_list.id: one.mailing_list for one in found}.values():
        new = {
            one.subscription.id: one.subscription.options
            for one in found
            if one.mailing_list.id == mailing_list.id
        }
        matched = request.turn.tx.subscribers.matched(mailing_list.id, _pattern(request))
        changes = [(own, new[own.id]) for own in matched if own.id in new]
        issues.leave(request.turn, mailing_list, changes)


def targets(request: Request) -> Iterator[Target]:
    """The subscriptions that the pattern means."""
    for mailing_list, _ in _counts(request):
        yield from _matched(request, mailing_list)


def _matched(request: Request, mailing_list: MailingList) -> Iterator[Target]:
    found = request.turn.tx.subscribers.matched(mailing_list.id, _pattern(request))
    return (Target(mailing_list, one) for one in found)


def _counts(request: Request) -> list[tuple[MailingList, int]]:
    """The lists on which the pattern means somebody, and how many."""
    many, pattern = request.turn.tx.subscribers.count_matching, _pattern(request)
    counts = [(one, many(one.id, pattern)) for one in owned_lists(request)]
    return [(one, count) for one, count in counts if count]


def _count(request: Request) -> int:
    return sum(count for _, count in _counts(request))


def _pattern(request: Request) -> str:
    return request.arguments.pattern


def _more(request: Request, count: int) -> list[str]:
    return [request.say("AND_MORE", COUNT=str(count - SHOWN_MAX))] if count > SHOWN_MAX else []
