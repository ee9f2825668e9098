"""Posts to a list whose `New-List=` leads elsewhere, to an address that is not ours.

The list there decides on them by its own rules. What would go round, is meant for this server
alone, or would look genuine only because we send it on, is stopped here first.
"""

from __future__ import annotations

from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.posting.answers import tell_author
from listserv_py.posting.checks import BEFORE_ALL, judge
from listserv_py.posting.post import Post
from listserv_py.posting.prepare import mind_threshold
from listserv_py.posting.verdict import Distribute, Reject, Verdict
from listserv_py.store.turn import Turn

log = get_logger("posting")


def pass_on(turn: Turn, letter: Letter, post: Post, there: Mailbox) -> Verdict:
    """Send the post on as it came and tell its author; any other verdict than `Distribute` stands.

    It counts as one of the day's posts, so that a flood holds the list.
    """
    verdict = judge(post, BEFORE_ALL)
    if not isinstance(verdict, Distribute):
        return verdict
    if post.forgeable and not post.proven:
        return Reject("POST_MOVED_UNPROVEN", {"ADDRESS": str(there)})
    mailing_list, tx = post.mailing_list, turn.tx
    turn.resend(there, post.message.raw, mailing_list)
    tx.posts.note(mailing_list.id, post.keys, turn.now)
    tx.posts.count(mailing_list.id, post.author or mailing_list.address, turn.now)
    told = tell_author(turn, letter, post, "POST_MOVED", {"ADDRESS": str(there)})
    log.info("post.passed_on", spool=letter.spool_id, list=mailing_list.name, told=told)
    mind_threshold(turn, mailing_list)
    return verdict
