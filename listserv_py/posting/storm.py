"""The storm brake: many people who answer everybody "please remove me" stop a list by themselves.

A storm is told by those who want out, never by liveliness alone: at least `PLEAS` people must have
asked to be removed, or answered by machine, and so many in all as `Loopcheck= Storm(n)` says must
have posted short texts in the thread, within an hour. Who asks is told privately how to leave.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from listserv_py.lists.holding import STORM
from listserv_py.lists.roles import STAFF, heard_owners, moderators_of
from listserv_py.mail.letter import Letter
from listserv_py.mail.message import Message
from listserv_py.maillog import get_logger
from listserv_py.posting.answers import known, shown_subject, tell_author
from listserv_py.posting.pleas import asks, is_by_machine
from listserv_py.posting.post import Post
from listserv_py.posting.verdict import Asked, Discard, Distribute, Hold, Reason, Verdict
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn

log = get_logger("posting")

WITHIN = timedelta(hours=1)
LASTS = timedelta(days=1)
"""So long after a storm was stopped, or ended by FREE, its pleas go to nobody."""
PLEAS = 3
SHORT = 300
BEGIN = 100
LONG = 3000
READ_MAX = 20_000

_PREFIX = re.compile(r"^(?:\s*(?:\[[^\]]{0,80}\]|[^\s:\[\]]{1,20}(?: [^\s:]{1,20})?:))+")
_WROTE = "wrote|schrieb|écrit|escribió|ha scritto|escreveu|schreef|skrev|napisał|пишет|написал"
_QUOTE_BEGINS = re.compile(
    r"-{2,}|_{5,}|(?:From|Von|De|Da|Van|Fra|Från|Od|От): "
    rf"|.{{0,200}}(?:{_WROTE})(?:\(a\))?(?: [^:]{{0,100}})?:$"
)
_BARE = frozenset({"unsubscribe", "remove", "remove me", "stop"})
"""Subjects that say it all."""


@dataclass(frozen=True, slots=True)
class Sign:
    """What a short post shows: somebody wants out (`plea`), by himself or by his machine.

    Only who asks himself is answered (RFC 3834 2).
    """

    thread: str
    plea: bool
    by_machine: bool = False


def sign_of(message: Message) -> Sign | None:
    """What a post says of a storm; None when it is of some length, or carries files.

    Who begins with a plea may end with a page of what his company puts below.
    """
    if any(part.disposition == "attachment" for part in message.root.walk()):
        return None
    subject = message.subject.lower()
    words = " ".join(_own_lines(message)).lower()
    plea = asks(words[:SHORT] if len(words) <= SHORT else words[:BEGIN])
    if len(words) > (LONG if plea else SHORT):
        return None
    thread = " ".join(_PREFIX.sub("", subject[:500]).split())
    plea = plea or thread in _BARE or asks(thread)
    by_machine = is_by_machine(subject, words[:BEGIN])
    return Sign(thread, plea or by_machine, by_machine)


def _own_lines(message: Message) -> list[str]:
    """The author's own words: no quotes, nothing from where they, or his signature, begin.

    No more of them than it takes to see that a post is not short.
    """
    found: list[str] = []
    length = 0
    for line in message.text_to_read(READ_MAX).split("\n"):
        said = line.strip()
        if length > SHORT or _QUOTE_BEGINS.match(said[:300]):
            break
        if said and not said.startswith(">"):
            found.append(said)
            length += len(said)
    return found


def weigh(turn: Turn, letter: Letter, post: Post, verdict: Verdict) -> Verdict:
    """The verdict, unless the post is part of a storm; pleas are answered privately."""
    limit = _limit(post)
    distributed = isinstance(verdict, Distribute)
    held = isinstance(verdict, Hold) and verdict.reason is Reason.LIST_HELD
    sign = sign_of(post.message) if limit and (distributed or held) else None
    if sign is None or post.author is None or post.approved or post.rights & STAFF:
        return verdict
    storms, list_id = turn.tx.storms, post.mailing_list.id
    storms.note(list_id, post.author, sign.thread, plea=sign.plea, now=turn.now)
    if sign.plea and not sign.by_machine:
        _show_way_out(turn, letter, post)
    if storms.stopped(list_id, turn.now - LASTS):
        return Discard("it asks to be removed, in a storm") if sign.plea else verdict
    if held:
        return verdict
    pleas, people = storms.count(list_id, sign.thread, turn.now - WITHIN)
    if pleas < PLEAS or people < limit:
        return verdict
    _stop(turn, post, pleas, people)
    return Hold(Reason.STORM, Asked.NOBODY)


def _limit(post: Post) -> int:
    loopcheck = post.mailing_list.keywords.loopcheck
    return 0 if loopcheck.leaves_out("nostorm") else loopcheck.storm


def _show_way_out(turn: Turn, letter: Letter, post: Post) -> None:
    """Tell him how to leave, once a day: in private, and whether he is on the list or not."""
    budget, author = turn.tx.budget, post.author
    about = f"way out {post.mailing_list.id}"
    if author is None or budget.spent(author, about, turn.now, LASTS):
        return
    if tell_author(turn, letter, post, "STORM_WAY_OUT"):
        budget.spend(author, about, turn.now)


def _stop(turn: Turn, post: Post, pleas: int, people: int) -> None:
    """Hold the list, and tell those who look after it."""
    mailing_list = post.mailing_list
    turn.tx.storms.stop(mailing_list.id, turn.now)
    turn.tx.lists.hold(mailing_list, STORM)
    log.warning("list.storm", list=mailing_list.name, pleas=pleas, people=people)
    slots = known(turn, mailing_list) | {
        "SUBJECT": shown_subject(post.message.subject) or "(none)",
        "PLEAS": str(pleas),
        "PEOPLE": str(people),
    }
    readers = dict.fromkeys((*heard_owners(mailing_list), *moderators_of(mailing_list)))
    for reader in readers:
        turn.mail(reader, "STORM_HELD", slots, kind=Kind.NOTICE, mailing_list=mailing_list)
