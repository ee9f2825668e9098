"""Takes people off whose probe came back, tells them why, and lets one reply bring them back.

A removal rests on a probe, never on what came back of posts; a complaint, where the list acts on
those, is its own ground. The notice goes to the address that failed: if it works after all, its
reader answers `ok` and has his subscription as it was.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from listserv_py.bounces.cause import Cause
from listserv_py.bounces.policy import Verdict, verdict
from listserv_py.bounces.report import said
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.roles import error_readers
from listserv_py.maillog import get_logger
from listserv_py.store import departed
from listserv_py.store.bounces import Bounce
from listserv_py.store.changelog import Verb
from listserv_py.store.cookies import Ask, CookieKind
from listserv_py.store.outbox import Kind
from listserv_py.store.probes import Probe, Purpose
from listserv_py.store.turn import Turn

log = get_logger("bounces")

AT_ONCE = 50
BACK_WITHIN = timedelta(days=30)
"""How long one reply brings a person back."""
EVIDENCE_MAX = 5


def run(turn: Turn) -> bool:
    """Act on the probes that came back or arrived; True when something is left."""
    back = turn.tx.probes.back(Purpose.BOUNCE, AT_ONCE)
    gone: dict[int, list[str]] = {}
    for probe in back:
        turn.tx.probes.close(probe)
        line = _decide(turn, probe)
        if line:
            gone.setdefault(probe.list_id, []).append(line)
    for list_id, lines in gone.items():
        _tell_owners(turn, list_id, lines)
    arrived = turn.tx.probes.arrived(Purpose.BOUNCE, turn.now, AT_ONCE)
    for probe in arrived:
        turn.tx.bounces.forgive(probe.subscriber_id, probe.sent_at)
        turn.tx.probes.forget(probe.subscriber_id, Purpose.BOUNCE)
        log.info("bounce.probe_arrived", subscription=probe.subscriber_id)
    return AT_ONCE in (len(back), len(arrived))


def complained(
    turn: Turn, mailing_list: MailingList, subscription: Subscription, text: str
) -> None:
    """Take off a person who called a post spam."""
    evidence = f"{_day(turn.now)}  {text or 'a complaint'}"
    take_off(turn, mailing_list, subscription, evidence, "complaint")
    lines = [f"{subscription.mailbox}\n    {evidence}"]
    _tell_owners(turn, mailing_list.id, lines)


def take_off(
    turn: Turn, mailing_list: MailingList, subscription: Subscription, evidence: str, why: str
) -> None:
    """Remove a subscription, with a notice whose answer brings it back."""
    consent = turn.tx.subscribers.consent_of(subscription)
    turn.tx.subscribers.remove(subscription)
    turn.tx.changelog.note(mailing_list, Verb.AUTODEL, subscription.mailbox, why, turn.now)
    log.info("bounce.removed", list=mailing_list.name, subscription=subscription.id)
    code = turn.new_code()
    slots = {
        "CODE": code,
        "LISTNAME": mailing_list.name,
        "TITLE": mailing_list.title,
        "ADDRESS": str(subscription.mailbox),
        "EVIDENCE": evidence,
        "MYADDRESS": str(turn.command_address),
        "EXPIRES": _day(turn.now + BACK_WITHIN),
    }
    if turn.mail(
        subscription.mailbox,
        "AUTODEL1",
        slots,
        kind=Kind.NOTICE,
        mailing_list=mailing_list,
        proven=True,
    ):
        ask = Ask(
            CookieKind.RETURN,
            subscription.mailbox,
            departed.encode(subscription, mailing_list.keywords.topics, consent),
            turn.now + BACK_WITHIN,
            turn.now,
            list_id=mailing_list.id,
        )
        turn.tx.cookies.issue(ask, code)


def _decide(turn: Turn, probe: Probe) -> str:
    """Remove the person, or wait; the line that his owners read, "" when he stays."""
    mailing_list = turn.tx.lists.by_id(probe.list_id)
    subscription = turn.tx.subscribers.by_id(probe.subscriber_id)
    if mailing_list is None or subscription is None or not _may_go(mailing_list, subscription):
        return ""
    probes = turn.tx.probes.of(subscription.id, Purpose.BOUNCE)
    causes = [Cause(one.cause) for one in probes if one.cause]
    if verdict(causes, probes[0].sent_at, turn.now) is Verdict.WAIT:
        turn.tx.bounces.report(mailing_list.id, turn.now)
        return ""
    evidence = _evidence(turn.tx.bounces.against(subscription.id), probe)
    take_off(turn, mailing_list, subscription, evidence, probe.status)
    return f"{subscription.mailbox}\n    {evidence.splitlines()[-1]}"


def _may_go(mailing_list: MailingList, subscription: Subscription) -> bool:
    """Whether the list still takes people off: its header may have changed since the probe."""
    return mailing_list.keywords.auto_delete.acts and subscription.options.renew


def _evidence(failures: list[Bounce], probe: Probe) -> str:
    """What came back, the oldest first: a few of the posts, and the probe."""
    shown = failures[:1] + failures[1:][-EVIDENCE_MAX:]
    lines = [f"{_day(one.at)}  {said(one.status, one.text)}" for one in shown]
    probed = f"{_day(probe.back_at or probe.sent_at)}  {said(probe.status, probe.text)}"
    return "\n".join([*lines, f"{probed} (the probe)"])


def _tell_owners(turn: Turn, list_id: int, lines: list[str]) -> None:
    mailing_list = turn.tx.lists.by_id(list_id)
    if mailing_list is None:
        return
    slots = {"LISTNAME": mailing_list.name, "WHOM": "\n".join(lines)}
    for reader in error_readers(mailing_list, turn.postmasters):
        turn.mail(reader, "AUTODEL_OWNER", slots, kind=Kind.NOTICE, mailing_list=mailing_list)


def _day(when: datetime) -> str:
    return f"{when:%d %b %Y}"
