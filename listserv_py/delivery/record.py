"""Records outcomes: all that has come to an end, in one commit, again and again until it is kept.

Until then the journals stay; a full disk delays the record, it does not lose it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Protocol

from listserv_py.delivery.hand import Hand, Page, Rows
from listserv_py.delivery.tally import Tally
from listserv_py.errors import Broken
from listserv_py.maillog import get_logger
from listserv_py.store.outcomes import Fate, RestingHost, Settled
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreFailed

log = get_logger("delivery")

AFTER_TROUBLE = 2.0
HOPELESS = 50
"""A page of so many copies all of which were rejected as mail ends the post."""


@dataclass(frozen=True, slots=True)
class _Report:
    """One commit: pages as (mailing, last id, whether the last, outcomes), copies, hosts."""

    pages: tuple[tuple[int, int, bool, tuple[Settled, ...]], ...]
    copies: tuple[Settled, ...]
    hosts: tuple[tuple[str, RestingHost | None], ...]
    now: int


class After(Protocol):
    """Hears of each commit."""

    def __call__(self, *, is_routine: bool) -> None:
        """`is_routine`: small mails were taken over, and nothing else happened."""


class Recorder:
    """Carries outcomes from the hand to the store."""

    def __init__(self, store: Store, hand: Hand, clock: Callable[[], int]) -> None:
        self._store, self._hand, self._clock = store, hand, clock
        self._hosts: dict[str, RestingHost | None] = {}
        self._noted: set[str] = set()
        self.tally = Tally()

    def note_host(self, name: str, host: RestingHost | None) -> None:
        """A host rests, or with None is well again."""
        self._hosts[name] = host
        self._noted.discard(name)
        self._hand.done.set()

    def remember(self, hosts: Iterable[RestingHost]) -> None:
        """The store names these already."""
        self._noted |= {host.name for host in hosts}

    def forget(self, names: Iterable[str]) -> None:
        """The store no longer names these."""
        self._noted -= set(names)

    def noted(self) -> frozenset[str]:
        """The hosts whose rest is in the store, unless somebody took it out there."""
        return frozenset(self._noted)

    async def run(self, after: After) -> None:
        """Record until cancelled; `after` each commit there is room for more."""
        while True:
            await self._hand.done.wait()
            self._hand.done.clear()
            pages, rows = self._hand.recordable()
            hosts, self._hosts = self._hosts, {}
            if not (pages or rows or hosts):
                continue
            report = _Report(
                tuple(
                    (page.mailing_id, page.last_id, page.is_last, _sorted(page)) for page in pages
                ),
                tuple(settled for some in rows for settled in some.batch.settled),
                tuple(hosts.items()),
                self._clock(),
            )
            await self._keep(report)
            self._noted |= {
                name for name, host in hosts.items() if host and name not in self._hosts
            }
            self._hand.recorded(pages, rows)
            for batch in (*(page.batch for page in pages), *(some.batch for some in rows)):
                self.tally.note(batch.settled)
            _tell(pages, rows)
            after(is_routine=not pages and not hosts and _all_sent(report.copies))

    async def _keep(self, report: _Report) -> None:
        while True:
            try:
                await self._store.run(_record, report)
            except StoreFailed:
                raise
            except Broken as exc:
                log.warning("delivery.not_recorded", error=str(exc))
                await asyncio.sleep(AFTER_TROUBLE)
            else:
                return


def _record(tx: Tx, report: _Report) -> None:
    for mailing_id, last_id, is_last, settled in report.pages:
        tx.sending.record_page(mailing_id, last_id, settled, report.now)
        if len(settled) >= HOPELESS and all(one.fate is Fate.REJECTED for one in settled):
            tx.sending.give_up("refused", settled[-1], report.now)
        elif is_last:
            tx.sending.reached_all(mailing_id)
    tx.sending.record_copies(report.copies, report.now)
    for name, host in report.hosts:
        if host is None:
            tx.sending.well(name)
        else:
            tx.sending.rest(host)


def _all_sent(copies: Sequence[Settled]) -> bool:
    return all(one.fate is Fate.SENT and one.subscriber_id is None for one in copies)


def _sorted(page: Page) -> tuple[Settled, ...]:
    return tuple(sorted(page.batch.settled, key=_person))


_person = attrgetter("subscriber_id")


def _tell(pages: Sequence[Page], rows: Sequence[Rows]) -> None:
    """A line a page, one for each small mail, one for each copy that was not taken."""
    for page in pages:
        settled = page.batch.settled
        sent = sum(one.fate is Fate.SENT for one in settled)
        log.info("delivery.page", mailing=page.mailing_id, upto=page.last_id, sent=sent,
                 others=len(settled) - sent)  # fmt: skip
    batches = [*(page.batch for page in pages), *(some.batch for some in rows)]
    for one in (settled for batch in batches for settled in batch.settled):
        if one.fate is Fate.SENT and one.subscriber_id is not None:
            continue
        if one.fate is Fate.SENT:
            log.info("delivery.sent", mailing=one.mailing_id, to=one.rcpt)
        elif one.fate.is_failure or one.fate in (Fate.LATER, Fate.HELD):
            log.warning(
                "delivery.not_sent",
                fate=one.fate.name.lower(),
                mailing=one.mailing_id,
                to=one.rcpt,
                reply=f"{one.code or ''} {one.status} {one.text}".strip(),
            )
