"""The rules about what a post is made of: HTML and attachments, by their Content-Type alone."""

from __future__ import annotations

import re
from collections.abc import Callable

from listserv_py.lists.values import AttachmentRule, Attachments
from listserv_py.mail.attachments import Found, attachments, without
from listserv_py.mail.mime import Part
from listserv_py.posting.copyrules import discards_html
from listserv_py.posting.post import Post
from listserv_py.posting.verdict import Reject, Verdict

_PLAIN_TYPE = re.compile(r"(?:application|audio|image|message|model|video)/[a-z0-9+-]{1,30}")
_HTML = frozenset(("text/html", "application/xhtml+xml"))


def html_only(post: Post) -> Verdict | None:
    """Refuse what would have no text once its HTML is discarded."""
    if not discards_html(post.mailing_list.keywords):
        return None
    shown = [part for part in post.message.root.walk() if _is_shown(part)]
    only = any(part.content_type in _HTML for part in shown) and not any(
        part.content_type == "text/plain" and part.as_text().strip() for part in shown
    )
    return Reject("POST_HTML_ONLY") if only else None


def _is_shown(part: Part) -> bool:
    return not part.is_multipart and part.disposition != "attachment"


def attached(post: Post) -> Verdict | None:
    """Refuse attachments that `Attachments=` does not allow, unless they can be taken out."""
    wanted = post.mailing_list.keywords.attachments
    for one in _unwanted(post):
        if one.sealed or not wanted.strip:
            return Reject("POST_ATTACHED", {"TYPE": _shown(one.content_type)})
    return None


def _shown(content_type: str) -> str:
    """A type as it may be repeated to somebody who perhaps never wrote it: no names of hosts."""
    return content_type if _PLAIN_TYPE.fullmatch(content_type) else "that it has"


def stripped(post: Post, word: Callable[[Part], str]) -> bytes:
    """The post as it goes out: the same bytes, or without the attachments that are not allowed."""
    unwanted = _unwanted(post)
    return without(post.message, unwanted, word) if unwanted else post.message.raw


def _unwanted(post: Post) -> list[Found]:
    wanted = post.mailing_list.keywords.attachments
    if wanted.rule is not AttachmentRule.NO and not wanted.types:
        return []
    return [one for one in attachments(post.message) if not _is_allowed(one, wanted)]


def _is_allowed(one: Found, wanted: Attachments) -> bool:
    """By its type; pictures that belong to the HTML are no attachments, but for `All` and `No`."""
    if wanted.rule is AttachmentRule.NO:
        return False
    if wanted.rule is AttachmentRule.YES and one.shown:
        return True
    main = one.content_type.partition("/")[0]
    return any(kind in (one.content_type, main, f"{main}/*") for kind in wanted.types)
