"""The engine: takes what the store says is due, has it carried out, and records what became of it.

Three loops: one feeds (small mails first, then copies that were put off, then the next page of each
post in turn), one records all that is done in one commit, one looks after what takes long. Nothing
is polled: they wake on events and at due times.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable, Coroutine, Iterable
from typing import TypeVar

from listserv_py.config import Settings
from listserv_py.delivery import journal
from listserv_py.delivery.arc import load_sealer
from listserv_py.delivery.client import Timeouts
from listserv_py.delivery.courier import MaildirCourier, SmtpCourier, patience
from listserv_py.delivery.desk import Desk
from listserv_py.delivery.fleet import FleetCourier
from listserv_py.delivery.hand import Hand, Page, Post
from listserv_py.delivery.journal import Key
from listserv_py.delivery.letters import Letters
from listserv_py.delivery.orphans import orphans_gone
from listserv_py.delivery.record import Recorder
from listserv_py.delivery.sign import Signers, load
from listserv_py.delivery.tally import Tally
from listserv_py.delivery.turns import Turns
from listserv_py.errors import ConfigError, ListservError
from listserv_py.maillog import get_logger
from listserv_py.resolver import Resolver
from listserv_py.store.disk import is_failing, is_full
from listserv_py.store.look import Look, look
from listserv_py.store.outcomes import Fate, RestingHost, Settled
from listserv_py.store.sending import BULK, URGENT, Due, Mailing, Reader
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreBusy, StoreFull

log = get_logger("delivery")

T = TypeVar("T")

PAGE = 1000
FIRST_PAGE = 100
"""So that the first copies of a post leave sooner."""
SMALL_MAILS = 200
LOOK_UP_MAX = 400
"""With more rows than this a look-up is another thread's work."""
IN_HAND = 4000
"""Copies in hand before no more pages are read."""
FOR_NEW = 1000
"""So many more may be in hand for the first pages of posts that have had no turn."""
STALE = 0.25
"""Seconds after which a page that is not yet sent is read again."""
LONG = 0.5
"""Seconds that small mails may wait while a post is rendered."""
LONGEST_SLEEP = 3600.0
AFTER_TROUBLE = 5.0
LAST_RECORDS = 4.0
"""Seconds for recording what the last replies said, when all the grace was needed for them."""


