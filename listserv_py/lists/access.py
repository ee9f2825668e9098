"""Access levels: who may post, review or edit, as the header's keywords say it.

`(OTHER-L)` and `Owner(OTHER-L)` speak of another list's people; whoever asks `roles.may` brings
along what he knows of them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum

from listserv_py.errors import BadAddress
from listserv_py.lists.addresses import is_listname
from listserv_py.lists.headertext import quoted
from listserv_py.mail.mailbox import Mailbox, parse_mailbox


class Access(StrEnum):
    """The kinds of access level; the values are the words of the header."""

    PUBLIC = "Public"
    POSTMASTER = "Postmaster"
    PRIVATE = "Private"
    OWNER = "Owner"
    SERVICE = "Service"
    ADDRESS = "address"


@dataclass(frozen=True, slots=True)
class AccessLevel:
    """One access level; `listname` "" is the list itself, `mailbox` is set for ADDRESS only."""

    access: Access
    listname: str = ""
    mailbox: Mailbox | None = None

    def __str__(self) -> str:
        """As the header writes it; `read_access` is the twin."""
        if self.mailbox is not None:
            return quoted(str(self.mailbox))
        if not self.listname:
            return self.access.value
        word = "" if self.access is Access.PRIVATE else self.access.value
        return f"{word}({self.listname})"


ALLOWED = "Public, Private, Owner, Postmaster, Service, (listname), Owner(listname), or an address"
_OF_LIST = re.compile(r"(|[Oo][Ww][Nn][Ee][Rr]|[Ss][Ee][Rr][Vv][Ii][Cc][Ee])\(([^()]*)\)", re.ASCII)
_WORDS = {access.value.lower(): access for access in Access if access is not Access.ADDRESS}


def read_access(text: str) -> AccessLevel | None:
    """Read one access level, or None when it is none."""
    if text.isascii() and text.lower() in _WORDS:
        return AccessLevel(_WORDS[text.lower()])
    found = _OF_LIST.fullmatch(text)
    if found:
        if not is_listname(found[2]):
            return None
        access = _WORDS[found[1].lower()] if found[1] else Access.PRIVATE
        return AccessLevel(access, found[2].upper())
    try:
        return AccessLevel(Access.ADDRESS, mailbox=parse_mailbox(text))
    except BadAddress:
        return None
