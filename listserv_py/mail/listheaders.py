"""What a list says about itself in the header of each copy (RFC 2369, RFC 2919).

`ListFacts` is frozen with the mailing, as JSON in its row: a copy rendered tomorrow, after the
owner has renamed the list, has the same bytes as one rendered today.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from urllib.parse import quote

from listserv_py.errors import Broken
from listserv_py.mail.compose import address, clean

LIST_ID_MAX = 255

_JSON = json.JSONEncoder(sort_keys=True, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class ListFacts:
    """What rendering must know of the list, the post and the moment.

    `sequence` is the post's number in the subject tag, 0 for none; `text_only`: nobody gets its
    HTML. `sender` "" is `owner_address`, None no Sender at all.
    `reply_to` "" leaves the author's Reply-To alone, else it is the value to set; `stamp` is the
    mailing's time in seconds, for every date of ours; `author_key` is the author's mailbox key, for
    NOREPRO. `authserv_ids`, blank between: whose Authentication-Results are ours and go no further.
    `one_click` is where the links of one-click unsubscription begin, "" for none.
    The banners are as TOP_BANNER and BOTTOM_BANNER were when the mailing was made. `posts_to` is
    the super-list through which this one got the post, "" for a list's own. `alias` is what goes
    into From where the author's address cannot stand, "" where it always can; `seals`, blank
    between, are the signatures of his domain that have verified (`mail.seals`). `arc`: what
    an ARC set of ours says behind the `arc_sets` that the post came with, "" for none; `arc_fails`:
    those are broken. `verp`: each copy has an envelope sender of its own; without it those have one
    whose day of `probe_every` is among the last `probe_days` before the stamp. `merge`: each copy
    is filled in for its reader, with his address, his name and the `columns`, blank between. A mail
    that DISTRIBUTE sends has no `listname`, and goes out as it was given.
    `of_day`: the how manieth post of the list's day it is, 0 for no post. `collected`:
    the content is no mail but a bundle of them (`issue.py`), for each as he wants it, `issue`, or
    for all as an `index`; "" for a mail. `own_id` stands before the @ of a Message-ID that is ours,
    as its author gave none or the list wants its own; "" where his stays. `priority`: of jobs
    the highest goes first.
    """

    listname: str
    title: str
    domain: str
    command_address: str
    subject_tag: str = ""
    reply_to: str = ""
    reply_respect: bool = True
    send_closed: bool = False
    archive_url: str = ""
    archived_at: str = ""
    approved_by: str = ""
    stamp: int = 0
    author_key: str = ""
    x_tags: str = "Keep"
    sequence: int = 0
    topics: int = 0
    tag_ietf: bool = False
    text_only: bool = False
    new_message_id: bool = False
    signed: bool = True
    rfc2369: bool = True
    sender: str | None = ""
    authserv_ids: str = ""
    top_text: str = ""
    bottom_text: str = ""
    top_html: str = ""
    bottom_html: str = ""
    one_click: str = ""
    posts_to: str = ""
    alias: str = ""
    seals: str = ""
    arc: str = ""
    arc_sets: int = 0
    arc_fails: bool = False
    verp: bool = True
    probe_every: int = 0
    probe_days: int = 0
    merge: bool = False
    columns: str = ""
    of_day: int = 0
    collected: str = ""
    priority: int = 50
    own_id: str = ""

    @property
    def has_banners(self) -> bool:
        """Whether the list puts words of its own above or below the author's."""
        return bool(self.top_text or self.bottom_text or self.top_html or self.bottom_html)

    def encode(self) -> str:
        """As JSON; `decode` is its twin."""
        return _JSON.encode({one.name: getattr(self, one.name) for one in fields(self)})

    def probes(self, subscriber_id: int) -> bool:
        """Whether a subscriber's copy is a passive probe."""
        if not self.probe_every:
            return False
        return (self.stamp // 86_400 - subscriber_id) % self.probe_every < self.probe_days

    @property
    def list_address(self) -> str:
        """Where the post came to and answers go, in lower case."""
        return self.posts_to or self._address("")

    @property
    def owner_address(self) -> str:
        """The bounce address without a key, which is the Sender of each copy."""
        return f"owner-{self.listname.lower()}@{self.domain}"

    @property
    def list_id(self) -> str:
        """The identity of the list, which never changes (RFC 2919 2)."""
        return f"{self.listname}.{self.domain}".lower()

    def _address(self, door: str) -> str:
        return f"{self.listname.lower()}{door}@{self.domain}"


def decode(text: str) -> ListFacts:
    """Read what `ListFacts.encode` wrote."""
    try:
        found = json.loads(text)
        known = {one.name: found[one.name] for one in fields(ListFacts) if one.name in found}
        return ListFacts(**known)
    except (ValueError, TypeError) as exc:
        raise Broken("stored list facts that cannot be read") from exc


def own_id_of(raw: bytes, stamp: int) -> str:
    """What a Message-ID of ours begins with: the same whenever it is asked of the same post."""
    return f"{stamp}.{hashlib.sha256(raw).hexdigest()[:32]}"


def list_fields(facts: ListFacts) -> tuple[tuple[str, str], ...]:
    """The header fields of every copy, in the order in which they stand (contract: mail out)."""
    found = [] if facts.sender is None else [("Sender", facts.sender or facts.owner_address)]
    found.append(("Precedence", "list"))
    if not facts.rfc2369:  # by which else would a copy that comes back be known?
        both = dict.fromkeys((facts._address(""), facts.list_address))
        return (*found, *(("X-Loop", one) for one in both))
    found += [
        ("List-Id", _list_id(facts)),
        ("List-Post", "NO" if facts.send_closed else _mailto(facts.list_address)),
        ("List-Help", _mailto(facts.command_address, body=f"INFO {facts.listname.upper()}")),
        ("List-Subscribe", _mailto(facts._address("-subscribe-request"))),
        ("List-Unsubscribe", _mailto(facts._address("-unsubscribe-request"))),
        ("List-Owner", _mailto(facts._address("-request"))),
    ]
    if facts.archive_url:
        found.append(("List-Archive", f"<{_url(facts.archive_url)}>"))
    if facts.archived_at:  # RFC 5064 2.2
        found.append(("Archived-At", f"<{_url(facts.archived_at)}>"))
    return tuple(found)


def has_one_click(facts: ListFacts) -> bool:
    """Whether each copy has a link of its own that ends the subscription (RFC 8058)."""
    return bool(facts.one_click and facts.rfc2369)


def unsubscribe_fields(facts: ListFacts, token: str) -> tuple[tuple[str, str], ...]:
    """The fields of one copy in place of the common List-Unsubscribe (RFC 8058 3.1)."""
    mailto = _mailto(facts._address("-unsubscribe-request"))
    return (
        ("List-Unsubscribe", f"<{_url(facts.one_click)}{token}>, {mailto}"),
        ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"),
    )


def _list_id(facts: ListFacts) -> str:
    """`Title <list.domain>`; a title that would pass 255 octets is cut, then left out."""
    title = clean(facts.title)
    while title:
        value = address(title, facts.list_id)
        if len(value) <= LIST_ID_MAX:
            return value
        title = title[: len(title) * 3 // 4].rstrip()
    return f"<{facts.list_id}>"


def _mailto(target: str, body: str = "") -> str:
    """A mailto URL in angle brackets (RFC 6068 2)."""
    local, _, host = target.rpartition("@")
    url = f"mailto:{quote(local, safe='!$*+-._~')}@{quote(host, safe='-._~')}"
    return f"<{url}?body={quote(body, safe='-._~')}>" if body else f"<{url}>"


def _url(url: str) -> str:
    """A URL that cannot end its own brackets or line."""
    return quote(clean(url), safe="!#$%&'()*+,/:;=?@[]~-._")
