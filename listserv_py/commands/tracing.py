"""TRACE, WHY and SHOW POST: what became of a message, and how it was decided on."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby

from listserv_py.commands import following
from listserv_py.commands.command import Command, Confirm, Privilege, Request
from listserv_py.commands.following import Known, Part
from listserv_py.store import follow, progress
from listserv_py.store.follow import Line
from listserv_py.store.progress import Progress
from listserv_py.store.trail import Step, What
from listserv_py.texts.dates import moment

PAGES_SHOWN = 5
_OF_AUTHOR = "author"
_COUNTED = ("READERS", "SENT", "WAITING", "TO_COME", "FAILED", "RETURNED", "STATE")


def trace(request: Request) -> str:
    """What became of a message: counts, one's own copy, or all of it."""
    found = list(following.known(request))
    person = request.arguments.person
    if person is not None and person != request.actor.mailbox:
        told = [_of_person(request, one) for one in found if one.part is Part.OWNER]
    else:
        told = [_traced(request, one) for one in found]
    if not told:
        raise following.refusal(request)
    return "\n\n".join(told)


def _traced(request: Request, one: Known) -> str:
    about = {"LISTNAME": one.mailing_list.name, "DATE": _date(one.mail.received_at)}
    if one.line is not None:
        return request.say("TRACE_READER", **about, LINE=_line(request, one.line))
    if one.mailing_id is None:
        if one.mail.mailing_id is not None:
            return request.say("TRACE_FORGOTTEN", **about)
        return request.say("TRACE_UNSENT", **about, STEPS=_steps(request, one))
    counts = _counts(request, one.mailing_id)
    if one.part is Part.AUTHOR:
        return request.say("TRACE_AUTHOR", **about, **counts)
    lines = _lines(request, one.mailing_id)
    return request.say("TRACE_OWNER", **about, **counts, ID=str(one.mailing_id), LINES=lines)


def _of_person(request: Request, one: Known) -> str:
    """The copy of somebody on an owner's list."""
    tx, person = request.turn.tx, request.arguments.person
    own = tx.subscribers.find(one.mailing_list.id, person) if person else None
    line = None
    if own is not None and one.mailing_id is not None:
        line = follow.line_of(tx.db, one.mailing_id, own.id)
    return request.say(
        "TRACE_PERSON",
        LISTNAME=one.mailing_list.name,
        DATE=_date(one.mail.received_at),
        ID=str(one.mailing_id or "-"),
        WHOM=str(person),
        LINE=_line(request, line) if line else request.say("TRACE_NOT_FOR"),
    )


def _counts(request: Request, mailing_id: int) -> dict[str, str]:
    found = progress.of(request.turn.tx.db, mailing_id, _now(request))
    if found is None:
        return dict.fromkeys(_COUNTED, "-")
    return {
        "READERS": str(found.readers),
        "SENT": str(found.sent),
        "WAITING": str(found.waiting),
        "TO_COME": str(found.to_come),
        "FAILED": str(found.failed),
        "RETURNED": str(follow.count_returned(request.turn.tx.db, mailing_id)),
        "STATE": _state(request, found),
    }


def _state(request: Request, found: Progress) -> str:
    return request.say("STATE_HELD" if found.held else f"STATE_{found.state.upper()}")


def _lines(request: Request, mailing_id: int) -> str:
    """The batches, and below them each copy that was not taken."""
    db, blocks = request.turn.tx.db, list[str]()
    pages = follow.pages(db, mailing_id)
    if pages:
        rows = [request.say("TRACED_PAGES", PAGES=str(follow.count_pages(db, mailing_id)))]
        for page in pages[:PAGES_SHOWN]:
            slots = {"DATE": _date(page.at), "SENT": str(page.sent), "COPIES": str(page.copies)}
            rows.append(f"  {request.say('TRACED_PAGE', **slots)}")
            rows += _told(request, page.reply)
        blocks.append("\n".join(rows))
    untaken = follow.untaken(db, mailing_id)
    blocks += [f"{one.rcpt}\n  {_line(request, one)}" for one in untaken]
    if not untaken:
        blocks.append(request.say("TRACED_ALL_TAKEN"))
    by_fate = groupby(untaken, lambda one: one.fate in (follow.DEFERRED, "held"))
    if any(len(list(group)) >= follow.UNTAKEN_MAX for _, group in by_fate):
        blocks.append(request.say("TRACED_MORE"))
    return "\n\n".join(blocks)


def _line(request: Request, one: Line) -> str:
    """What became of a copy, and what the other side said below it."""
    form = f"TRACED_{one.fate.upper()}"
    if one.fate in (follow.QUEUED, follow.WAITS_FOR_ISSUE, "gone", "held"):
        said = request.say(form)
    elif one.fate == follow.DEFERRED:
        said = request.say(form, TRIES=str(one.tries), DATE=_date(one.at))
    else:
        said = request.say(form, DATE=_date(one.at))
    if one.in_issue:
        said = request.say("TRACED_IN_ISSUE", LINE=said)
    return "\n".join([said, *_told(request, one.reply)])


