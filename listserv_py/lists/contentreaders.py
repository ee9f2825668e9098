"""The readers of keywords about what posts hold, where they go, and how long people stay."""

from __future__ import annotations

import re

from listserv_py.errors import BadAddress
from listserv_py.lists.access import Access
from listserv_py.lists.addresses import is_listname
from listserv_py.lists.headertext import Fault, Item
from listserv_py.lists.renewal import is_period
from listserv_py.lists.shapes import (
    Change,
    Items,
    access_levels,
    lower,
    modifiers,
    not_allowed,
    one_of,
    read_number,
)
from listserv_py.lists.values import (
    AttachmentRule,
    Attachments,
    Filter,
    FilterKind,
    Interval,
    Language,
    Loopcheck,
    LoopcheckLevel,
    Notebook,
    Renewal,
    Rotation,
    Sender,
    SenderKind,
    XTags,
)
from listserv_py.mail.mailbox import parse_mailbox, read_author

TOPICS_MAX = 23

_MIME_TYPE = re.compile(r"[A-Za-z0-9.+-]+(?:/(?:\*|[A-Za-z0-9.+-]+))?", re.ASCII)
_PATTERN = re.compile(r"[^\s@,]*@?[^\s@,]+")
_LANGUAGE = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,31}", re.ASCII)
_TOPIC = re.compile(r"[^\W_][\w./-]{0,39}")
_NO_TOPICS = frozenset({"all", "other", "re"})
_NONE = re.compile(r"(?!)")


def x_tags(items: Items, faults: list[Fault]) -> Change:
    """Our own `Keep`, or one of LISTSERV's words."""
    modifiers(items[1:], (), faults)
    return {"x_tags": one_of(XTags, items[0], faults) or XTags.KEEP}


def sender(items: Items, faults: list[Fault]) -> Change:
    """List, None, or words and an address: quoted, or the address in brackets behind them."""
    modifiers(items[1:], (), faults)
    text = " ".join(filter(None, (items[0].text, items[0].comment)))
    if text.lower() in {"list", "none"}:
        return {"sender": Sender(SenderKind(text.capitalize()))}
    if "@" not in text:  # a comment, or the list's own name
        return {"sender": Sender(SenderKind.NONE if lower(items[0]) == "none" else SenderKind.LIST)}
    found = read_author(text)
    if found is None:
        faults.append(not_allowed(items[0], 'List, None, or "The list <test-l@example.org>"'))
        return {}
    return {"sender": Sender(SenderKind.ADDRESS, found.name, found.mailbox)}


def attachments(items: Items, faults: list[Fault]) -> Change:
    """A rule, MIME types, and Filter."""
    rule = one_of(AttachmentRule, items[0], faults) or AttachmentRule.NO
    types = tuple(lower(item) for item in items[1:] if lower(item) != "filter")
    others = None if rule is AttachmentRule.NO else _MIME_TYPE
    described = "" if others is None else "MIME types such as image/png or image/*"
    said = modifiers(items[1:], ("Filter",), faults, others, described)
    return {"attachments": Attachments(rule, types, "filter" in said)}


def filter_(items: Items, faults: list[Fault]) -> Change:
    """Also, Only or Safe, and patterns."""
    kind = one_of(FilterKind, items[0], faults) or FilterKind.ALSO
    modifiers(items[1:], (), faults, _PATTERN, "patterns such as *@example.com")
    return {"filter": Filter(kind, tuple(item.text.lower() for item in items[1:]))}


def language(items: Items, faults: list[Fault]) -> Change:
    """A language, NoHTML and Exchange."""
    if not _LANGUAGE.fullmatch(items[0].text):
        faults.append(not_allowed(items[0], "the name of a language, such as English"))
    said = modifiers(items[1:], ("NoHTML", "Exchange"), faults)
    return {"language": Language(items[0].text, "nohtml" in said)}


_LOOPCHECK = ("Allow-Bounces", "NoOrigin", "NoBody", "NoCRC", "NoSpam", "Spam-Delay(n)")


def loopcheck(items: Items, faults: list[Fault]) -> Change:
    """A level, and what is left out."""
    levels = {level.value.lower(): level for level in LoopcheckLevel}
    words = (*_LOOPCHECK, "NoStorm", "Storm(n)")
    leads = lower(items[0]) in levels
    said = modifiers(items[leads:], words if leads else ("Normal", "Full", "None", *words), faults)
    said.pop("spam-delay", None)  # no word: there is no spam detector to delay
    level = levels[lower(items[0])] if leads else LoopcheckLevel.NORMAL
    storm = max(0, said.pop("storm", 5))
    return {"loopcheck": Loopcheck(level, frozenset(said), storm)}


