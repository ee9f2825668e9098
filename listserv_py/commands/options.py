"""Options of a subscription: SET and QUERY, for oneself or, by an owner, FOR somebody else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from listserv_py.commands import counts, guiquery, patterns
from listserv_py.commands.collecting import refuse_vain
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.notices import tell
from listserv_py.commands.renewal import pending
from listserv_py.commands.rights import Target, for_another, is_owner, targets
from listserv_py.commands.syntax import GUI, fold
from listserv_py.errors import OwnerOnlyOption
from listserv_py.lists.options import OPTIONS, apply_words
from listserv_py.lists.optionwords import describe
from listserv_py.store import issues
from listserv_py.store.changelog import Verb
from listserv_py.texts.dates import day


def prepare_set(request: Request) -> Request:
    """Refuse unknown words and missing subscriptions before anything is asked or changed."""
    if request.arguments.pattern:
        return patterns.check_set(request)
    for target in targets(request):
        _changed(request, target)
    return request


def weigh_set(request: Request) -> Confirm:
    """An owner's words count only when he is proven; one's own as `Validate=` says."""
    if request.arguments.pattern:
        return patterns.weigh(request)
    found = targets(request)
    if for_another(request) or not all(_is_plain(request, target) for target in found):
        return Confirm.UNLESS_PROVEN
    return Confirm.ORDINARY


def set_options(request: Request) -> str:
    """Change options, and show what they are now."""
    if request.arguments.pattern:
        return _set_many(request)
    changed = [_changed(request, target) for target in targets(request)]
    said = []
    for target in changed:
        _collected(request, target)
        request.turn.tx.subscribers.save(target.subscription)
        issues.set_next(request.turn, target.subscription.id)
        _note(request, target)
        if for_another(request) and not request.quiet:
            _notify(request, target)
        listing = _listing(request, target)
        form = "SET_DONE_FOR" if for_another(request) else "SET_DONE"
        said.append(
            request.say(
                form,
                LISTNAME=target.mailing_list.name,
                WHOM=str(target.subscription.mailbox),
                OPTIONS=listing,
            )
        )
    return "\n\n".join(said)


def _collected(request: Request, target: Target) -> None:
    """Whoever stops collecting gets what he has not had."""
    new = target.subscription
    old = request.turn.tx.subscribers.by_id(new.id)
    if old is not None:
        issues.leave(request.turn, target.mailing_list, [(old, new.options)])


def _set_many(request: Request) -> str:
    """The same for all whom a pattern means."""
    if patterns.is_test(request):
        return patterns.test(request)
    found = () if request.quiet else patterns.changed(request)
    said = patterns.set_options(request)
    for target in found:
        _notify(request, target)
    return said


def explain_set(request: Request) -> str:
    """How many a pattern means."""
    return patterns.explain(request) if request.arguments.pattern else ""


def _note(request: Request, target: Target) -> None:
    """A line for the list's change log; one's own SET shows that one is there."""
    turn, said = request.turn, " ".join(request.arguments.options)
    if not for_another(request):
        turn.tx.renewals.active(target.mailing_list.id, request.actor.mailbox, turn.now)
    turn.tx.changelog.note(
        target.mailing_list, Verb.SET, target.subscription.mailbox, said, turn.now
    )


def prepare_query(request: Request) -> Request:
    """Refuse when there is no such subscription, and words that are no options."""
    if guiquery.is_meant(request):
        return guiquery.prepared(request, _prepare_query)
    return _prepare_query(request)


def _prepare_query(request: Request) -> Request:
    if request.arguments.pattern:
        patterns.check_words(request)
        return patterns.check(request, tells=False)
    for target in targets(request):
        _has_them(request, target)
    return request


def weigh_query(request: Request) -> Confirm:
    """What concerns oneself is answered at once, whatever the list says."""
    return Confirm.UNLESS_PROVEN if for_another(request) else Confirm.NEVER


def query(request: Request) -> str:
    """Show the options of a subscription, or of several; WITH leaves out those without them."""
    found = patterns.targets(request) if request.arguments.pattern else targets(request)
    having = (target for target in found if _has_them(request, target))
    if guiquery.is_meant(request):
        return guiquery.records(having)
    if counts.is_csv(request):
        return counts.people(having)
    told = [_described(request, target) for target in islice(having, patterns.SHOWN_MAX)]
    return "\n\n".join(told) or request.say("QUERY_NONE", OPTIONS=_words(request))


def _has_them(request: Request, target: Target) -> bool:
    """Whether the subscription has all options that WITH names."""
    options, topics = target.subscription.options, target.mailing_list.keywords.topics
    words = _as_filter(request.arguments.options, topics)
    options = replace(options, html=options.html is not False)  # as it is shown to whoever asks
    if not {"UNTIL", "AT"} & set(words):  # NOMAIL means those who come back by themselves as well
        options = replace(options, until=None, at=None)
    return apply_words(options, words, by_owner=True, topics=topics) == options


def _as_filter(words: Sequence[str], topics: Sequence[str]) -> tuple[str, ...]:
    """WITH asks who wants a topic, whatever else he wants: `TOPICS: NEWS` is `TOPICS: +NEWS`."""
    names = {fold(name) for name in (*topics, "Other")}
    found, at_topics = list[str](), False
    for word in words:
        label, colon, name = word.partition(":")
        at_topics = at_topics or label == "TOPICS"
        if at_topics and colon and name in names:
            found.append(f"{label}:+{name}")
        else:
            found.append(f"+{word}" if at_topics and word in names else word)
    return tuple(found)


def _words(request: Request) -> str:
    return " ".join(request.arguments.options)


def _described(request: Request, target: Target) -> str:
    own = target.subscription
    said = request.say(
        "QUERY_DONE",
        WHOM=f"{own.name} <{own.mailbox}>" if own.name else str(own.mailbox),
        LISTNAME=target.mailing_list.name,
        OPTIONS=_listing(request, target),
        DATE=day(own.subscribed_at),
    )
    return "\n\n".join(filter(None, (said, pending(request, target))))


def _changed(request: Request, target: Target) -> Target:
    options = apply_words(
        target.subscription.options,
        request.arguments.options,
        by_owner=is_owner(request.turn, request.actor, target.mailing_list),
        topics=target.mailing_list.keywords.topics,
    )
    refuse_vain(request.turn, target.mailing_list, target.subscription.options, options)
    return replace(target, subscription=replace(target.subscription, options=options))


def _is_plain(request: Request, target: Target) -> bool:
    """Whether all words are such as every subscriber may set."""
    try:
        apply_words(
            target.subscription.options,
            request.arguments.options,
            by_owner=False,
            topics=target.mailing_list.keywords.topics,
        )
    except OwnerOnlyOption:
        return False
    return True


def _listing(request: Request, target: Target) -> str:
    """The options with what they mean, in the words of the list."""
    rows = describe(target.subscription.options, target.mailing_list.keywords.topics)
    width = max((len(row.word) for row in rows), default=0)
    words = request.turn.words(target.mailing_list)
    told = ((row.word, words.row(row.form, row.slots)) for row in rows)
    return "\n".join(f"{word:<{width}}  {meaning}".rstrip() for word, meaning in told)


def _all_options(request: Request) -> str:
    """Every word of SET, for HELP."""
    words = request.turn.words(None)
    told = ((one.syntax, words.row(one.form, {})) for one in OPTIONS)
    return "\n".join(f"{syntax:<11} {meaning}".rstrip() for syntax, meaning in told)


def _notify(request: Request, target: Target) -> None:
    tell(
        request.turn,
        target.subscription.mailbox,
        target.mailing_list,
        "SET1",
        OPTIONS=_listing(request, target),
        INVOKER=str(request.actor.mailbox),
    )


SET = Command(
    keyword="SET",
    syntax="listname|* options [FOR people] [(switches]",
    switches=("TEST",),
    table_in_help=_all_options,
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.ORDINARY,
    handler=set_options,
    prepare=prepare_set,
    weigh=weigh_set,
    explain=explain_set,
    takes_quiet=True,
    compat=(
        "HTML and NOHTML choose the form of single posts as well. A wildcard that means more than"
        " ten people is confirmed by a code that names their number."
    ),
)

QUERY = Command(
    keyword="Query",
    syntax="[gui] listname|* [WITH options] [FOR people] [(switches]",
    switches=(GUI, counts.CSV),
    privilege=Privilege.SUBSCRIBER,
    confirm=Confirm.NEVER,
    handler=query,
    prepare=prepare_query,
    weigh=weigh_query,
    takes_quiet=True,
)
