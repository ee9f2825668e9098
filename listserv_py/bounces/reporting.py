"""The daily error report: whose mail came back, what was charged to posts, what nobody could place.

A report is due a day after the first thing that it tells of; it tells at most so much, and says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from listserv_py.bounces.report import said
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import error_readers
from listserv_py.store.bounces import Bounce, Charge, Due
from listserv_py.store.outbox import Kind
from listserv_py.store.probes import Purpose
from listserv_py.store.turn import Turn

AT_ONCE = 20
ROWS_MAX = 5000
PEOPLE_MAX = 200
OTHERS_MAX = 20


def run(turn: Turn) -> bool:
    """Send the reports that are due; True when more are."""
    due = turn.tx.bounces.due(turn.now, AT_ONCE)
    for one in due:
        mailing_list = turn.tx.lists.by_id(one.list_id)
        if mailing_list is not None:
            _report(turn, mailing_list, one)
    return len(due) == AT_ONCE


def _report(turn: Turn, mailing_list: MailingList, due: Due) -> None:
    rows = turn.tx.bounces.since(mailing_list.id, due.since, ROWS_MAX)
    of_people = [one for one in rows if one.charge is Charge.PERSON]
    of_posts = [one for one in rows if one.charge is Charge.POST]
    nobodys = [one for one in rows if one.charge is Charge.NONE and one.mailing_id == 0]
    if not rows:
        return
    rule = mailing_list.keywords.auto_delete
    slots = {
        "LISTNAME": mailing_list.name,
        "TITLE": mailing_list.title,
        "PEOPLE": _people(turn, of_people),
        "POSTS": _others(of_posts),
        "NOBODYS": _others(nobodys),
        "RULE": f"{rule.mode.value},Delay({rule.delay}),Max({rule.most})",
    }
    for reader in error_readers(mailing_list, turn.postmasters):
        turn.mail(reader, "BOUNCE_REPORT", slots, kind=Kind.NOTICE, mailing_list=mailing_list)


def _people(turn: Turn, rows: Sequence[Bounce]) -> str:
    """A line and a text for each person: how many failures, the first, the last, the address."""
    ids = list(dict.fromkeys(one.subscriber_id for one in rows if one.subscriber_id is not None))
    lines = ["Err  First   Last    Address"] if ids else []
    for subscriber_id in ids[:PEOPLE_MAX]:
        found = turn.tx.bounces.against(subscriber_id)
        if not found:
            continue
        first, last = found[0], found[-1]
        open_probe = any(one.is_open for one in turn.tx.probes.of(subscriber_id, Purpose.BOUNCE))
        lines.append(
            f"{len(found):>3}  {first.at:%d %b}  {last.at:%d %b}  {last.address}"
            f"{'  (probe sent)' if open_probe else ''}"
        )
        lines.append(f"     {_said(last)}")
    return "\n".join([*lines, *_more(len(ids) - PEOPLE_MAX)])


def _others(rows: Sequence[Bounce]) -> str:
    shown = [f"{one.at:%d %b}  {one.address or '-'}\n     {_said(one)}" for one in rows]
    return "\n".join([*shown[:OTHERS_MAX], *_more(len(shown) - OTHERS_MAX)])


def _said(bounce: Bounce) -> str:
    return said(bounce.status, bounce.text) or "-"


def _more(number: int) -> Iterable[str]:
    return [f"(+ {number})"] if number > 0 else []
