"""Whole lists of subscribers: taken in at once or not at all, given out page by page.

What a line says wins over what stands; what it does not say leaves a subscriber as he is. A page
begins behind the last id of the one before, so a change in between moves nobody out of sight.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from listserv_py.commands.notices import tell
from listserv_py.control.operation import Refused
from listserv_py.errors import BadAddress, UnknownOption
from listserv_py.lists.filters import may_join
from listserv_py.lists.model import MailingList, Subscription
from listserv_py.lists.options import Options, apply_words
from listserv_py.lists.optionwords import words
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.store.changelog import Verb
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
    reader = _Reader(turn, mailing_list)
    for row in incoming.rows:
        try:
            found = reader.read(row)
        except Refused as exc:
            faults.append(f"line {row.number}: {exc}")
            continue
        if isinstance(found, _New):
            new.append(found)
        else:
            known.append(found)
    limit = mailing_list.keywords.limit
    if limit is not None and turn.tx.subscribers.count(mailing_list.id) + len(new) > limit:
        faults.append(f"{mailing_list.name} may have {limit} subscribers, says its Limits=")
    if faults:
        raise Refused("\n".join(faults))
    turn.tx.subscribers.add_many(
        mailing_list.id, [(one.mailbox, one.name, one.options, one.subscribed) for one in new]
    )
    deeds = ((Verb.ADD, one.mailbox, one.name) for one in new)
    turn.tx.changelog.note_many(mailing_list, deeds, turn.now)
    for subscription in known:
        turn.tx.subscribers.save(subscription)
    if incoming.notify:
        _notify(turn, mailing_list, new)
    return Taken(len(new), len(known))


def page(turn: Turn, asked: Page) -> list[Row]:
    """Some of the list's subscribers; an empty page is the end."""
    mailing_list = turn.tx.lists.get(asked.listname)
    default = mailing_list.default_options()
    said: dict[Options, tuple[str, ...]] = {}
    rows = []
    for one in islice(turn.tx.subscribers.on_list(mailing_list.id, asked.after), PAGE):
        if one.options not in said:
            said[one.options] = words(one.options, default, mailing_list.keywords.topics)
        rows.append(Row(one.id, str(one.mailbox), one.name, said[one.options], one.subscribed_at))
    return rows


class _Reader:
    """Says of each row what becomes of it; knows who is on the list, and on earlier rows."""

    def __init__(self, turn: Turn, mailing_list: MailingList) -> None:
        self._turn = turn
        self._list_id = mailing_list.id
        self._keywords = mailing_list.keywords
        self._default = mailing_list.default_options()
        self._options: dict[tuple[str, ...], Options] = {}
        self._standing = turn.tx.subscribers.keys(mailing_list.id)
        self._seen: set[str] = set()

    def read(self, row: Row) -> _New | Subscription:
        """A new subscription or a changed one; Refused says what is wrong with the row."""
        try:
            mailbox = parse_mailbox(row.address)
        except BadAddress as exc:
            raise Refused(f"{row.address!r} is not an address") from exc
        key = mailbox.key
        if key in self._seen:
            raise Refused(f"{mailbox} stands on an earlier line")
        if mailbox.domain == self._turn.settings.site.domain and self._turn.is_own(mailbox):
            raise Refused(f"{mailbox} is an address of this server")
        self._seen.add(key)
        options = self._options_of(row.options or ())
        stands = None
        if key in self._standing:
            stands = self._turn.tx.subscribers.find(self._list_id, mailbox)
        if stands is None:
            if not may_join(self._keywords, mailbox):
                raise Refused(f"{mailbox} is kept off the list by Filter= or Safe=")
            return _New(mailbox, row.name, options, row.subscribed or self._turn.now)
        return replace(
            stands,
            name=row.name or stands.name,
            options=stands.options if row.options is None else options,
            subscribed_at=row.subscribed or stands.subscribed_at,
        )

    def _options_of(self, said: tuple[str, ...]) -> Options:
        if said not in self._options:
            try:
                self._options[said] = apply_words(
                    self._default, said, by_owner=True, topics=self._keywords.topics
                )
            except UnknownOption as exc:
                raise Refused(f"{exc.values[0]!r} is not an option") from exc
        return self._options[said]


def _notify(turn: Turn, mailing_list: MailingList, new: list[_New]) -> None:
    for one in new:
        tell(turn, one.mailbox, mailing_list, "ADD1", INVOKER="the site", ADDRESS=str(one.mailbox))