class Engine:
    """The door out; made by the daemon, one for a store."""

    def __init__(
        self,
        store: Store,
        settings: Settings,
        resolver: Resolver,
        *,
        clock: Callable[[], float] = time.time,
        timeouts: Timeouts | None = None,
        has_workers: bool = False,
    ) -> None:
        """`has_workers`: posts go out by processes of their own."""
        data_dir = settings.site.data_dir
        self._store, self._folder = store, data_dir / journal.FOLDER
        self._clock: Callable[[], int] = lambda: int(clock())
        self._letters = Letters(_signers(settings), load_sealer(settings))
        self._desk = Desk(store, self._letters)
        self._courier: SmtpCourier | MaildirCourier | FleetCourier
        timeouts = timeouts or Timeouts()
        if settings.delivery.transport == "maildir":
            self._courier = MaildirCourier(data_dir / "maildir", self._clock)
        elif has_workers:
            self._courier = FleetCourier(
                settings, resolver, self._clock, self._note, timeouts, self._folder
            )
        else:
            self._courier = SmtpCourier(settings, resolver, self._clock, self._note, timeouts)
        self._hand = Hand(self._folder, self._courier, patience(settings), self._clock, store.fail)
        self._recorder = Recorder(store, self._hand, self._clock)
        self._woken = asyncio.Event()
        self._idle = asyncio.Event()
        self._turns = Turns()
        self._stopping = False
        self._wants_room = True

    def apply(self, settings: Settings) -> None:
        """Take over new settings (SIGHUP); folders and the transport stay.

        A key or password that cannot be read leaves the old ones in force.
        """
        try:
            signers, sealer = _signers(settings), load_sealer(settings)
            if not isinstance(self._courier, MaildirCourier):
                self._courier.apply(settings)
        except ConfigError as exc:
            log.error("delivery.settings_refused", error=str(exc))  # noqa: TRY400 - no fault of ours
            return
        self._letters.signers, self._letters.sealer = signers, sealer
        self._hand.patience = patience(settings)
        self.wake()

    def wake(self) -> None:
        """Something may be due: a mail was written to the outbox, or the operator said retry."""
        self._woken.set()

    @property
    def tally(self) -> Tally:
        """What became of copies."""
        return self._recorder.tally

    @property
    def in_hand(self) -> int:
        """How many copies are on their way."""
        return self._hand.size

    @property
    def connections(self) -> int:
        """How many connections out are open."""
        return self._courier.connections

    async def run(self) -> None:
        """Send until `stop`, or until cancelled."""
        try:
            await self._run()
        finally:
            self._hand.close()

    async def _run(self) -> None:
        while not await self._has_recovered():
            self._woken.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), AFTER_TROUBLE)
        async with asyncio.TaskGroup() as group:
            loops = [
                group.create_task(self._recorder.run(self._recorded)),
                group.create_task(self._hand.watch(self._store)),
            ]
            await self._feed()
            while not self._hand.is_empty:
                self._idle.clear()
                await self._idle.wait()
            for loop in loops:
                loop.cancel()

    async def stop(self, grace: float) -> None:
        """Finish the transactions in hand and record them; what was not begun goes on waiting."""
        self._stopping = True
        self.wake()
        loop = asyncio.get_running_loop()
        until = loop.time() + grace
        await self._courier.close(grace)
        try:
            async with asyncio.timeout(max(until - loop.time(), LAST_RECORDS)):
                while not self._hand.is_empty:
                    self._idle.clear()
                    await self._idle.wait()
        except TimeoutError:
            log.warning("delivery.left_in_hand", copies=self._hand.size)

    def _note(self, name: str, host: RestingHost | None) -> None:
        self._recorder.note_host(name, host)

    def _recorded(self, *, is_routine: bool) -> None:
        self._idle.set()
        if self._wants_room or not is_routine:
            self.wake()

    async def _has_recovered(self) -> bool:
        """Nothing is sent before; False: not now, as the disk is full or the database is held."""
        try:
            await self._recover()
        except (StoreBusy, StoreFull) as exc:
            log.warning("delivery.not_recovered", reason=str(exc))
            return self._stopping
        return True

    async def _recover(self) -> None:
        """Read the journals of a run that was killed: what they say was taken over is not sent."""
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Whatever sends now: what they still finish has to stand in the journals.
        await orphans_gone(self._folder)
        left = await asyncio.to_thread(journal.read_all, self._folder)
        if left.files:
            now = self._clock()
            await self._store.run(lambda tx: tx.sending.recover(left.taken, now))
            log.info("delivery.recovered", copies=len(left.taken), journals=len(left.files))
        for file in left.files:
            file.unlink(missing_ok=True)
        hosts = await self._store.read(lambda tx: tx.sending.hosts())
        if not isinstance(self._courier, MaildirCourier):
            self._courier.remember(hosts)
            self._recorder.remember(hosts)
        if isinstance(self._courier, FleetCourier):
            self._courier.open(left.begun)

    async def _feed(self) -> None:
        while not self._stopping:
            self._woken.clear()
            try:
                sleep = await self._turn()
            except (ListservError, OSError) as exc:
                sleep = self._trouble(exc)
            if sleep <= 0:
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), min(sleep, LONGEST_SLEEP))
            except TimeoutError:
                continue

    def _trouble(self, exc: Exception) -> float:
        """The seconds to wait before the next turn."""
        log.error("delivery.trouble", error=str(exc))
        if is_failing(exc):
            self._store.fail()
        return 0.0 if is_full(exc) and self._store.drop_ballast() else AFTER_TROUBLE

    async def _turn(self) -> float:
        """Send out what is due and fits; the seconds until there may be more."""
        now = self._clock()
        self._wants_room = True
        # What is read may be older than what was recorded meanwhile: only what was not in hand
        # when the reading began may be taken up, or it would go out twice.
        noted, in_work = self._recorder.noted(), frozenset(self._hand.posts)
        in_hand = frozenset(self._hand.keys)
        seen = await self._look(now, SMALL_MAILS + len(in_hand))
        retried = noted - {host.name for host in seen.hosts}
        if retried:
            self._recorder.forget(retried)
            self._courier.revive(retried)
            # Their mail was left out.
            self.wake()
        self._take_up(await self._unexpired(seen.running, now), in_work)
        still = self._courier.stands_still()
        if still is not None:
            return max(still.next_at - now, 1)
        if self._courier.is_probing:
            await self._probe()
        elif await self._fill(seen, in_hand) and not self._stopping:
            return 0
        rests = (host.next_at for host in self._courier.resting())
        wakes = [at for at in (seen.next_at, *rests) if at]
        return max(min(wakes) - now, 1) if wakes else LONGEST_SLEEP

    async def _look(self, now: int, limit: int) -> Look:
        """Look at the outbox; at few rows at once, which costs less than to ask a thread."""
        resting = [host.name for host in self._courier.resting()]
        if limit > LOOK_UP_MAX:
            return await self._store.read(look, now, limit, resting)
        return self._store.peek(look, now, limit, resting)

    async def _fill(self, seen: Look, in_hand: frozenset[Key]) -> bool:
        """Send out what is due; whether there may be more at once."""
        # What is recorded while these are signed makes room that is looked at below.
        self._wants_room = False
        more = await self._send_rows(seen.urgent, in_hand, URGENT, SMALL_MAILS) == SMALL_MAILS
        self._wants_room = self._hand.size >= IN_HAND or bool(self._hand.posts)
        if self._hand.size < IN_HAND:
            if seen.has_bulk:
                more = await self._beside_answers(self._due(BULK, PAGE)) == PAGE or more
            if self._hand.posts:
                more = await self._beside_answers(self._next_page()) or more
        elif self._hand.size < IN_HAND + FOR_NEW and self._hand.posts:
            more = await self._beside_answers(self._next_page()) or more
        return more

    async def _beside_answers(self, work: Coroutine[None, None, T]) -> T:
        """Long work, as it is to render a post of many megabytes, does not hold up small mails."""
        task = asyncio.get_running_loop().create_task(work)
        try:
            while not (await asyncio.wait({task}, timeout=LONG))[0]:
                await self._due(URGENT, SMALL_MAILS)
            return await task
        finally:
            task.cancel()

    async def _probe(self) -> None:
        """Find out with one batch how a smarthost stands; each failure makes rows of its copies."""
        if self._hand.is_empty:
            tried = await self._due(URGENT, SMALL_MAILS) or await self._due(BULK, SMALL_MAILS)
            if not tried:
                await self._next_page()

    async def _due(self, urgent: int, limit: int) -> int:
        """Send copies that have rows and whose time has come; how many there were."""
        resting = [host.name for host in self._courier.resting()]
        now, in_hand = self._clock(), frozenset(self._hand.keys)
        found = await self._store.read(_rows, urgent, now, limit + len(in_hand), resting)
        return await self._send_rows(found, in_hand, urgent, limit)

    async def _send_rows(
        self, found: Iterable[Due], in_hand: frozenset[Key], urgent: int, limit: int
    ) -> int:
        """Send those that were not in hand when they were read; how many."""
        rows = [one for one in found if (one.mailing.id, one.subscriber_id) not in in_hand][:limit]
        if not rows:
            return 0
        batch = self._hand.batch(len(rows), urgent=bool(urgent))
        with batch.journal.kept_on_success():
            copies = await self._desk.of_rows(rows, batch)
        self._hand.take_rows(batch, copies)
        self._hand.send(batch, copies)
        return len(rows)

    def _take_up(self, running: Iterable[Mailing], in_work: frozenset[int]) -> None:
        """Begin with new posts, let go of those that were dropped or held."""
        alive = {mailing.id: mailing for mailing in running}
        for mailing_id in in_work - alive.keys():
            self._hand.forget_post(mailing_id)
        for mailing_id in alive.keys() - in_work:
            mailing = alive[mailing_id]
            self._hand.posts[mailing_id] = Post(mailing, mailing.cursor)

    async def _next_page(self) -> bool:
        """Send one page, of the post whose turn it is; whether any post has more to come."""
        is_full = self._hand.size >= IN_HAND
        open_posts = [
            post
            for post in self._hand.posts.values()
            if not (post.is_read or (is_full and post.turn is not None))
        ]
        if not open_posts:
            return False
        await self._send_page(self._turns.next(open_posts))
        return self._hand.size < IN_HAND

    async def _send_page(self, post: Post, *, again: bool = False) -> None:
        mailing, after, began = post.mailing, post.after, time.monotonic()
        size = FIRST_PAGE if after == mailing.cursor else PAGE

        def read(tx: Tx) -> tuple[list[Reader], frozenset[int], int]:
            readers = tx.sending.page(mailing, after, size)
            last_id = readers[-1].subscriber_id if len(readers) == size else mailing.upto
            return readers, tx.sending.delivered(mailing.id, after, last_id), last_id

        readers, delivered, last_id = await self._store.read(read)
        batch = self._hand.batch(len(readers), urgent=False)
        left = [reader for reader in readers if reader.subscriber_id not in delivered]
        with batch.journal.kept_on_success():
            copies = await self._desk.of_page(mailing, left, batch)
        if copies is None:
            batch.journal.remove()
            self._hand.forget_post(mailing.id)
            return
        if self._courier.stands_still() is not None:
            # It has failed meanwhile, and each of these would have a row for it.
            batch.journal.remove()
            return
        if time.monotonic() - began > STALE and not again:
            # Rendering took long: who has unsubscribed meanwhile must not be among them.
            batch.journal.remove()
            await self._send_page(post, again=True)
            return
        batch.settled += [
            Settled(mailing.id, reader.subscriber_id, reader.address, Fate.SENT)
            for reader in readers
            if reader.subscriber_id in delivered
        ]
        post.after, post.is_read = last_id, last_id >= mailing.upto
        post.pages.append(Page(mailing.id, last_id, post.is_read, batch))
        self._hand.send(batch, copies)

    async def _unexpired(self, running: list[Mailing], now: int) -> list[Mailing]:
        """Give up posts whose time is over; nobody is blamed for what was never tried."""
        over = [one for one in running if self._hand.patience.is_over(one.created_at, now)]
        for mailing in over:
            why = Settled(
                mailing.id, None, "", Fate.EXPIRED, 0, "4.4.7", "the post did not reach all in time"
            )
            await self._store.run(_give_up, why, now)
            log.warning("delivery.post_expired", mailing=mailing.id)
        return [mailing for mailing in running if mailing not in over]


def _give_up(tx: Tx, why: Settled, now: int) -> None:
    tx.sending.give_up("expired", why, now)


def _rows(tx: Tx, urgent: int, now: int, limit: int, resting: Iterable[str]) -> list[Due]:
    return tx.sending.due(urgent, now, limit, resting)


def _signers(settings: Settings) -> Signers:
    return load(settings.site.domain, settings.dkim)
