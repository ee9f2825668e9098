"""Posts to lists with `Mail-Merge= Yes`: whether copies are filled in, and whether they can be."""

from __future__ import annotations

from listserv_py.lists import merging
from listserv_py.lists.merging import LIST_NAMES
from listserv_py.lists.roles import STAFF
from listserv_py.mail.listheaders import ListFacts
from listserv_py.posting.post import Post
from listserv_py.posting.verdict import Asked, Hold, Reason, Reject, Verdict
from listserv_py.texts.merge import may_merge


def blocks(post: Post) -> Verdict | None:
    """Refuse what cannot be filled in; its author would not want it to go out as it is."""
    if not post.mailing_list.keywords.mail_merge:
        return None
    fault = merging.fault(post.message, LIST_NAMES)
    return Reject("POST_MERGE", {"FAULT": fault}) if fault else None


def looked_at(post: Post) -> Verdict | None:
    """Fill in the posts of those only who may know who is on the list.

    A picture whose address has the reader's in it tells its author whoever looks at the post.
    """
    if not post.mailing_list.keywords.mail_merge or post.approved or post.rights & STAFF:
        return None
    if not merging.is_merged(post.message, LIST_NAMES):
        return None
    if post.roles & STAFF and not post.automatic:
        return Hold(Reason.UNPROVEN, Asked.AUTHOR)
    return Hold(Reason.MERGED, Asked.MODERATOR)


def is_filled_in(post: Post, facts: ListFacts) -> bool:
    """Whether each copy has something of its own in it, from the post or from a banner."""
    if not post.mailing_list.keywords.mail_merge:
        return False
    banners = (facts.top_text, facts.bottom_text, facts.top_html, facts.bottom_html)
    return any(map(may_merge, banners)) or merging.is_merged(post.message, LIST_NAMES)