def topics(items: Items, faults: list[Fault]) -> Change:
    """Up to 23 names; Other is what has none of them."""
    wrong = [one for one in items if not _TOPIC.fullmatch(one.text) or lower(one) in _NO_TOPICS]
    faults += [not_allowed(one, "a word such as News; not All, Other or Re") for one in wrong]
    if len(items) > TOPICS_MAX:
        faults.append(Fault(items[TOPICS_MAX].line, "too many topics", f"{TOPICS_MAX} topics"))
    return {"topics": tuple(item.text for item in items)}


def default_topics(items: Items, _: list[Fault]) -> Change:
    """Names of topics, All and Other; which there are, `header.py` knows when all is read."""
    return {"default_topics": tuple(item.text for item in items)}


def sub_lists(items: Items, faults: list[Fault]) -> Change:
    """Names of lists."""
    wrong = [one for one in items if not is_listname(one.text)]
    faults += [not_allowed(one, "the name of a list, such as TEST-L") for one in wrong]
    return {"sub_lists": tuple(one.text.upper() for one in items if one not in wrong)}


def new_list(items: Items, faults: list[Fault]) -> Change:
    """A list's name, or its address."""
    modifiers(items[1:], (), faults)
    if not is_listname(items[0].text) and not _is_address(items[0]):
        faults.append(not_allowed(items[0], "the name or the address of a list"))
    return {"new_list": items[0].text}


def _is_address(item: Item) -> bool:
    try:
        return bool(parse_mailbox(item.text))
    except BadAddress:
        return False


def renewal(items: Items, faults: list[Fault]) -> Change:
    """Periods and dates, the days to answer in, and Probe."""
    described = "a period such as Yearly, 6-Monthly or 15-Daily, or a date mm/dd or yyyy/mm/dd"
    words = ("No", "Delay(n)", "Probe")
    periods = tuple(item.text for item in items if is_period(item.text))
    others = tuple(item for item in items if item.text not in periods)
    said = modifiers(others, words, faults, _NONE, described)
    return {"renewal": Renewal(periods, said.get("delay", 7), "probe" in said)}


def change_log(items: Items, faults: list[Fault]) -> Change:
    """Yes or No, and the rotation."""
    said = modifiers(items[:1], ("Yes", "No"), faults)
    modifiers(items[2:], (), faults)
    rotation = one_of(Rotation, items[1], faults) if len(items) > 1 else None
    return {"change_log": (rotation or Rotation.SINGLE) if "yes" in said else None}


def stats(items: Items, faults: list[Fault]) -> Change:
    """None or Normal, and access levels."""
    said = modifiers(items[:1], ("None", "Normal"), faults)
    levels = access_levels(items[1:], faults)
    if "none" in said:
        return {"stats": ()}
    return {"stats": levels} if levels else {}


def limits(items: Items, faults: list[Fault]) -> Change:
    """The greatest number of subscribers."""
    said = modifiers(items, ("Sub(n)",), faults)
    return {"limit": said.get("sub")}


def indent(items: Items, faults: list[Fault]) -> Change:
    """A column."""
    modifiers(items[1:], (), faults)
    return {"indent": read_number(items[0], faults, 1, 80)}


def configuration_owner(items: Items, faults: list[Fault]) -> Change:
    """Access levels, but for those that would let in people whom nobody chose."""
    levels = access_levels(items, faults)
    for item, level in zip(items, levels, strict=False):
        if not level.listname and level.access in {Access.PUBLIC, Access.PRIVATE, Access.SERVICE}:
            allowed = "Owner, Postmaster, (listname), Owner(listname), or an address"
            faults.append(not_allowed(item, allowed))
    return {"configuration_owner": levels}


def notebook(items: Items, faults: list[Fault]) -> Change:
    """`Yes,where,interval,access-level`; where means nothing here, and may be left out."""
    said = modifiers(items[:1], ("No", "Yes"), faults)
    intervals = {one.value.lower() for one in Interval}
    rest = items[1:] if len(items) > 1 and lower(items[1]) in intervals else items[2:]
    interval = one_of(Interval, rest[0], faults) if rest else None
    levels = access_levels(rest[1:], faults)
    if "yes" not in said:
        return {"notebook": None}
    known = Notebook()
    return {"notebook": Notebook(interval or known.interval, levels or known.access)}


def notebook_header(items: Items, faults: list[Fault]) -> Change:
    """Short or Full."""
    modifiers(items[1:], (), faults)
    return {"notebook_full": "full" in modifiers(items[:1], ("Short", "Full"), faults)}
