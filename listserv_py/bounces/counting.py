"""Judges what came back, our own dialogue's refusals as well as reports: person, post, or nobody.

Judged a while after it came, so that a fault that hits many shows before anybody is charged; where
it shows later, what was charged to people is taken back. Each run does a bounded part.
"""

from __future__ import annotations

from datetime import timedelta

from listserv_py.bounces.cause import Cause, cause_of
from listserv_py.bounces.policy import MANY, Failure, hits_many, score, wants_probe
from listserv_py.bounces.report import said
from listserv_py.lists.model import MailingList
from listserv_py.lists.roles import error_readers
from listserv_py.lists.values import AutoDeleteMode
from listserv_py.maillog import get_logger
from listserv_py.store.bounces import Bounce, Charge
from listserv_py.store.changelog import Verb
from listserv_py.store.outbox import Kind
from listserv_py.store.probes import Purpose
from listserv_py.store.probing import send_probe
from listserv_py.store.turn import Turn

log = get_logger("bounces")

AT_ONCE = 500
SETTLES = timedelta(minutes=30)
PLACES_SHOWN = 10


def run(turn: Turn) -> bool:
    """Judge what has settled; True when something is left for another turn."""
    fresh = turn.tx.bounces.fresh(turn.now - SETTLES, AT_ONCE)
    many = {
        mailing_id: _hit_places(turn, mailing_id)
        for mailing_id in {one.mailing_id for one in fresh if one.mailing_id}
    }
    touched = {_judge(turn, one, many.get(one.mailing_id, frozenset())) for one in fresh}
    for subscriber_id in sorted(one for one in touched if one is not None):
        _weigh(turn, subscriber_id)
    return len(fresh) == AT_ONCE


def _judge(turn: Turn, bounce: Bounce, places: frozenset[str]) -> int | None:
    """Charge one bounce; the subscription that it is held against, None when it is not."""
    cause = Cause(bounce.cause) if bounce.cause else cause_of(bounce.status, bounce.text)
    if (probe := turn.tx.probes.by_mailing(bounce.mailing_id)) is not None:
        turn.tx.probes.came_back(probe, (bounce.status, bounce.text, cause), turn.now)
    charge = _charge(turn, bounce, cause, places)
    turn.tx.bounces.judge(bounce, charge, cause)
    mailing_list = turn.tx.lists.by_id(bounce.list_id) if bounce.list_id is not None else None
    if bounce.list_id is None:
        turn.tx.job_returns.report(bounce.mailing_id, bounce.at)
    if charge is Charge.NONE or mailing_list is None:
        return None
    turn.tx.bounces.report(mailing_list.id, bounce.at)
    if charge is Charge.POST or bounce.subscriber_id is None:
        return None
    found = turn.tx.subscribers.by_id(bounce.subscriber_id)
    if found is not None:
        rest = f"{bounce.status} {bounce.text}"
        turn.tx.changelog.note(mailing_list, Verb.BOUNCE, found.mailbox, rest, turn.now)
    return bounce.subscriber_id


def _charge(turn: Turn, bounce: Bounce, cause: Cause, places: frozenset[str]) -> Charge:
    mailing_list = turn.tx.lists.by_id(bounce.list_id) if bounce.list_id is not None else None
    if mailing_list is None:
        return Charge.NONE
    if mailing_list.keywords.auto_delete.mode is AutoDeleteMode.NO:
        return Charge.NONE
    if bounce.mailing_id and turn.tx.bounces.post(bounce.mailing_id) is None:
        return Charge.NONE
    domain = bounce.address.rpartition("@")[2].lower()
    if cause is Cause.POST or bounce.subscriber_id is None or places & {"", domain}:
        return Charge.POST
    return Charge.PERSON


def _hit_places(turn: Turn, mailing_id: int) -> frozenset[str]:
    """Where a post came back from so many that no person is to blame: domains, "" for everywhere.

    The owners are told of each once.
    """
    if turn.tx.bounces.is_told(mailing_id, ""):
        return frozenset({""})
    post, hit = turn.tx.bounces.post(mailing_id), turn.tx.bounces.hit(mailing_id)
    mailing = turn.tx.outbox.list_of(mailing_id)
    mailing_list = turn.tx.lists.by_id(mailing) if mailing is not None else None
    if post is None or mailing_list is None:
        return frozenset()
    found = {""} if hits_many(sum(hit.values()), post[1]) else set[str]()
    many = {domain: people for domain, people in hit.items() if people >= MANY}
    if many and not found:
        there = turn.tx.bounces.readers_at(mailing_list.id, many)
        found = {one for one, people in many.items() if hits_many(people, there.get(one, 0))}
    new = sorted(one for one in found if turn.tx.bounces.tell(mailing_id, one, turn.now))
    if new:
        turn.tx.bounces.acquit(mailing_id, new)
        _tell_owners(turn, mailing_list, mailing_id, new)
    return frozenset(found)


def _tell_owners(turn: Turn, mailing_list: MailingList, mailing_id: int, places: list[str]) -> None:
    hit, post = turn.tx.bounces.hit(mailing_id), turn.tx.bounces.post(mailing_id)
    sent_at, readers = post or (turn.now, 0)
    sample = turn.tx.bounces.one_of(mailing_id, places[0])
    shown = ", ".join(places[:PLACES_SHOWN])
    slots = {
        "LISTNAME": mailing_list.name,
        "DATE": f"{sent_at:%d %b %Y, %H:%M} UTC",
        "COUNT": str(sum(people for one, people in hit.items() if one in places or not places[0])),
        "READERS": str(readers),
        "WHERE": shown if len(places) <= PLACES_SHOWN else f"{shown}, ...",
        "TEXT": said(sample.status, sample.text) if sample else "",
    }
    log.warning("bounce.post_refused", list=mailing_list.name, mailing=mailing_id, places=shown)
    for reader in error_readers(mailing_list, turn.postmasters):
        turn.mail(reader, "BOUNCE_POST", slots, kind=Kind.NOTICE, mailing_list=mailing_list)


def _weigh(turn: Turn, subscriber_id: int) -> None:
    """Send a probe when what is held against a person is enough."""
    subscription = turn.tx.subscribers.by_id(subscriber_id)
    mailing_list = turn.tx.lists.by_id(subscription.list_id) if subscription else None
    if subscription is None or mailing_list is None or not subscription.options.renew:
        return
    failures = [Failure(one.at, Cause(one.cause)) for one in turn.tx.bounces.against(subscriber_id)]
    probes = turn.tx.probes.of(subscriber_id, Purpose.BOUNCE)
    probed_at = probes[-1].sent_at if probes else None
    rule = mailing_list.keywords.auto_delete
    if any(one.is_open for one in probes):
        return
    if wants_probe(rule, score(failures, turn.now), probed_at, turn.now):
        sent = send_probe(turn, mailing_list, subscription, Purpose.BOUNCE)
        log.info("bounce.probe", list=mailing_list.name, subscription=subscriber_id, sent=sent)
