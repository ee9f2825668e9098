"""Whole lists of subscribers: taken in at once or not at all, given out page by page.

What a line says wins over what stands; what it does not say leaves a subscriber as he is. A page
begins behind the last id of the one before, so a change in between moves nobody out of sight.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from listserv_py.commands.notices import tell
from listserv_py.control.operation import Refused
from listserv_py.errors import BadAddress, UnknownOption
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import Options, apply_words, words
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.turn import Turn

PAGE = 20_000


@dataclass(frozen=True, slots=True)
class Row:
    """A subscriber as he goes in and out; `number` is a line's, or going out the subscription's id.

    `name` "", `options` None and `subscribed` None: nothing is said about them.
    """

    number: int
    address: str
    name: str = ""
    options: tuple[str, ...] | None = None
    subscribed: datetime | None = None


@dataclass(frozen=True, slots=True)
class Incoming:
    """`import`: the rows of one file; nobody hears of it unless `notify`."""

    listname: str
    rows: tuple[Row, ...]
    notify: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """How many were new, and how many stood on the list already."""

    added: int
    known: int


@dataclass(frozen=True, slots=True)
class Page:
    """`export`: who is on the list behind that subscription's id."""

    listname: str
    after: int = 0


@dataclass(frozen=True, slots=True)
class _New:
    mailbox: Mailbox
    name: str
    options: Options
    subscribed: datetime


def take_in(turn: Turn, incoming: Incoming) -> Taken:
    """Put all rows on the list; Refused names every line that cannot be."""
    mailing_list = turn.tx.lists.get(incoming.listname)
    faults: list[str] = []
    new: list[_New] = []
    known: list[Subscription] = []
    for row, found in _read(turn, mailing_list, incoming.rows):
        if isinstance(found, str):
            faults.append(f"line {row.number}: {found}")
        elif isinstance(found, _New):
            new.append(found)
        else:
            known.append(found)
    if faults:
        raise Refused("\n".join(faults))
    turn.tx.subscribers.add_many(
        mailing_list.id, [(one.mailbox, one.name, one.options, one.subscribed) for one in new]
    )
    for subscription in known:
        turn.tx.subscribers.save(subscription)
    if incoming.notify:
        _notify(turn, mailing_list, new)
    return Taken(len(new), len(known))


def page(turn: Turn, asked: Page) -> list[Row]:
    """Some of the list's subscribers; an empty page is the end."""
    mailing_list = turn.tx.lists.get(asked.listname)
    default = mailing_list.default_options()
    said: dict[int, tuple[str, ...]] = {}
    rows = []
    for one in islice(turn.tx.subscribers.on_list(mailing_list.id, asked.after), PAGE):
        bits = one.options.encode()
        if bits not in said:
            said[bits] = words(one.options, default)
        rows.append(Row(one.id, str(one.mailbox), one.name, said[bits], one.subscribed_at))
    return rows


def _read(
    turn: Turn, mailing_list: MailingList, rows: tuple[Row, ...]
) -> Iterator[tuple[Row, _New | Subscription | str]]:
    """Each row with what is to become of it: a new subscription, a changed one, or its fault."""
    default = mailing_list.default_options()
    cache: dict[tuple[str, ...], Options] = {}
    seen: set[str] = set()
    own = turn.settings.site.domain
    for row in rows:
        try:
            mailbox = parse_mailbox(row.address)
            said = row.options or ()
            if said not in cache:
                cache[said] = apply_words(default, said, by_owner=True)
        except BadAddress:
            yield row, f"{row.address!r} is not an address"
            continue
        except UnknownOption as exc:
            yield row, f"{exc.values[0]!r} is not an option"
            continue
        if mailbox.key in seen:
            yield row, f"{mailbox} stands on an earlier line"
        elif mailbox.domain == own and turn.is_own(mailbox):
            yield row, f"{mailbox} is an address of this server"
        else:
            seen.add(mailbox.key)
            yield row, _merged(turn, mailing_list, _New(mailbox, row.name, cache[said],
                               row.subscribed or turn.now), row)  # fmt: skip


def _merged(turn: Turn, mailing_list: MailingList, new: _New, row: Row) -> _New | Subscription:
    stands = turn.tx.subscribers.find(mailing_list.id, new.mailbox)
    if stands is None:
        return new
    return replace(
        stands,
        name=row.name or stands.name,
        options=stands.options if row.options is None else new.options,
        subscribed_at=row.subscribed or stands.subscribed_at,
    )


def _notify(turn: Turn, mailing_list: MailingList, new: list[_New]) -> None:
    for one in new:
        tell(turn, one.mailbox, mailing_list, "ADD1", INVOKER="the site", ADDRESS=str(one.mailbox))
