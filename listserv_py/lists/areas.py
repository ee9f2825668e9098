"""`Service=` and `Local=`: from which hosts people are in a list's service area.

A word is a host, a pattern in which `*` stands for any letters, a country's two letters, or
`Local`: what `Local=` says, or else the list's own host and those below it. What means none of
these, such as a node of networks that are gone, lets nobody in.
"""

from __future__ import annotations

from collections.abc import Iterable

from listserv_py.lists.filters import glob
from listserv_py.lists.values import EVERYWHERE, Keywords
from listserv_py.mail.mailbox import Mailbox

_LOCAL = "local"
_COUNTRY = 2


def is_served(mailbox: Mailbox, keywords: Keywords, domain: str) -> bool:
    """Whether an address is in the service area of a list with these keywords at that domain."""
    if keywords.service == EVERYWHERE:
        return True
    host = mailbox.domain.lower()
    words = (word for word in keywords.service if word != _LOCAL)
    if _is_of(host, words):
        return True
    own = keywords.local or (domain, f"*.{domain}")
    return _LOCAL in keywords.service and _is_of(host, own)


def _is_of(host: str, words: Iterable[str]) -> bool:
    return any(glob(f"*.{one}" if _is_country(one) else one, host) for one in words)


def _is_country(word: str) -> bool:
    return len(word) == _COUNTRY and word.isalpha()
