"""The server: everything is built here, handed what it needs, started and stopped in order.

Stopping: close the doors, finish what is in hand, record it, close the store. Whatever fails on the
way, the process ends with a status that makes the supervisor start it anew; the store is always in
a state from which that is safe.
"""

from __future__ import annotations

import asyncio
import resource
import signal
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

from listserv_py.authn.dkim import Verifier
from listserv_py.config import Settings, heeded, left_for_a_restart, load
from listserv_py.control.desk import Desk
from listserv_py.control.socket import serve_control
from listserv_py.daemon import notify
from listserv_py.daemon.archiving import Indexer
from listserv_py.daemon.figures import Collection
from listserv_py.daemon.mailroom import House
from listserv_py.daemon.memory import give_back_large_blocks
from listserv_py.daemon.pages import Counter, metrics_door, public_pages
from listserv_py.daemon.preflight import in_file, refuse_faults
from listserv_py.daemon.working import Work
from listserv_py.delivery.courier import patience
from listserv_py.delivery.engine import Engine
from listserv_py.delivery.garbage import look_seldom
from listserv_py.errors import Broken, ConfigError, ListservError
from listserv_py.maillog import get_logger
from listserv_py.resolver import Resolver
from listserv_py.smtpd.limits import DoorSettings, door_settings
from listserv_py.smtpd.listener import Address, DoorFault, Listener, listen
from listserv_py.smtpd.sockets import Unusable
from listserv_py.store.ballast import Ballast
from listserv_py.store.lock import lock
from listserv_py.store.setback import mend
from listserv_py.store.thread import Store, StoreBusy, StoreFull
from listserv_py.store.turn import Turns
from listserv_py.tcpgui.desk import answers
from listserv_py.tcpgui.port import Bounds, Port
from listserv_py.texts import site

log = get_logger("daemon")

GRACE = 20.0
"""Seconds that finishing what is in hand may take; the supervisor kills at 30."""
LOOKS_EVERY = 1.0
"""Seconds between two looks at whether the store has failed."""
STORE_MUST_ANSWER = 60.0
BALLAST_EVERY = 60.0
DESCRIPTORS_OF_OURS = 160
"""Open files that connections may not take: those of the store, the way out, the command line,
and what calls for pages and figures."""
MORE_TIME = 2.0
"""Seconds beyond one look-up that all keys of a mail may take."""


async def serve(settings: Settings, path: Path) -> None:
    """Serve until SIGTERM or SIGINT; `path` is the configuration that SIGHUP rereads."""
    give_back_large_blocks()
    look_seldom()
    data_dir = settings.site.data_dir
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    Ballast(data_dir).drop_if_needed()
    with lock(data_dir), _signals() as signals:
        store = Store.open(data_dir, settings.site.domain)
        try:
            await _Server(settings, path, store, signals).run()
        except ListservError:
            raise
        except Exception as exc:
            log.exception("daemon.failed")
            raise Broken("the server has failed; its log says more") from exc
        finally:
            await store.close()


