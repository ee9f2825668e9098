"""Posts that wait for somebody's word: the author's own, a moderator's, or FREE for a held list.

Each person asked gets a code of his own, with the held mail attached whole. What the answer does is
not decided here: OK marks the spool's row, and `arrival` judges the post again.
"""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from listserv_py.lists.holding import HeldFor
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import heard_owners, is_stranger, moderators_of
from listserv_py.mail.charsets import decode
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import Message
from listserv_py.maillog import get_logger
from listserv_py.posting.answers import about, known, tell_author
from listserv_py.posting.post import Post
from listserv_py.posting.verdict import Asked, Forward, Hold
from listserv_py.store.cookies import Ask, CookieKind
from listserv_py.store.outbox import Kind
from listserv_py.store.turn import Turn
from listserv_py.texts.dates import moment

log = get_logger("posting")

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
HELD_FOR = timedelta(days=7)
SUBJECT_MAX = 200
TEXT_MAX = 100_000
"""Octets of a mail that may stand in a request as text; what is larger is attached."""


def hold(turn: Turn, letter: Letter, post: Post, verdict: Hold) -> None:
    """Keep the post and ask whom the verdict names."""
    if verdict.asked is Asked.AUTHOR:
        _ask_author(turn, letter, post, verdict)
    elif verdict.asked is Asked.NOBODY:
        _keep(turn, letter, post, HeldFor.FREE, turn.now + HELD_FOR)
    else:
        _ask_moderators(turn, letter, post, verdict)


def forward(turn: Turn, letter: Letter, post: Post, verdict: Forward) -> None:
    """Pass the mail on to people who may post it themselves; nothing is kept."""
    people = _people(turn, letter, post, verdict.asked)
    to_moderator = verdict.asked is Asked.MODERATOR
    for person in people:
        as_it_came = not (post.mailing_list.keywords.editor_header or post.forgeable)
        if to_moderator and as_it_came:
            turn.resend(person, letter.message.raw, post.mailing_list)
        else:
            _explain(turn, letter, post, verdict, person)
    if to_moderator:
        tell_author(turn, letter, post, "POST_EDITOR")
    log.info("post.forwarded", spool=letter.spool_id, list=post.mailing_list.name, to=len(people))


def _explain(turn: Turn, letter: Letter, post: Post, verdict: Forward, person: Mailbox) -> None:
    """`Editor-Header= Yes`: what the mail is and what may be done with it stands on top of it."""
    form = "POST_FORWARDED" if verdict.asked is Asked.MODERATOR else "POST_NO_AUTHOR"
    slots = known(turn, post.mailing_list) | about(letter) | _who(turn, post, verdict.reason)
    attached, below = _original(turn, letter, post, str(letter.spool_id))
    turn.mail(
        person,
        form,
        slots,
        kind=Kind.FORWARD,
        mailing_list=post.mailing_list,
        attach=attached,
        below=below,
    )


def _original(turn: Turn, letter: Letter, post: Post, named: str) -> tuple[bytes | None, str]:
    """The mail as moderators get it: attached, or with `Send= …,NoMIME` as text below the words."""
    raw = letter.message.raw
    if not post.mailing_list.keywords.send.nomime or len(raw) > TEXT_MAX:
        return raw, ""
    text = _as_text(letter.message)
    slots = {"ID": named, "LINES": str(text.count("\n") + 1)}
    rule = turn.words(post.mailing_list).fill("ORIGINAL_MESSAGE", slots).body
    return None, f"\n\n{rule.strip()}\n{text}"


def _as_text(message: Message) -> str:
    """All of a mail as one text: readable where it is a text alone, else just as it came."""
    head, _, body = message.raw.replace(b"\r\n", b"\n").partition(b"\n\n")
    root = message.root
    plain = not root.is_multipart and root.content_type == "text/plain"
    said = root.as_text() if plain else decode(body, "")
    return _CONTROL.sub("", f"{decode(head, '')}\n\n{said}").rstrip()


