"""One reader for each kind of keyword value: header items in, typed values out.

A reader never raises: what it cannot read becomes a `Fault`, and it goes on with the next item, so
that an owner learns of all his faults at once. Words are compared as ASCII.
"""

from __future__ import annotations

import re
from datetime import timedelta

from listserv_py.errors import BadOptionValue, UnknownOption
from listserv_py.lists.access import ALLOWED, Access, AccessLevel, read_access
from listserv_py.lists.headertext import Fault, Item
from listserv_py.lists.options import Options, apply_words, find_option
from listserv_py.lists.shapes import (
    ADDRESS_ALLOWED,
    Change,
    Items,
    access_levels,
    lower,
    modifiers,
    not_allowed,
    one_of,
    read_mailbox,
    read_number,
)
from listserv_py.lists.values import (
    Confidential,
    ConfirmWho,
    Notify,
    Owner,
    ReplyTo,
    ReplyToKind,
    Send,
    SubscriptionPolicy,
    SubscriptionRule,
    Validate,
    ValidateLevel,
)
from listserv_py.mail.mailbox import Mailbox

_SIZE = re.compile(r"([0-9]{1,9})([KkMm]?)", re.ASCII)
LINE_OCTETS = 80
"""Sizelim= without a unit counts lines of this length."""


def owners(items: Items, faults: list[Fault]) -> Change:
    """`joe@example.org (Joe Doe)`, and `Quiet:`, behind which all owners are quiet."""
    found: list[Owner] = []
    levels: list[AccessLevel] = []
    quiet = False
    for item in items:
        if lower(item).startswith("quiet:"):
            quiet = True
            rest = item.text[len("quiet:") :] or item.comment.partition(" ")[0]
            comment = item.comment.partition(" ")[2] if not item.text[6:] else item.comment
            if not rest:
                continue
            item = Item(rest, item.line, comment)  # noqa: PLW2901 - the owner behind Quiet:
        level = read_access(item.text)
        if level and level.listname:
            levels.append(level)
            continue
        mailbox = read_mailbox(item, faults, f"{ADDRESS_ALLOWED}, (listname), or Quiet:")
        if mailbox:
            found.append(Owner(mailbox, item.comment.strip("() "), quiet))
    return {"owners": tuple(found), "owner_access": tuple(levels)}


def editors(items: Items, faults: list[Fault]) -> Change:
    """Addresses; from the second one on access levels too."""
    found: list[Mailbox] = []
    levels: list[AccessLevel] = []
    for index, item in enumerate(items):
        level = read_access(item.text)
        if level and level.mailbox:
            found.append(level.mailbox)
        elif level and index > 0:
            levels.append(level)
        elif index == 0:
            faults.append(not_allowed(item, "a person's address first, then access levels too"))
        else:
            faults.append(not_allowed(item, ALLOWED))
    return {"editors": tuple(found), "editor_access": tuple(levels)}


def moderators(items: Items, faults: list[Fault]) -> Change:
    """`[All,]` and addresses."""
    all_of_them = bool(items) and lower(items[0]) == "all"
    found = [read_mailbox(item, faults) for item in items[all_of_them:]]
    return {"moderators": tuple(m for m in found if m), "moderator_all": all_of_them}


_SEND_MODIFIERS = {
    Access.PUBLIC: ("Confirm", "Non-Member", "All"),
    None: ("Confirm", "All"),
}
_EDITOR_MODIFIERS = ("Hold", "Confirm", "Non-Member", "All", "Semi-Moderated", "NoMIME")
_SEND_WORDS = frozenset(word.lower() for word in _EDITOR_MODIFIERS)


def send(items: Items, faults: list[Fault]) -> Change:
    """`Editor` and its modifiers, or access levels and theirs."""
    if items and lower(items[0]) == "editor":
        said = modifiers(items[1:], _EDITOR_MODIFIERS, faults)
        value = Send(
            access=(),
            editor=True,
            hold="hold" in said,
            confirm=_confirm_who(said, ConfirmWho.EDITORS),
            semi_moderated="semi-moderated" in said,
            nomime="nomime" in said,
        )
        return {"send": value}
    split = next((n for n, item in enumerate(items) if lower(item) in _SEND_WORDS), len(items))
    levels = access_levels(items[:split], faults, more=", or Editor")
    if not levels and not faults:
        faults.append(not_allowed(items[0], f"{ALLOWED}, or Editor, in front of {items[0].text}"))
    kind = Access.PUBLIC if any(a.access is Access.PUBLIC for a in levels) else None
    said = modifiers(items[split:], _SEND_MODIFIERS[kind], faults)
    return {"send": Send(access=levels, confirm=_confirm_who(said, ConfirmWho.ALL))}


def _confirm_who(said: dict[str, int], plain: ConfirmWho) -> ConfirmWho:
    if "confirm" not in said:
        return ConfirmWho.NOBODY
    if "all" in said:
        return ConfirmWho.ALL
    return ConfirmWho.NON_MEMBERS if "non-member" in said else plain


def review(items: Items, faults: list[Fault]) -> Change:
    """Access levels."""
    return {"review": access_levels(items, faults)}


