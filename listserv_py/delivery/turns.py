"""Whose page is next: lists take turns, and so do the posts of each list, and jobs as one list.

Who comes new starts level with the others: they neither wait for him to catch up, nor he for them.
"""

from collections.abc import Sequence

from listserv_py.delivery.hand import Post
from listserv_py.mail.listheaders import decode
from listserv_py.store.outbox import Kind


class Turns:
    """Counts the pages of each list that has posts to send; those of a post are in `Post.turn`."""

    def __init__(self) -> None:
        self._lists: dict[int | None, int] = {}

    def next(self, posts: Sequence[Post]) -> Post:
        """The one whose turn it is, of one or more."""
        lists = dict.fromkeys(post.mailing.list_id for post in posts)
        level = min((many for one, many in self._lists.items() if one in lists), default=0)
        self._lists = {one: self._lists.get(one, level) for one in lists}
        whose = min(self._lists, key=lambda one: self._lists[one])
        self._lists[whose] += 1
        its = _first([post for post in posts if post.mailing.list_id == whose])
        level = min((post.turn for post in its if post.turn is not None), default=0)
        for post in its:
            post.turn = level if post.turn is None else post.turn
        found = min(its, key=lambda post: post.turn or 0)
        found.turn = (found.turn or 0) + 1
        return found


def _first(posts: list[Post]) -> list[Post]:
    """Those whose turn it can be: of jobs the ones of the highest priority."""
    if len(posts) == 1 or any(post.mailing.kind is not Kind.JOB for post in posts):
        return posts
    ranks = [decode(post.mailing.facts).priority for post in posts]
    return [post for post, rank in zip(posts, ranks, strict=True) if rank == max(ranks)]
