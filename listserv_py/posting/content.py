"""The rules about what a post is made of: HTML and attachments, by their Content-Type alone."""

from __future__ import annotations

from listserv_py.mail.mime import Part
from listserv_py.posting.copyrules import discards_html
from listserv_py.posting.post import Post
from listserv_py.posting.verdict import Reject, Verdict

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
