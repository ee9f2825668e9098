"""Commands that only tell of this server and its commands: HELP, INFO, SHOW, RELEASE, THANKS."""

from __future__ import annotations

from dataclasses import replace
from textwrap import fill

from listserv_py import __version__
from listserv_py.commands import following
from listserv_py.commands.card import card, details, summaries
from listserv_py.commands.command import Command, Confirm, Privilege, Request, abbreviates
from listserv_py.commands.renamed import stands_for
from listserv_py.commands.rights import is_visible
from listserv_py.commands.syntax import first_word, fold
from listserv_py.commands.tracing import show_post
from listserv_py.errors import MissingWord, UnknownTopic
from listserv_py.lists.addresses import is_listname
from listserv_py.lists.keyword import Keyword
from listserv_py.lists.keywords import KEYWORDS
from listserv_py.lists.model import MailingList
from listserv_py.lists.values import SubscriptionPolicy

WIDTH = 72
POST = "POST"


def help_(request: Request) -> str:
    """All commands, or one of them."""
    word = request.arguments.text
    if not word:
        commands = summaries(request.table, request.turn.words(None))
        return request.say("HELP", COMMANDS=commands, MYADDRESS=str(request.turn.command_address))
    unit = request.table.find(word)
    if unit is None:
        raise UnknownTopic(fold(word)[:40])
    words = request.turn.words(None)
    return request.say(
        "HELP_ONE",
        SYNTAX=unit.line,
        SUMMARY=words.row(unit.summary_form, {}),
        DETAILS=fill(details(unit, words) or request.say("HELP_NO_DETAILS"), WIDTH),
        SYNONYMS=", ".join(unit.synonyms),
        MORE=unit.table_in_help(request),
    ).rstrip()


def info(request: Request) -> str:
    """What there is to know about a list, or about this server."""
    word = request.arguments.text
    if not word:
        return request.say("INFO_TOPICS", MYADDRESS=str(request.turn.command_address))
    if abbreviates(fold(word), "REFcard"):
        return card(request.table, request.turn.words(None))
    if abbreviates(fold(word), "KEYWords"):
        return "\n\n".join(map(_keyword, KEYWORDS))
    found = request.turn.tx.lists.find(word) if is_listname(word) else None
    if found is None or not is_visible(request.turn, request.actor, found):
        raise UnknownTopic(fold(word)[:40])
    found, renamed = stands_for(request, found)
    said = described(request, found)
    own = request.turn.tx.templates.find(found.id, "INFO")
    return "\n\n".join(filter(None, (renamed, own, said)))


def _keyword(one: Keyword) -> str:
    meaning = fill(one.meaning, WIDTH, initial_indent="    ", subsequent_indent="    ")
    return f"{one.name}= {one.syntax}\n{meaning}"


def described(request: Request, found: MailingList) -> str:
    """What anybody may hear of a list that he may know of."""
    return request.say(
        "INFO",
        LISTNAME=found.name,
        TITLE=found.title,
        LISTADDR=str(found.address),
        MYADDRESS=str(request.turn.command_address),
        REQUEST=f"{found.name.lower()}-request@{found.domain}",
        JOINING=request.say(
            f"INFO_{_JOINING[found.keywords.subscription.policy]}", LISTNAME=found.name
        ),
    )


_JOINING = {
    SubscriptionPolicy.OPEN: "OPEN",
    SubscriptionPolicy.BY_OWNER: "BY_OWNER",
    SubscriptionPolicy.CLOSED: "CLOSED",
}


def release(request: Request) -> str:
    """Which program this is, and who looks after it."""
    return request.say(
        "RELEASE",
        VERSION=__version__,
        SITE=request.turn.settings.site.domain,
        POSTMASTERS=f"postmaster@{request.turn.settings.site.domain}",
    )


def prepare_show(request: Request) -> Request:
    """Only a list's owners see how far its posts have come."""
    asked = _post(request)
    if asked is None:
        return request
    listname = following.prepare_owners(asked).arguments.listname
    return replace(request, arguments=replace(request.arguments, listname=listname))


def _post(request: Request) -> Request | None:
    """What SHOW POST is about; None: it is about something else."""
    word, rest = first_word(request.arguments.text)
    if fold(word) != POST:
        return None
    if not rest:
        raise MissingWord("message-id")
    return replace(request, arguments=replace(request.arguments, text=first_word(rest)[0]))


def show(request: Request) -> str:
    """How this server does; what of LISTSERV's list means nothing here is said to be so."""
    asked = _post(request)
    if asked is not None:
        return show_post(asked)
    word = fold(request.arguments.text)
    if not word or abbreviates(word, "VERsion"):
        return release(request)
    if abbreviates(word, "STats"):
        turn = request.turn
        count = sum(1 for one in turn.tx.lists.all() if is_visible(turn, request.actor, one))
        return request.say("SHOW_STATS", COUNT=str(count), SITE=turn.settings.site.domain)
    if any(abbreviates(word, name) for name in _SHOWN_ELSEWHERE):
        return request.say("SHOW_NOTHING", WORD=word)
    raise UnknownTopic(word[:40])


_SHOWN_ELSEWHERE = ("LICense", "HARDWare", "CTR", "BENCHmarks", "NODEntry", "PATHs")


def thanks(request: Request) -> str:
    """The classic sign of life."""
    return request.say("THANKS")


HELP = Command(
    keyword="Help",
    syntax="[topic]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=help_,
)

INFO = Command(
    keyword="Info",
    syntax="[topic]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=info,
    is_about_files=True,
    compat="INFO knows lists' names, REFCARD and KEYWORDS; there are no booklets to send.",
)

RELEASE = Command(
    keyword="RELEASE",
    syntax="",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=release,
)

SHOW = Command(
    keyword="SHOW",
    syntax="[topic]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=show,
    prepare=prepare_show,
    weigh=following.weigh,
    compat="VERSION and STATS, and POST, ours; the rest tells of a machine that is not there.",
)

THANKS = Command(
    keyword="THANKs",
    syntax="",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=thanks,
)