class _Server:
    """One run of the server on an open store."""

    def __init__(
        self, settings: Settings, path: Path, store: Store, signals: asyncio.Queue[signal.Signals]
    ) -> None:
        self._path = path
        self._store = store
        self._signals = signals
        self._turns = Turns(settings, site.load(settings.site.data_dir))
        self._resolver = resolver = Resolver(settings.dns)
        self._connections_max = _allow_descriptors() - DESCRIPTORS_OF_OURS
        self._verifier = Verifier(resolver, _looked_up_within(settings))
        clock = self._turns.clock
        self._engine = Engine(store, settings, resolver, clock=clock, has_workers=True)
        self._work = Work(store, self._turns, self._verifier, self._engine.wake)
        self._port = Port(answers(store, self._turns, self._wake), Bounds())

    async def run(self) -> None:
        """Start, wait for the word to stop, stop."""
        settings = self._turns.settings
        house = House(self._store, self._turns, self._work.arrived)
        desk = Desk(self._store, self._turns, self._wake)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(serve_control(settings.site.data_dir, desk))
            await self._open_port()
            stack.push_async_callback(self._port.close, GRACE)
            counter = Counter(self._store, self._turns, self._wake)
            web = await stack.enter_async_context(public_pages(counter, self._turns, self._path))
            listener = await self._listen(house)
            census = listener.handler.census
            collect = Collection(self._store, self._engine, house, census, web)
            await stack.enter_async_context(metrics_door(collect, settings, self._path))
            log.info(
                "daemon.ready",
                listening=[_shown(one) for one in listener.addresses],
                tcpgui=[_shown(one) for one in self._port.addresses],
            )
            notify.tell("READY=1")
            await self._until_told(listener)
        log.info("daemon.stopped")

    async def _listen(self, house: House) -> Listener:
        settings = self._turns.settings
        try:
            return await listen(settings.listen, house, self._door(settings))
        except DoorFault as exc:
            raise in_file(exc, self._path, ("listen", exc.index, "address")) from exc

    async def _open_port(self) -> None:
        address = self._turns.settings.tcpgui.listen
        if address is None:
            return
        try:
            await self._port.open(address)
        except Unusable as exc:
            fault = ConfigError("", "tcpgui.listen", str(exc))
            raise in_file(fault, self._path, ("tcpgui", "listen")) from exc

    def _door(self, settings: Settings) -> DoorSettings:
        """The door's settings; no more connections than there are descriptors for."""
        door = door_settings(settings)
        return replace(door, connections=max(1, min(door.connections, self._connections_max)))

    async def _until_told(self, listener: Listener) -> None:
        """Run the loops; returns when a signal says stop, raises when one of them fails."""
        loops = [
            asyncio.create_task(loop, name=name)
            for name, loop in (
                ("work", self._work.run()),
                ("archives", Indexer(self._store).run()),
                ("timers", self._work.run_timers()),
                ("scrubbing", self._work.scrubbing.run()),
                ("engine", self._engine.run()),
                ("watchdog", self._watch()),
                ("ballast", self._keep_ballast()),
                ("signals", self._heed(listener)),
            )
        ]
        try:
            done, _ = await asyncio.wait(loops, return_when=asyncio.FIRST_COMPLETED)
            for loop in done:
                await loop
        finally:
            notify.tell("STOPPING=1")
            log.info("daemon.stopping")
            await asyncio.gather(
                listener.close(GRACE), self._engine.stop(GRACE), self._port.close(GRACE)
            )
            for loop in loops:
                loop.cancel()
            await asyncio.gather(*loops, return_exceptions=True)

    async def _heed(self, listener: Listener) -> None:
        """Reread the configuration on SIGHUP; return on the signals that say stop."""
        while await self._signals.get() is signal.SIGHUP:
            try:
                fresh = load(self._path)
                settings = heeded(fresh, self._turns.settings)
                refuse_faults(settings, self._path, with_doors=False)
                door = self._door(settings)
            except (ConfigError, OSError) as exc:
                log.error("daemon.config_refused", error=str(exc))  # noqa: TRY400 - no fault of ours
                continue
            for name in left_for_a_restart(fresh, self._turns.settings):
                log.warning("daemon.needs_restart", setting=name)
            self._take_over(settings)
            listener.apply(door)
            log.info("daemon.config_reread")

    def _take_over(self, settings: Settings) -> None:
        """Go on with other settings: all have been found good."""
        self._turns.settings = settings
        self._turns.forms = site.load(settings.site.data_dir)
        self._store.rename(settings.site.domain)
        self._resolver.apply(settings.dns)
        self._verifier.apply(_looked_up_within(settings))
        self._engine.apply(settings)

    async def _mend_times(self) -> bool:
        """Nothing may wait for a time that only a wrong clock has seen; False: not done yet."""
        turns = self._turns
        longest = patience(turns.settings).longest_pause
        try:
            if await self._store.run(mend, int(turns.clock()), longest):
                self._wake()
        except (StoreBusy, StoreFull):
            return False
        return True

    async def _watch(self) -> None:
        """Tell the supervisor that we live, as long as the store's thread answers too."""
        every = notify.watchdog_interval()
        told, mended = 0.0, -1
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(LOOKS_EVERY)
            if self._store.failed.is_set():
                raise Broken("the store has failed; the server must be started anew")
            setbacks = self._turns.clock.setbacks
            if mended != setbacks and await self._mend_times():
                mended = setbacks
            if every is not None and loop.time() - told >= every:
                async with asyncio.timeout(STORE_MUST_ANSWER):
                    await self._store.run(lambda _: None)
                notify.tell("WATCHDOG=1")
                told = loop.time()

    async def _keep_ballast(self) -> None:
        """Take room for hard times, and again when they are over."""
        while True:
            with suppress(OSError):
                await self._store.keep_ballast()
            await asyncio.sleep(BALLAST_EVERY)

    def _wake(self) -> None:
        self._work.wake()
        self._engine.wake()


def _looked_up_within(settings: Settings) -> float:
    """Seconds for all keys, or all policies, of a mail."""
    return settings.dns.timeout.total_seconds() + MORE_TIME


def _shown(address: Address) -> str:
    if isinstance(address, str):
        return address
    host, port = address
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _allow_descriptors() -> int:
    """As many open files as we may have: a shell's usual 1,024 are fewer than our connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        return hard
    return soft


@contextmanager
def _signals() -> Iterator[asyncio.Queue[signal.Signals]]:
    """The signals that concern us, in the order in which they came."""
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[signal.Signals] = asyncio.Queue()
    ours = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    for one in ours:
        loop.add_signal_handler(one, queue.put_nowait, one)
    try:
        yield queue
    finally:
        for one in ours:
            loop.remove_signal_handler(one)
