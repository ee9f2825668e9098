"""The couriers: they carry copies out of the house, by SMTP through lanes, or into Maildirs.

The engine knows only `carry` and its kin: a copy goes in, and its batch hears of its outcome.
"""

import asyncio
from collections.abc import Callable, Collection
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from listserv_py.config import Settings
from listserv_py.delivery import maildir
from listserv_py.delivery.client import Dialer, Policy, Timeouts
from listserv_py.delivery.copies import Copy, recall
from listserv_py.delivery.form import Caps, wire_of
from listserv_py.delivery.journal import BEGUN
from listserv_py.delivery.lane import Lane
from listserv_py.delivery.lines import Lines
from listserv_py.delivery.permits import Alone, Permits
from listserv_py.delivery.replies import Reply, own
from listserv_py.delivery.retry import Patience
from listserv_py.delivery.route import Host, Router
from listserv_py.errors import ConfigError
from listserv_py.maillog import get_logger
from listserv_py.resolver import Resolver
from listserv_py.store.outcomes import Fate, RestingHost

log = get_logger("delivery")


class Courier(Protocol):
    """Carries copies.

    `spills_waiting`: copies that wait long for their turn are better put back into the store, for
    others go other ways; with a smarthost all wait for the same one.
    """

    @property
    def spills_waiting(self) -> bool:
        """See the class."""

    def carry(self, copies: Collection[Copy], *, urgent: bool) -> None:
        """Take these out; each comes to an outcome in its batch."""

    def recall(self, copies: Collection[Copy], fate: Fate, reply: Reply, next_at: int) -> None:
        """Those that have not begun come to this outcome instead, now or very soon."""

    def resting(self) -> list[RestingHost]:
        """Which domains (or the smarthost) are left alone now."""

    def stands_still(self) -> RestingHost | None:
        """The host whose rest keeps all mail here; None: there is a way out."""

    @property
    def is_probing(self) -> bool:
        """Whether the only way out failed last time, so that a few copies should try it first."""

    def revive(self, names: Collection[str]) -> None:
        """Forget the pauses of these hosts: the operator said retry."""

    def tick(self) -> None:
        """Called once a second while copies are in hand."""

    async def close(self, grace: float) -> None:
        """Finish what is in hand; what was not begun is handed back."""


class SmtpCourier:
    """Lanes to the smarthost, or to each domain; it is the lanes' Office."""

    def __init__(
        self,
        settings: Settings,
        resolver: Resolver,
        clock: Callable[[], int],
        note: Callable[[str, RestingHost | None], None],
        timeouts: Timeouts,
        permits: Permits | None = None,
    ) -> None:
        """`note(name, host)` keeps that a host rests, or with None that it is well again."""
        self.clock, self._note, self.timeouts = clock, note, timeouts
        self._resolver = resolver
        self._lanes: dict[str, Lane] = {}
        self._alone = Alone()
        self._permits = permits or self._alone
        self._lines = Lines(self._lanes, self._permits)
        self._closing = False
        self.apply(settings)

    def apply(self, settings: Settings) -> None:
        """Take over new settings; open connections stay as they are."""
        delivery = settings.delivery
        policy = Policy(
            helo=settings.site.domain,
            tls=delivery.tls,
            timeouts=self.timeouts,
            username=delivery.username,
            password=_password(delivery.password_file) if delivery.username else "",
            verify=delivery.relay is not None,
        )
        self.limit = self._alone.limit = delivery.connections
        self.rate = float(delivery.rate)
        self.patience = patience(settings)
        self.router = Router(self._resolver, delivery.relay, delivery.port)
        self.dialer = Dialer(policy)

    def remember(self, hosts: Collection[RestingHost]) -> None:
        """At the start: the hosts that were resting when the last run ended."""
        for host in hosts:
            self._lanes[host.name] = Lane(host.name, self, host)

    def carry(self, copies: Collection[Copy], *, urgent: bool) -> None:
        """Hand the copies to their lanes."""
        if self._closing:
            for copy in copies:
                copy.batch.postpone(copy, self.clock(), own("4.3.2", "shutting down"))
            return
        by_lane: dict[str, list[Copy]] = {}
        if self.router.has_relay:
            by_lane[self.router.lane_of("")] = list(copies)
        else:
            for copy in copies:
                by_lane.setdefault(copy.domain, []).append(copy)
        for name, some in by_lane.items():
            self._lane(name).put(some, urgent=urgent)

    def recall(self, copies: Collection[Copy], fate: Fate, reply: Reply, next_at: int) -> None:
        """Settle them; their lanes pass over what is settled."""
        for copy in copies:
            recall(copy, fate, reply, next_at)

    def learn(self, host: RestingHost) -> bool:
        """Another process found that a host fails; whether that is news."""
        # Its clock may be wrong where ours is not.
        latest = self.clock() + self.patience.longest_pause
        host = replace(host, next_at=min(host.next_at, latest))
        lane = self._lane(host.name)
        known = lane.rest
        if known and (known.failures, known.next_at) >= (host.failures, host.next_at):
            return False
        lane.learn(host)
        return True

    def fails(self, domain: str) -> bool:
        """Whether the way there failed, and nothing was taken since."""
        lane = self._lanes.get(self.router.lane_of(domain))
        return lane is not None and lane.rest is not None

    @property
    def spills_waiting(self) -> bool:
        """Whether one domain's slowness is not all the others'."""
        return not self.router.has_relay

    def known(self) -> list[RestingHost]:
        """All that failed, and have not been well since."""
        return [lane.rest for lane in self._lanes.values() if lane.rest]

    def resting(self) -> list[RestingHost]:
        """The lanes that rest."""
        return [lane.rest for lane in self._lanes.values() if lane.rest and lane.is_resting]

    def stands_still(self) -> RestingHost | None:
        """The smarthost while it rests."""
        if not self.router.has_relay:
            return None
        lane = self._lanes.get(self.router.lane_of(""))
        return lane.rest if lane is not None and lane.is_resting else None

    @property
    def is_probing(self) -> bool:
        """Whether the smarthost's pause is over, and nothing went out since."""
        lane = self._lanes.get(self.router.lane_of("")) if self.router.has_relay else None
        return lane is not None and lane.rest is not None and not lane.is_resting

    def revive(self, names: Collection[str]) -> None:
        """Try them again at once."""
        for name in names:
            if name in self._lanes:
                self._lanes[name].revive()

    def tick(self) -> None:
        """Look after stuck lanes, forget those that are done with."""
        for name, lane in list(self._lanes.items()):
            lane.tick()
            if lane.is_over:
                del self._lanes[name]
        self._lines.tick()

    async def close(self, grace: float) -> None:
        """Close all lanes side by side."""
        self._closing = True
        deadline = asyncio.get_running_loop().time() + grace
        await asyncio.gather(*(lane.close(deadline) for lane in self._lanes.values()))

    @property
    def connections(self) -> int:
        """How many are open, as far as this process grants them itself."""
        return self._alone.total

    # For the lanes.

    async def may_dial(self, host: Host, lane: str) -> bool:
        """Bounds per host, whatever domains it serves, and over all."""
        if not await self._lines.ask(self._lane(lane), str(host)):
            return False
        if self._lane(lane).is_resting:
            # Another process found out meanwhile that it fails: once is enough.
            self.hung_up(host)
            return False
        return True

    def opened(self, host: Host) -> None:
        """A connection stands."""
        self._permits.opened(str(host))

    def hung_up(self, host: Host) -> None:
        """One connection less."""
        self._permits.gone(str(host))
        self._lines.has_room(str(host))

    async def is_too_many(self, host: Host, *, said_so: bool) -> bool:
        """Whether other processes keep us out."""
        return await self._permits.is_too_many(str(host), said_so=said_so)

    def shed(self, host: str) -> None:
        """Give one connection up, for another process that has none."""
        has_most = max(self._lanes.values(), key=lambda lane: lane.count(host), default=None)
        if has_most is not None and (not has_most.is_urgent or has_most.count(host) > 1):
            has_most.shed(host)

    def rests(self, host: RestingHost) -> None:
        """Keep it in the store."""
        self._note(host.name, host)

    def is_well(self, name: str) -> None:
        """Take it out of the store."""
        self._note(name, None)

    def _lane(self, name: str) -> Lane:
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = Lane(name, self)
        return lane