def subscription(items: Items, faults: list[Fault]) -> Change:
    """A policy, and Confirm, which has no effect on Closed."""
    policy = one_of(SubscriptionPolicy, items[0], faults)
    said = modifiers(items[1:], ("Confirm",), faults)
    rule = SubscriptionRule(policy or SubscriptionPolicy.CLOSED, "confirm" in said)
    return {"subscription": rule}


def validate(items: Items, faults: list[Fault]) -> Change:
    """A level, Confirm and NoPW; All does not go without Confirm."""
    said_level = one_of(ValidateLevel, items[0], faults)
    level = said_level or ValidateLevel.ALL
    allowed = () if level is ValidateLevel.NO else ("Confirm", "NoPW")
    said = modifiers(items[1:], allowed, faults)
    if "nopw" in said and "confirm" not in said:
        faults.append(Fault(items[0].line, "NoPW without Confirm", f"{level.value},Confirm,NoPW"))
    if said_level is ValidateLevel.ALL and "confirm" not in said:
        faults.append(
            Fault(items[0].line, "All without Confirm", "All,Confirm or All,Confirm,NoPW")
        )
    return {"validate": Validate(level, "confirm" in said, "nopw" in said)}


def default_options(items: Items, faults: list[Fault]) -> Change:
    """SET words, the owner's included."""
    found: list[str] = []
    for item in items:
        words = item.text.split()
        try:
            apply_words(Options(), words, by_owner=True)
        except (UnknownOption, BadOptionValue):
            faults.append(not_allowed(item, "the options of SET, such as NOHTML or SUBJECTHDR"))
        else:
            found += [option.word if (option := find_option(word)) else word for word in words]
    return {"default_options": tuple(found)}


def reply_to(items: Items, faults: list[Fault]) -> Change:
    """A destination, and Respect or Ignore."""
    said = modifiers(items[1:], ("Respect", "Ignore"), faults)
    respect = "ignore" not in said
    if len(said) > 1:
        faults.append(Fault(items[0].line, "Respect and Ignore together", "one of them"))
    if "@" in items[0].text:
        address = read_mailbox(items[0], faults)
        return {"reply_to": ReplyTo(ReplyToKind.ADDRESS, address, respect)}
    destinations = [kind for kind in ReplyToKind if kind is not ReplyToKind.ADDRESS]
    kind = one_of(destinations, items[0], faults, ', or an address in quotes: "joe@example.org"')
    return {"reply_to": ReplyTo(kind or ReplyToKind.NONE, None, respect)}


SUBJECT_TAG_MAX = 60


def subject_tag(items: Items, faults: list[Fault]) -> Change:
    """The text between the brackets."""
    text = items[0].text
    if len(text) > SUBJECT_TAG_MAX or set("[]") & set(text) or not text.isprintable():
        allowed = f"at most {SUBJECT_TAG_MAX} characters, no brackets; with blanks in quotes"
        faults.append(not_allowed(items[0], allowed))
    modifiers(items[1:], (), faults)
    return {"subject_tag": text}


def confidential(items: Items, faults: list[Fault]) -> Change:
    """Who sees the list in LISTS."""
    modifiers(items[1:], (), faults)
    return {"confidential": one_of(Confidential, items[0], faults) or Confidential.YES}


def ack(items: Items, faults: list[Fault]) -> Change:
    """Yes, or one of three words for no."""
    if lower(items[0]) not in {"yes", "no", "msg", "none"}:
        faults.append(not_allowed(items[0], "Yes, No, Msg, None"))
    modifiers(items[1:], (), faults)
    return {"ack": lower(items[0]) == "yes"}


def notify(items: Items, faults: list[Fault]) -> Change:
    """Yes, No or an address."""
    modifiers(items[1:], (), faults)
    if lower(items[0]) in {"yes", "no"}:
        return {"notify": Notify(lower(items[0]) == "yes")}
    return {"notify": Notify(True, read_mailbox(items[0], faults, "Yes, No, or an address"))}


def confirm_delay(items: Items, faults: list[Fault]) -> Change:
    """Hours."""
    modifiers(items[1:], (), faults)
    return {"confirm_delay": timedelta(hours=read_number(items[0], faults, 1, 24 * 30))}


def sizelim(items: Items, faults: list[Fault]) -> Change:
    """Lines of 80 octets, or octets with K or M; the value counts octets."""
    modifiers(items[1:], (), faults)
    found = _SIZE.fullmatch(items[0].text)
    units = {"": LINE_OCTETS, "K": 1024, "M": 1024 * 1024}
    if not found or int(found[1]) == 0:
        faults.append(not_allowed(items[0], "a number of lines, or a size such as 500K or 2M"))
        return {"sizelim": None}
    return {"sizelim": int(found[1]) * units[found[2].upper()]}


def daily_threshold(items: Items, faults: list[Fault]) -> Change:
    """Posts a day of the list, and of one person."""
    modifiers(items[2:], (), faults)
    per_user = read_number(items[1], faults, 1, 999_999) if len(items) > 1 else None
    return {
        "daily_threshold": read_number(items[0], faults, 1, 999_999),
        "daily_per_user": per_user,
    }
