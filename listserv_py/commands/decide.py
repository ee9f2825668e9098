"""Answers to codes: OK and REJECT.

A code serves once, and only the address that it was sent to; the store's UPDATE decides which of
several answers is the first. OK to a held post marks it in the spool, where intake takes it up
again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import datetime

from listserv_py.commands import comeback
from listserv_py.commands.change import complete
from listserv_py.commands.command import (
    Actor,
    Asked,
    Command,
    Confirm,
    Line,
    Privilege,
    Request,
)
from listserv_py.commands.manners import shown_word
from listserv_py.commands.roster import Roster
from listserv_py.errors import AlreadyDecided, CodeUsed, NothingToReject, UnknownCode
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import STAFF, roles_of
from listserv_py.mail import message
from listserv_py.mail.proof import Proof
from listserv_py.store.cookies import Cookie, CookieKind
from listserv_py.store.outbox import Kind
from listserv_py.store.spool import Entry
from listserv_py.store.standing import standing
from listserv_py.store.trail import Step, What

REASON_MAX = 2000
SUBJECT_MAX = 200


def ok(request: Request) -> str:
    """Do what the code stands for."""
    cookie = _open(request)
    return _EFFECTS[cookie.kind](request, cookie)


def reject(request: Request) -> str:
    """Return a held post to its author."""
    cookie = _open(request, CookieKind.APPROVAL)
    mailing_list, spool_id = _moderated(request, cookie)
    spool = request.turn.tx.spool
    entry = spool.load(spool_id)
    if entry is None or spool.is_ready(spool_id):
        raise AlreadyDecided(request.say("DECIDED"))
    # Settled first: with the post its id goes from the cookies of the other moderators.
    _settle(request, cookie, "REJECTED_BY")
    spool.drop(spool_id)
    _note(request, spool_id, What.RETURNED)
    _return(request, mailing_list, entry)
    return request.say("REJECT_DONE", LISTNAME=mailing_list.name)


def _open(request: Request, kind: CookieKind | None = None) -> Cookie:
    """The cookie behind the code, spent by this call; whoever was not sent it hears "unknown"."""
    code, cookies, now = request.arguments.code, request.turn.tx.cookies, request.turn.now
    found = cookies.find(code, now)
    if found is None or found.mailbox != request.actor.mailbox:
        raise UnknownCode(shown_word(code))
    if found.outcome:
        raise AlreadyDecided(found.outcome)
    if found.is_used:
        raise CodeUsed(code)
    if found.is_expired:
        raise UnknownCode(code)
    if kind is not None and found.kind is not kind:
        raise NothingToReject(code)
    if found.kind is CookieKind.RETURN:
        comeback.check(request, found)
    if not cookies.use(found, now):
        raise CodeUsed(code)
    return found


def _run_lines(request: Request, cookie: Cookie) -> str:
    """What waited runs as if its sender had been known from the start."""
    payload = json.loads(cookie.payload)
    asked = Asked(
        at=datetime.fromisoformat(payload["at"]),
        message_id=payload["message_id"],
        host=payload["host"],
        echo=payload.get("echo", True),
    )
    actor = Actor(
        mailbox=cookie.mailbox,
        name=payload["name"],
        proof=Proof.CODE,
        letter=request.actor.letter,
        asked=asked,
    )
    rosters = payload.get("rosters") or [None] * len(payload["lines"])
    lines = tuple(
        Line(text, text, data=tuple(data), roster=_roster(rows))
        for text, data, rows in zip(payload["lines"], payload["data"], rosters, strict=True)
    )
    return request.say("CONFIRMING", OUTPUT=request.run(request.turn, actor, lines))


def _roster(rows: list[list[str]] | None) -> Roster | None:
    if rows is None:
        return None
    return Roster(tuple((address, name) for address, name in rows))


def _release(request: Request, cookie: Cookie) -> str:
    mailing_list, spool_id = _moderated(request, cookie)
    if not request.turn.tx.spool.release(spool_id, cookie.mailbox):
        raise AlreadyDecided(request.say("DECIDED"))
    _note(request, spool_id, What.APPROVED)
    _settle(request, cookie, "APPROVED_BY")
    return request.say("APPROVE_DONE", LISTNAME=mailing_list.name)


def _confirm_post(request: Request, cookie: Cookie) -> str:
    if cookie.spool_id is None or not request.turn.tx.spool.confirm(cookie.spool_id):
        raise UnknownCode(request.arguments.code)
    request.turn.tx.trail.step(cookie.spool_id, What.CONFIRMED, request.turn.now)
    return request.say("POST_CONFIRMED")


_EFFECTS: Mapping[CookieKind, Callable[[Request, Cookie], str]] = {
    CookieKind.COMMAND: _run_lines,
    CookieKind.CHANGE: complete,
    CookieKind.APPROVAL: _release,
    CookieKind.POST: _confirm_post,
    CookieKind.RETURN: comeback.come_back,
}


def _note(request: Request, spool_id: int, what: What) -> None:
    """Keep for WHY who decided on the post."""
    step = Step(0, what, person=str(request.actor.mailbox))
    request.turn.tx.trail.step(spool_id, what, request.turn.now, step)


def _moderated(request: Request, cookie: Cookie) -> tuple[MailingList, int]:
    """The list and post of an approval, if its moderator is still somebody there."""
    turn, mailbox = request.turn, cookie.mailbox
    found = turn.tx.lists.by_id(cookie.list_id) if cookie.list_id is not None else None
    if found is None or cookie.spool_id is None:
        raise UnknownCode(request.arguments.code)
    own = turn.tx.subscribers.find(found.id, mailbox)
    others = standing(turn.tx, mailbox, found.keywords.owner_access)
    if not roles_of(mailbox, found, own, turn.postmasters, others) & STAFF:
        raise UnknownCode(request.arguments.code)
    return found, cookie.spool_id


def _settle(request: Request, cookie: Cookie, form: str) -> None:
    if cookie.spool_id is not None:
        outcome = request.say(form, WHOM=str(cookie.mailbox))
        request.turn.tx.cookies.settle(cookie.spool_id, outcome, request.turn.now)


def _return(request: Request, mailing_list: MailingList, entry: Entry) -> None:
    """Mail a rejected post back to its author, unless a machine wrote it."""
    post = message.read(entry.raw)
    if post.author is None or post.is_automatic(entry.reverse_path, {post.author.mailbox}):
        return
    slots = {
        "LISTNAME": mailing_list.name,
        "SUBJECT": post.subject[:SUBJECT_MAX],
        "REASON": request.arguments.text[:REASON_MAX] or request.say("NO_REASON"),
        "REQUEST": f"{mailing_list.name.lower()}-request@{mailing_list.domain}",
    }
    request.turn.mail(
        post.author.mailbox,
        "POST_REJECTED",
        slots,
        kind=Kind.NOTICE,
        mailing_list=mailing_list,
        attach=entry.raw,
    )


OK = Command(
    keyword="OK",
    syntax="code",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=ok,
    compat=(
        "A code has 16 digits, serves once and only the address that it was sent to, and stands"
        " for all lines of a mail: eight digits can be guessed."
    ),
)

REJECT = Command(
    keyword="REJECT",
    syntax="code [reason]",
    privilege=Privilege.MODERATOR,
    confirm=Confirm.NEVER,
    handler=reject,
    compat="LISTSERV refuses a held post when nobody answers.",
)
