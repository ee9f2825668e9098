"""LISTS: the lists of this server that its sender may know of, and what he is on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from listserv_py.commands.command import Command, Confirm, Privilege, Request, abbreviates
from listserv_py.commands.inquire import described
from listserv_py.commands.manners import shown_word
from listserv_py.commands.rights import is_visible
from listserv_py.commands.syntax import first_word, fold
from listserv_py.errors import UnknownSwitch
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import moderators_of, owners_of

Lists = Sequence[MailingList]

SEARCHED_MAX = 60


def lists(request: Request) -> str:
    """The lists that the sender may know of, or those of them that his word means."""
    turn = request.turn
    shown = [one for one in turn.tx.lists.all() if is_visible(turn, request.actor, one)]
    word, rest = first_word(request.arguments.text.strip(" \t()"))
    for name, told in _WAYS.items():
        if not word or abbreviates(fold(word), name):
            return told(request, shown, rest)
    raise UnknownSwitch(shown_word(word))


def _short(request: Request, shown: Lists, _: str) -> str:
    return request.say("LISTS", LISTS=_table(shown), SITE=request.turn.settings.site.domain)


def _detailed(request: Request, shown: Lists, _: str) -> str:
    return "\n\n\n".join(described(request, one) for one in shown) or "-"


def _owned(request: Request, shown: Lists, _: str) -> str:
    """One name a line, as programs read it."""
    mine = [one.name for one in shown if request.actor.mailbox in owners_of(one)]
    return "\n".join(mine) or request.say("LISTS_NONE")


def _moderated(request: Request, shown: Lists, _: str) -> str:
    mine = [one.name for one in shown if request.actor.mailbox in moderators_of(one)]
    return "\n".join(mine) or request.say("LISTS_NONE")


def _searched(request: Request, shown: Lists, text: str) -> str:
    """Those with the text in their name or title; there is no other server to ask."""
    wanted = fold(text.lstrip("/"))[:SEARCHED_MAX]
    found = [one for one in shown if wanted in fold(f"{one.name} {one.title}")]
    return request.say("LISTS_FOUND", TEXT=shown_word(wanted), LISTS=_table(found))


def _counted(request: Request, shown: Lists, _: str) -> str:
    site = request.turn.settings.site.domain
    return request.say("SHOW_STATS", COUNT=str(len(shown)), SITE=site)


_WAYS: Mapping[str, Callable[[Request, Lists, str], str]] = {
    "Short": _short,
    "Detailed": _detailed,
    "PUBLIC": _short,
    "OWNed": _owned,
    "MODerated": _moderated,
    "GLOBAL": _searched,
    "SUMMARY": _counted,
}


def _table(shown: Lists) -> str:
    width = max((len(one.name) for one in shown), default=0)
    return "\n".join(f"{one.name:<{width}}  {one.title}".rstrip() for one in shown) or "-"


LISTS = Command(
    keyword="Lists",
    syntax="[topic]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=lists,
    is_about_files=True,
    compat=(
        "DETAILED tells of each list what INFO tells, because headers name people; GLOBAL"
        " searches this server's own lists; SUMMARY says how many there are."
    ),
)
