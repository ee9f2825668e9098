"""Works off a post: gathers what the checks ask for, and makes their verdict happen.

Called once when the post arrives and again each time somebody has said OK to it; what has been said
is in the letter, so the checks run anew and nothing is remembered between the calls.
"""

from __future__ import annotations

from collections.abc import Callable

from listserv_py.lists.model import MailingList
from listserv_py.mail.letter import Letter
from listserv_py.maillog import get_logger
from listserv_py.posting.answers import tell_author
from listserv_py.posting.checks import CHECKS
from listserv_py.posting.moderation import forward, hold
from listserv_py.posting.moved import pass_on
from listserv_py.posting.post import Post, gather
from listserv_py.posting.prepare import distribute
from listserv_py.posting.storm import weigh
from listserv_py.posting.verdict import Discard, Distribute, Forward, Hold, Reject, Verdict
from listserv_py.store.newlist import successor
from listserv_py.store.trail import Step, What
from listserv_py.store.turn import Turn

log = get_logger("posting")


def work(
    turn: Turn, letter: Letter, mailing_list: MailingList, recognises: Callable[[str, str], bool]
) -> None:
    """Decide on a post; what is not held has been dealt with when this returns.

    `recognises` says whether a line is a command, as it would be on the list of a name.
    """
    came_to, elsewhere = mailing_list, None
    # What somebody has said OK to stays with the list that asked him.
    if not letter.confirmed and letter.approved_by is None:
        found = successor(turn, mailing_list)
        if isinstance(found, MailingList):
            mailing_list = found
            turn.tx.spool.readdress(letter.spool_id, found.address)
        else:
            elsewhere = found
    name = mailing_list.name
    post = gather(turn, letter, mailing_list, lambda line: recognises(line, name))
    rule = ""
    if elsewhere:
        verdict = pass_on(turn, letter, post, elsewhere)
    else:
        verdict, rule = _judge(post)
        weighed = weigh(turn, letter, post, verdict)
        verdict, rule = weighed, rule if weighed is verdict else "storm"
    _note(turn, letter, verdict, rule, moved=elsewhere is not None)
    if mailing_list is not came_to and not isinstance(verdict, (Discard, Reject)):
        tell_author(turn, letter, post, "POST_RENAMED", {"OLDNAME": came_to.name})
    if not (elsewhere and isinstance(verdict, Distribute)):
        _do(turn, letter, post, verdict)


def _judge(post: Post) -> tuple[Verdict, str]:
    """The first verdict that a check has, and the check's name; "" when all were passed."""
    for check in CHECKS:
        verdict = check(post)
        if verdict is not None:
            return verdict, check.__name__
    return Distribute(), ""


def _note(turn: Turn, letter: Letter, verdict: Verdict, rule: str, *, moved: bool) -> None:
    """Keep for TRACE and WHY what was decided, and by which check."""
    what, reason, asked = What.DISTRIBUTED, "", ""
    match verdict:
        case Distribute():
            what = What.MOVED if moved else what
        case Hold():
            what, reason, asked = What.HELD, verdict.reason.value, verdict.asked.value
        case Forward():
            what, reason, asked = What.FORWARDED, verdict.reason.value, verdict.asked.value
        case Reject():
            what, reason = What.REJECTED, verdict.form
        case Discard():
            what, reason = What.DISCARDED, verdict.reason
    step = Step(0, what, rule, reason, asked)
    turn.tx.trail.step(letter.spool_id, what, turn.now, step)


def _do(turn: Turn, letter: Letter, post: Post, verdict: Verdict) -> None:
    match verdict:
        case Distribute():
            mailing_id = distribute(turn, letter, post)
            turn.tx.trail.distributed(letter.spool_id, post.mailing_list.id, mailing_id)
        case Hold():
            hold(turn, letter, post, verdict)
        case Forward():
            forward(turn, letter, post, verdict)
        case Reject():
            _reject(turn, letter, post, verdict)
        case Discard(reason):
            log.info("post.discarded", **_named(letter, post), reason=reason)


def _reject(turn: Turn, letter: Letter, post: Post, verdict: Reject) -> None:
    told = tell_author(turn, letter, post, verdict.form, verdict.slots)
    log.info("post.rejected", **_named(letter, post), reason=verdict.form, told=told)


def _named(letter: Letter, post: Post) -> dict[str, str | int]:
    return {"spool": letter.spool_id, "list": post.mailing_list.name}