def _told(request: Request, reply: str) -> list[str]:
    return [f"    {request.say('TRACED_REPLY', REPLY=reply)}"] if reply else []


def why(request: Request) -> str:
    """The path of a decision."""
    told = [
        request.say(
            "WHY_PATH",
            LISTNAME=one.mailing_list.name,
            DATE=_date(one.mail.received_at),
            STEPS=_steps(request, one),
        )
        for one in following.known(request)
        if one.part is not Part.READER
    ]
    if not told:
        raise following.refusal(request)
    return "\n\n".join(told)


def prepare_why(request: Request) -> Request:
    """Whose copy it was is no business of the decision: readers are not told."""
    prepared = following.prepare(request)
    if all(one.part is Part.READER for one in following.known(request, claimed=True)):
        raise following.refusal(request)
    return prepared


def _steps(request: Request, one: Known) -> str:
    lines = [f"{_date(one.mail.received_at)}  {request.say('STEP_RECEIVED')}"]
    for step in request.turn.tx.trail.steps(one.mail.spool_id):
        lines += [f"{_date(step.at)}  {_step(request, one, step)}", *_reasons(request, one, step)]
    return "\n".join(lines)


def _step(request: Request, one: Known, step: Step) -> str:
    form = _form("STEP", step.what)
    match step.what:
        case What.HELD | What.FORWARDED:
            return request.say(form, WHOM=request.say(_form("ASKED", step.asked)))
        case What.APPROVED | What.RETURNED:
            return request.say(form, WHOM=_who(request, one, step))
        case What.REJECTED:
            return request.say(form, REASON=step.reason)
    return request.say(form)


def _form(kind: str, word: str) -> str:
    return f"{kind}_{word.upper().replace(' ', '_')}"


def _who(request: Request, one: Known, step: Step) -> str:
    """Who decided; the author hears a name only where the list's own posts show it."""
    is_secret = "SUPPRESS_APPROVED_BY" in one.mailing_list.keywords.misc
    if not step.person or (one.part is not Part.OWNER and is_secret):
        return request.say("STEP_SOMEBODY")
    return step.person


def _reasons(request: Request, one: Known, step: Step) -> list[str]:
    """What lies behind a step: for owners all of it, for the author what he was asked for."""
    found = []
    if one.part is Part.OWNER:
        if step.rule:
            found.append(request.say("STEP_RULE", RULE=step.rule))
        elif step.what == What.DISTRIBUTED:
            found.append(request.say("STEP_PASSED_ALL"))
        if step.what == What.DISCARDED:
            found.append(step.reason)
    if step.reason.startswith("WHY_") and (
        one.part is Part.OWNER or step.asked.startswith(_OF_AUTHOR)
    ):
        words = request.turn.words(one.mailing_list)
        found.append(words.fill(step.reason, {"LISTNAME": one.mailing_list.name}).body)
    return [f"    {line}" for text in found for line in text.splitlines()]


def show_post(request: Request) -> str:
    """How far a post has come, for its list's owners."""
    told = []
    for one in following.known(request):
        if one.part is not Part.OWNER or one.mailing_id is None:
            continue
        found = progress.of(request.turn.tx.db, one.mailing_id, _now(request))
        if found is not None:
            told.append(_progress(request, one, found))
    if not told:
        raise following.refusal(request)
    return "\n\n".join(told)


def _progress(request: Request, one: Known, found: Progress) -> str:
    return request.say(
        "SHOW_POST",
        LISTNAME=one.mailing_list.name,
        ID=str(found.id),
        DATE=_date(found.created_at),
        RATE=str(found.rate),
        LEFT="-" if found.left is None else _span(found.left),
        **_counts(request, found.id),
    )


def _span(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    return f"{minutes // 60}:{minutes % 60:02}:{seconds:02}"


def _now(request: Request) -> int:
    return int(request.turn.now.timestamp())


def _date(at: int | None) -> str:
    return moment(datetime.fromtimestamp(at, UTC)) if at else "-"


TRACE = Command(
    keyword="TRACE",
    syntax="message-id [FOR address]",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=trace,
    prepare=following.prepare,
    weigh=following.weigh,
    compat="LISTSERV has no such command.",
)

WHY = Command(
    keyword="WHY",
    syntax="message-id",
    privilege=Privilege.ANYBODY,
    confirm=Confirm.NEVER,
    handler=why,
    prepare=prepare_why,
    weigh=following.weigh,
    compat="LISTSERV has no such command.",
)
