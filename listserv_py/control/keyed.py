"""What a relay's log knows of a copy: its envelope sender, `owner-LIST+KEY@domain`.

The key names a subscription and a month (mail/verp.py), no message: so what went there in that
month is told. It can be opened with our secret only, hence by nobody but the operator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from listserv_py.errors import BadAddress
from listserv_py.lists.addresses import Door, route
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.verp import KEY_LENGTH, VerpKey, begin_of
from listserv_py.store import follow
from listserv_py.store.follow import Line
from listserv_py.store.jobreturns import KEYS_OF
from listserv_py.store.times import stamp
from listserv_py.store.turn import Turn


@dataclass(frozen=True, slots=True)
class Copy:
    """One copy that the key may be of."""

    mailing_id: int
    made_at: int
    line: Line


@dataclass(frozen=True, slots=True)
class Keyed:
    """Whose copies a key is of; `listname` "" is a job's, `address` "" of somebody who has left.

    `since` is the beginning of the month whose copies have it, `copies` the newest of them.
    """

    listname: str
    address: str
    since: int
    copies: list[Copy]


def keyed(turn: Turn, said: str) -> Keyed | None:
    """What an envelope sender of ours, or its key alone, names; None: it is none."""
    key, listnames = _key(turn, said)
    for listname in listnames if key else ():
        found = turn.tx.verp.open(key, listname)
        if found is not None:
            return _job(turn, found) if listname == KEYS_OF else _of_list(turn, listname, found)
    return None


def _key(turn: Turn, said: str) -> tuple[str, Iterator[str]]:
    """The key, and the names that may be under its tag."""
    if len(said) == KEY_LENGTH and said.isalnum():
        return said, _names(turn)
    site = turn.settings.site
    try:
        found = route(parse_mailbox(said.strip("<>")), domain=site.domain, name=site.name)
    except BadAddress:
        found = None
    if found is None or found.key is None or found.door is Door.ALIAS:
        return "", iter(())
    return found.key, iter([found.listname or KEYS_OF])


def _names(turn: Turn) -> Iterator[str]:
    yield from (one.name for one in turn.tx.lists.all())
    yield KEYS_OF


def _of_list(turn: Turn, listname: str, key: VerpKey) -> Keyed:
    tx = turn.tx
    mailing_list = tx.lists.find(listname)
    subscription = tx.subscribers.by_id(key.subscription_id)
    since, until = _month(key)
    copies = follow.copies_of(
        tx.db, mailing_list.id if mailing_list else 0, key.subscription_id, (since, until)
    )
    address = str(subscription.mailbox) if subscription else ""
    return Keyed(listname, address, since, [Copy(*one) for one in copies])


def _job(turn: Turn, key: VerpKey) -> Keyed | None:
    recipient = turn.tx.job_returns.recipient(key.subscription_id)
    if recipient is None:
        return None
    line = follow.line_of(turn.tx.db, recipient.mailing_id, recipient.id)
    line = replace(line, rcpt=recipient.address) if line else Line(recipient.address, follow.QUEUED)
    since, _ = _month(key)
    return Keyed("", recipient.address, since, [Copy(recipient.mailing_id, since, line)])


def _month(key: VerpKey) -> tuple[int, int]:
    return stamp(begin_of(key.month)), stamp(begin_of(key.month + 1))