def _ask_author(turn: Turn, letter: Letter, post: Post, verdict: Hold) -> None:
    """Ask the author for his OK; where no more requests may wait for him, say so instead."""
    author = post.author
    limits = turn.settings.limits
    if author is None:
        return
    if turn.tx.cookies.open_count(author, turn.now) >= limits.confirmations_per_address:
        told = tell_author(turn, letter, post, "POST_TOO_MANY")
        log.info("post.unasked", spool=letter.spool_id, list=post.mailing_list.name, told=told)
        return
    until = turn.now + min(limits.confirmation_age, post.mailing_list.keywords.confirm_delay)
    code = turn.new_code()
    asked = turn.mail(
        author,
        "POST_CONFIRM",
        _slots(turn, letter, post, verdict, code, until),
        kind=Kind.CONFIRMATION,
        letter=letter,
        mailing_list=post.mailing_list,
        # A stranger is perhaps somebody whom a leaflet is meant for, with our signature on it.
        attach=letter.message.raw if not is_stranger(post.roles) else None,
    )
    if not asked:
        log.info("post.unasked", spool=letter.spool_id, list=post.mailing_list.name, told=False)
        return
    _keep(turn, letter, post, HeldFor.AUTHOR, until)
    _issue(turn, letter, post.mailing_list, (CookieKind.POST, author, code, until))


def _ask_moderators(turn: Turn, letter: Letter, post: Post, verdict: Hold) -> None:
    until = turn.now + HELD_FOR
    subject = {"SUBJECT": letter.message.subject[:SUBJECT_MAX] or "(none)"}
    _keep(turn, letter, post, HeldFor.MODERATOR, until)
    people = _people(turn, letter, post, verdict.asked)
    unasked = 0
    for person in people:
        code = turn.new_code()
        attached, below = _original(turn, letter, post, code)
        asked = turn.mail(
            person,
            "APPROVAL",
            _slots(turn, letter, post, verdict, code, until) | subject,
            kind=Kind.APPROVAL,
            mailing_list=post.mailing_list,
            attach=attached,
            below=below,
        )
        if asked:
            _issue(turn, letter, post.mailing_list, (CookieKind.APPROVAL, person, code, until))
        unasked += not asked
    if unasked:
        # A moderator's address that is one of ours, for instance: the operator must see it.
        log.error(
            "post.unasked", spool=letter.spool_id, list=post.mailing_list.name, people=unasked
        )
    if post.author not in people:
        tell_author(turn, letter, post, "POST_EDITOR")


def _people(turn: Turn, letter: Letter, post: Post, asked: Asked) -> tuple[Mailbox, ...]:
    """Whom to ask: all moderators or the next one in turn, the owners, or the author himself."""
    mailing_list = post.mailing_list
    if asked is Asked.OWNERS:
        return heard_owners(mailing_list)
    if asked is Asked.AUTHOR_AS_MODERATOR and post.author is not None:
        return (post.author,)
    moderators = moderators_of(mailing_list)
    if mailing_list.keywords.moderator_all or len(moderators) < 2:
        return moderators
    last = turn.tx.cookies.last_asked(mailing_list.id)
    # Of a quiet list nobody knows who was asked last: not always the first, so anybody.
    at = moderators.index(last) + 1 if last in moderators else letter.spool_id - 1
    return (moderators[at % len(moderators)],)


def _keep(turn: Turn, letter: Letter, post: Post, held_for: HeldFor, until: datetime) -> None:
    mailing_list = post.mailing_list
    turn.tx.spool.hold(letter.spool_id, held_for, mailing_list.id, post.author, until)
    log.info("post.held", spool=letter.spool_id, list=mailing_list.name, waits_for=held_for.value)


def _issue(
    turn: Turn,
    letter: Letter,
    mailing_list: MailingList,
    asked: tuple[CookieKind, Mailbox, str, datetime],
) -> None:
    kind, person, code, until = asked
    turn.tx.cookies.issue(
        Ask(kind, person, "", until, turn.now, mailing_list.id, letter.spool_id), code
    )


def _slots(
    turn: Turn, letter: Letter, post: Post, verdict: Hold, code: str, until: datetime
) -> dict[str, str]:
    return (
        known(turn, post.mailing_list)
        | about(letter)
        | _who(turn, post, verdict.reason)
        | {"CODE": code, "EXPIRES": moment(until), "HOST": letter.host or "this machine"}
    )


def _who(turn: Turn, post: Post, why: str) -> dict[str, str]:
    reason = turn.words(post.mailing_list).fill(why, {"LISTNAME": post.mailing_list.name}).body
    return {"WHOM": str(post.author) if post.author else "(nobody)", "WHY": reason}