class MaildirCourier:
    """Writes files, one thread's work at a time."""

    def __init__(self, root: Path, clock: Callable[[], int]) -> None:
        self._root, self._clock = root, clock
        self._tasks: set[asyncio.Task[None]] = set()
        self._closing = False

    @property
    def connections(self) -> int:
        """None ever."""
        return 0

    def carry(self, copies: Collection[Copy], *, urgent: bool) -> None:  # noqa: ARG002 - a Courier
        """Write all of them, in a thread."""
        task = asyncio.get_running_loop().create_task(self._write(list(copies)))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def recall(self, copies: Collection[Copy], fate: Fate, reply: Reply, next_at: int) -> None:
        """Settle them; what is settled is not written."""
        for copy in copies:
            recall(copy, fate, reply, next_at)

    @property
    def spills_waiting(self) -> bool:
        """All wait for the same disk."""
        return False

    def resting(self) -> list[RestingHost]:
        """A folder needs no rest."""
        return []

    def stands_still(self) -> RestingHost | None:
        """Never."""
        return None

    @property
    def is_probing(self) -> bool:
        """Never."""
        return False

    def revive(self, names: Collection[str]) -> None:
        """Nothing rests here."""

    def tick(self) -> None:
        """Nothing gets stuck here."""

    async def close(self, grace: float) -> None:  # noqa: ARG002 - a Courier
        """Finish the mail in hand; the rest is handed back."""
        self._closing = True
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _write(self, copies: list[Copy]) -> None:
        for copy in copies:
            if copy not in copy.batch.open:
                continue
            if self._closing:
                copy.batch.postpone(copy, self._clock(), own("4.3.2", "shutting down"))
                continue
            copy.batch.mark(copy, BEGUN)
            try:
                await asyncio.to_thread(self._deliver, copy)
            except OSError as exc:
                log.warning("delivery.maildir", error=str(exc))
                copy.batch.settle(copy, Fate.LATER, own("4.3.1", f"Maildir: {exc.strerror}"))
            else:
                copy.batch.settle(copy, Fate.SENT, own("2.0.0", "in its Maildir"))

    def _deliver(self, copy: Copy) -> None:
        unique = f"{copy.created_at}.M{copy.mailing_id}S{copy.subscriber_id or 0}.listserv_py"
        form = copy.letter.form(Caps(eight_bit=True, utf8=True))
        if form is None:
            raise AssertionError("there is a form for who takes everything")
        wire = wire_of(form, copy.personal, copy.letter.signers)
        maildir.deliver(self._root, copy.rcpt, unique, copy.sender, wire)


def patience(settings: Settings) -> Patience:
    """The settings' pauses."""
    delivery = settings.delivery
    return Patience(
        [pause.total_seconds() for pause in delivery.retry],
        delivery.max_message_age.total_seconds(),
    )


def _password(file: Path | None) -> str:
    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").split("\n", 1)[0].strip("\r")
    except (OSError, ValueError) as exc:
        raise ConfigError(str(file), "delivery.password_file", f"cannot be read: {exc}") from exc
