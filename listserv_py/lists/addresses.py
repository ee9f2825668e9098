"""The addresses of this server: read by `route`, written by its twin `address_of`.

Purely syntactic: whether the list exists is the store's to say. A list may not be named like
another list's door (`test-l-request`), or two doors would be one: `reserved` says which names.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from listserv_py.mail.mailbox import Mailbox

KEY_MAX = 25

_LISTNAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,30}[A-Za-z0-9])?", re.ASCII)
_KEY = re.compile(rf"[A-Za-z0-9]{{1,{KEY_MAX}}}", re.ASCII)
_DOOR_ENDINGS = ("-request", "-subscribe", "-unsubscribe", "-signoff", "-search")
_DMARC = re.compile(r"[0-9A-F]{16}-DMARC", re.ASCII)
_ALIAS = re.compile(r"([0-9a-f]{16})-dmarc-request", re.ASCII)


class Door(StrEnum):
    """What mail to one of our addresses is for."""

    COMMAND = "command"
    POST = "post"
    OWNER = "owner"
    """The envelope sender of a list's mail: bounces arrive here."""
    REQUEST = "request"
    SUBSCRIBE = "subscribe"
    SIGNOFF = "signoff"
    SEARCH = "search"
    POSTMASTER = "postmaster"
    OWN_BOUNCE = "own-bounce"
    SITE_REQUEST = "site-request"
    ALIAS = "alias"
    """Behind it stands an author whose own address could not be used (RFC 9989)."""


@dataclass(frozen=True, slots=True)
class Destination:
    """A door, the list it belongs to, and what stood in the address: a VERP key, or an alias.

    All in capitals.
    """

    door: Door
    listname: str | None = None
    key: str | None = None


# A list's doors: what stands in front of its name and behind it. The longest ending comes first.
_LIST_DOORS: tuple[tuple[str, str, Door], ...] = (
    ("owner-", "", Door.OWNER),
    ("", "-subscribe-request", Door.SUBSCRIBE),
    ("", "-unsubscribe-request", Door.SIGNOFF),
    ("", "-signoff-request", Door.SIGNOFF),
    ("", "-search-request", Door.SEARCH),
    ("", "-request", Door.REQUEST),
    ("", "", Door.POST),
)
_SITE_PEOPLE = ("postmaster", "abuse")
_NOBODYS = frozenset(
    {"postmaster", "abuse", "mailer-daemon", "listserv", "root", "nobody", "noreply", "no-reply"}
)


def is_listname(text: str) -> bool:
    """1 to 32 letters, digits, `-`, `_`, `.`; a letter or digit at both ends, no two dots."""
    return _LISTNAME.fullmatch(text) is not None and ".." not in text


def reserved(listname: str, name: str = "listserv") -> bool:
    """Whether a list of this name would stand at another door; `name` is the command mailbox."""
    lower = listname.lower()
    return (
        lower in _NOBODYS
        or lower == name.lower()
        or lower.startswith("owner-")
        or lower.endswith(_DOOR_ENDINGS)
        or _DMARC.fullmatch(listname.upper()) is not None
    )


def route(mailbox: Mailbox, *, domain: str, name: str) -> Destination | None:
    """Which door an address is, or None when it is none of ours."""
    local = mailbox.local_part
    if mailbox.domain != domain.lower() or not local.isascii():
        return None
    return _door(local.lower(), name.lower())


@lru_cache(maxsize=4096)
def _door(local: str, name: str) -> Destination | None:
    """Asked up to six times for each mail, and for most mails the same."""
    return _site_door(local, name) or _list_door(local, name)


def _site_door(local: str, name: str) -> Destination | None:
    if local == name:
        return Destination(Door.COMMAND)
    if local == f"owner-{name}":
        return Destination(Door.OWN_BOUNCE)
    head, plus, key = local.partition("+")
    if plus and head == f"owner-{name}" and _KEY.fullmatch(key):
        return Destination(Door.OWN_BOUNCE, key=key.upper())
    if local == f"{name}-request":
        return Destination(Door.SITE_REQUEST)
    if local in _SITE_PEOPLE:
        return Destination(Door.POSTMASTER)
    alias = _ALIAS.fullmatch(local)
    return Destination(Door.ALIAS, key=alias[1].upper()) if alias else None


def _list_door(local: str, name: str) -> Destination | None:
    head, plus, key = local.partition("+")
    if plus and not (head.startswith("owner-") and _KEY.fullmatch(key)):
        return None
    for before, behind, door in _LIST_DOORS:
        if head.startswith(before) and head.endswith(behind):
            listname = head[len(before) : len(head) - len(behind)]
            if not is_listname(listname) or reserved(listname, name):
                return None
            return Destination(door, listname.upper(), key.upper() or None)
    return None


def address_of(destination: Destination, *, domain: str, name: str) -> Mailbox:
    """The address of a door, in lower case; SIGNOFF and POSTMASTER have one that is the usual."""
    return Mailbox(_local_part(destination, name.lower()), domain.lower())


def _local_part(destination: Destination, name: str) -> str:
    key = f"+{destination.key}".lower() if destination.key else ""
    site = {
        Door.COMMAND: name,
        Door.OWN_BOUNCE: f"owner-{name}{key}",
        Door.SITE_REQUEST: f"{name}-request",
        Door.POSTMASTER: "postmaster",
        Door.ALIAS: f"{(destination.key or '').lower()}-dmarc-request",
    }
    if destination.door in site:
        return site[destination.door]
    before, behind = _AFFIXES[destination.door]
    return f"{before}{destination.listname or ''}{behind}{key}".lower()


_AFFIXES = {door: (before, behind) for before, behind, door in reversed(_LIST_DOORS)}
