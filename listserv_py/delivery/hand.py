"""What the engine has in hand: batches of copies on their way, and who of them takes long.

A post's pages are recorded in their order, each when its last copy has an outcome. So that one
silent host cannot hold up a post, copies that are stuck past `SPILL_AFTER` leave their page: they
get rows in the store, and a batch of their own which is recorded whenever they come to an end.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from listserv_py.delivery.copies import Batch, Copy
from listserv_py.delivery.courier import Courier
from listserv_py.delivery.journal import Journals, Key
from listserv_py.delivery.replies import own
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.through import Through
from listserv_py.maillog import get_logger
from listserv_py.store.outcomes import ON_ITS_WAY, Fate, Settled
from listserv_py.store.sending import Mailing
from listserv_py.store.thread import Store, StoreBusy, StoreFull

log = get_logger("delivery")

SPILL_AFTER = 5.0
LOOK_EVERY = 0.25
"""Nobody may be sent a copy that begins over a second after he unsubscribed."""
TICK_EVERY = 1.0
STUCK_PAUSE = 60
"""For a copy whose lane is too busy with others: seconds until its row comes due."""
UNKNOWN_PAUSE = 900
"""The same for one that is past its dot: longer than the reply may take."""


@dataclass(slots=True, eq=False)
class Page:
    """A page of a post on its way."""

    mailing_id: int
    last_id: int
    is_last: bool
    batch: Batch
    is_recorded: bool = False


@dataclass(slots=True, eq=False)
class Rows:
    """Copies with rows on their way; those that left a page are recorded after it."""

    batch: Batch
    keys: frozenset[Key]
    after: Page | None = None


@dataclass(slots=True, eq=False)
class Post:
    """A post in work; `after` is the last subscriber id that was read, not that was recorded.

    `turn` counts its pages against those of its list's other posts; None: it has had none yet.
    """

    mailing: Mailing
    after: int
    is_read: bool = False
    turn: int | None = None
    pages: deque[Page] = field(default_factory=deque)


class Hand:
    """All batches between the store and the courier."""

    def __init__(
        self,
        folder: Path,
        courier: Courier,
        patience: Patience,
        clock: Callable[[], int],
        failed: Callable[[], None],
    ) -> None:
        """`failed` is told, by another thread, that the disk keeps no journal."""
        self._courier, self._clock = courier, clock
        self._journals = Journals(folder)
        self._through = Through(folder, self._journals.in_use, failed)
        self.patience = patience
        self.posts: dict[int, Post] = {}
        self.rows: list[Rows] = []
        self.keys: set[Key] = set()
        self.done = asyncio.Event()
        self._busy = asyncio.Event()
        self._since: dict[Batch, float] = {}

    @property
    def size(self) -> int:
        """How many copies are on their way."""
        return sum(len(batch.open) for batch in self._since)

    @property
    def is_empty(self) -> bool:
        """Whether all that was begun is recorded."""
        return not self._since

    def batch(self, room: int, *, urgent: bool) -> Batch:
        """A new batch; OSError when the disk has no room for one more journal."""
        journal = self._journals.section(room)
        self._through.wake()
        return Batch(self.patience, self._clock, self._is_done, journal, urgent)

    def close(self) -> None:
        """Nothing more is taken in hand."""
        self._through.stop()
        self._journals.close()

    def send(self, batch: Batch, copies: Sequence[Copy]) -> None:
        """Have the copies of a batch carried out; one without copies is done at once."""
        batch.enter(copies)
        self._since[batch] = asyncio.get_running_loop().time()
        self._busy.set()
        if copies:
            self._courier.carry(copies, urgent=batch.urgent)
        else:
            self.done.set()

    def take_rows(self, batch: Batch, copies: Sequence[Copy], after: Page | None = None) -> Rows:
        """Keep the store from naming these again until they are recorded."""
        keys = frozenset((copy.mailing_id, copy.subscriber_id) for copy in copies)
        rows = Rows(batch, keys, after)
        self.rows.append(rows)
        self.keys |= keys
        return rows

    def recordable(self) -> tuple[list[Page], list[Rows]]:
        """What has come to an end: of each post the pages at the front, and batches of rows."""
        pages: list[Page] = []
        for post in self.posts.values():
            for page in post.pages:
                if page.batch.open:
                    break
                pages.append(page)
        ready = [
            rows
            for rows in self.rows
            if not rows.batch.open and (rows.after is None or rows.after.is_recorded)
        ]
        return pages, ready

    def recorded(self, pages: Sequence[Page], rows: Sequence[Rows]) -> None:
        """The store has them: their journals are no longer needed."""
        for page in pages:
            page.is_recorded = True
            post = self.posts[page.mailing_id]
            post.pages.remove(page)
            if post.is_read and not post.pages:
                del self.posts[page.mailing_id]
            self._forget(page.batch)
        if pages:
            # What left these pages earlier may have come to its end already.
            self.done.set()
        for some in rows:
            self.rows.remove(some)
            self.keys -= some.keys
            self._forget(some.batch)

    def forget_post(self, mailing_id: int) -> None:
        """A post was dropped or held: its pages in hand are recorded, no new ones are read."""
        post = self.posts.get(mailing_id)
        if post is not None:
            post.is_read = True
            if not post.pages:
                del self.posts[mailing_id]

    def _forget(self, batch: Batch) -> None:
        batch.journal.remove()
        del self._since[batch]
        if not self._since:
            self._busy.clear()

    def _is_done(self, _: Batch) -> None:
        self.done.set()

    # What takes long.

    async def watch(self, store: Store) -> None:
        """While copies are in hand, until cancelled."""
        loop = asyncio.get_running_loop()
        ticked = loop.time()
        while True:
            await self._busy.wait()
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self._let_go(store)
            except (StoreBusy, StoreFull) as exc:
                log.warning("delivery.not_looked", reason=str(exc))
            if loop.time() - ticked >= TICK_EVERY:
                ticked = loop.time()
                self._courier.tick()
                self._spill()

    async def _let_go(self, store: Store) -> None:
        """No copy begins for who has unsubscribed, none of a mailing dropped or held."""
        waiting = [copy for batch in self._old(LOOK_EVERY) for copy in batch.open if copy.waits]
        if not waiting:
            return
        people = {copy.subscriber_id for copy in waiting if copy.subscriber_id is not None}
        mailings = {copy.mailing_id for copy in waiting}
        present = await store.read(lambda tx: tx.sending.present(people))
        active = await store.read(lambda tx: tx.sending.active(mailings))
        gone = [
            copy
            for copy in waiting
            if copy.subscriber_id is not None and copy.subscriber_id not in present
        ]
        held = [copy for copy in waiting if copy.mailing_id not in active]
        if gone:
            self._courier.recall(gone, Fate.GONE, own("2.0.0", "unsubscribed"), 0)
        if held:
            why = own("4.3.2", "held by the operator")
            self._courier.recall(held, Fate.UNTRIED, why, self._clock())

    def _spill(self) -> None:
        """Let pages go that wait for a few stuck copies only."""
        old = set(self._old(SPILL_AFTER))
        for post in self.posts.values():
            for page in post.pages:
                if page.batch in old and page.batch.open:
                    self._spill_page(page)

    def _spill_page(self, page: Page) -> None:
        waiting = [copy for copy in page.batch.open if copy.waits]
        if waiting:
            if self._courier.spills_waiting:
                why = own("4.4.5", "its host is busy")
                self._courier.recall(waiting, Fate.UNTRIED, why, self._clock() + STUCK_PAUSE)
            if any(copy in page.batch.open for copy in waiting):
                return
        stuck = list(page.batch.open)
        if not stuck:
            return
        batch = Batch(self.patience, self._clock, self._is_done, page.batch.journal.share())
        self.take_rows(batch, stuck, page)
        batch.open.update(stuck)
        self._since[batch] = self._since[page.batch]
        until = self._clock() + UNKNOWN_PAUSE
        for copy in stuck:
            copy.batch = batch
            page.batch.settled.append(
                Settled(
                    copy.mailing_id, copy.subscriber_id, copy.rcpt, Fate.UNTRIED,
                    text=ON_ITS_WAY, next_at=until,
                )
            )  # fmt: skip
        page.batch.open.clear()
        self.done.set()

    def _old(self, age: float) -> list[Batch]:
        before = asyncio.get_running_loop().time() - age
        return [batch for batch, since in self._since.items() if since <= before]
