"""What an owner's form may say of a list, of this server and of the day, whatever has happened."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from listserv_py import __version__
from listserv_py.config import Settings
from listserv_py.lists.headertext import cut, quoted, shown_lines
from listserv_py.lists.keywords import find_keyword
from listserv_py.lists.model import MailingList
from listserv_py.texts.words import Around

SITE_SLOTS = (
    "DATE",
    "TIME",
    "WEEKDAY",
    "MYNAMES",
    "MYMAIL",
    "MYADDRESS",
    "MYHOST",
    "MYNODE",
    "SITE",
    "RELEASE",
    "OSTYPE",
)
LIST_SLOTS = ("LISTNAME", "TITLE", "LISTADDR", "REQUEST", "OWNER", "OWNERS", "LISTHDR")

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def around(settings: Settings, mailing_list: MailingList | None, now: datetime) -> Around:
    """The values for SITE_SLOTS and, where a list is meant, LIST_SLOTS."""
    values = _site(settings, now)
    if mailing_list is None:
        return Around(values, day=now.toordinal())
    shown = "\n".join(shown_lines(mailing_list.header.lines))
    request = f"{mailing_list.name.lower()}-request@{mailing_list.domain}"
    of_list = (
        mailing_list.name,
        mailing_list.title,
        str(mailing_list.address),
        request,
        # The owners' own addresses are theirs to show.
        request,
        request,
        shown,
    )
    values |= dict(zip(LIST_SLOTS, of_list, strict=True))
    return Around(values, lambda name: _keyword(shown, name), now.toordinal())


def _site(settings: Settings, now: datetime) -> dict[str, str]:
    site = settings.site
    values = (
        f"{now:%d %b %Y}",
        f"{now:%H:%M:%S}",
        _DAYS[now.weekday()],
        site.command_address,
        site.command_address,
        site.command_address,
        site.domain,
        site.domain,
        site.domain,
        f"listserv_py {__version__}",
        "Unix",
    )
    return dict(zip(SITE_SLOTS, values, strict=True))


def _keyword(shown: str, name: str) -> str:
    """What a header says behind a keyword, in the lines that everybody may see."""
    wanted = find_keyword(name)
    return _said(shown).get(wanted.name, "") if wanted else ""


@lru_cache(maxsize=20)
def _said(shown: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for one in cut(shown).assignments:
        keyword = find_keyword(one.keyword)
        if keyword:
            before = [found[keyword.name]] if keyword.name in found else []
            found[keyword.name] = ",".join([*before, *(quoted(item.text) for item in one.items)])
    return found
