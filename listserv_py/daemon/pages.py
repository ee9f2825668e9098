"""The HTTP doors of the server: the public pages, and the figures on a door of their own.

The pages are asked for tokens by anybody; one that is not ours is answered without the store, so
that guessing costs those who have honest business here nothing.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import ASGIApp

from listserv_py.commands import oneclick
from listserv_py.commands.oneclick import Answer
from listserv_py.config import Settings
from listserv_py.daemon.preflight import in_file
from listserv_py.errors import ConfigError
from listserv_py.mail.token import Tokens
from listserv_py.maillog import get_logger
from listserv_py.smtpd.sockets import Unusable
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store
from listserv_py.store.turn import Turns
from listserv_py.units import HostPort
from listserv_py.web.listener import Bounds, HttpDoor
from listserv_py.web.metrics import Collect, metrics
from listserv_py.web.page import Page
from listserv_py.web.unsubscribe import pages

log = get_logger("web")

GRACE = 5.0
SCRAPERS = 8


class Counter:
    """Answers for the pages; `decided` hears that there may be something to send."""

    def __init__(self, store: Store, turns: Turns, decided: Callable[[], None]) -> None:
        self._store, self._turns, self._decided = store, turns, decided
        self._tokens: Tokens | None = None

    async def ask(self, token: str) -> tuple[Page, bool]:
        """The page that asks."""

        def act(tx: Tx) -> Answer:
            return oneclick.ask(self._turns.at(tx), token)

        return _page(await self._store.read(act))

    async def leave(self, token: str) -> tuple[Page, bool]:
        """End the subscription; a token that is not ours waits for no transaction."""
        if self._tokens is None:
            self._tokens = await self._store.read(lambda tx: tx.tokens)
        if self._tokens.open(token) is None:
            return await self.ask(token)

        def act(tx: Tx) -> Answer:
            return oneclick.leave(self._turns.at(tx), token)

        answer = await self._store.run(act)
        self._decided()
        return _page(answer)


def _page(answer: Answer) -> tuple[Page, bool]:
    page = Page(answer.title, answer.text, answer.button, answer.language)
    return page, answer.serves


@asynccontextmanager
async def public_pages(counter: Counter, turns: Turns, path: Path) -> AsyncIterator[HttpDoor]:
    """The public door, where `[web] listen` wants it; at the end what was asked is answered."""
    where = turns.settings.web.listen
    bounds = Bounds(per_host=turns.settings.limits.connections_per_host)
    async with _open(pages(counter), where, ("web", "listen"), path, bounds) as door:
        yield door


@asynccontextmanager
async def metrics_door(collect: Collect, settings: Settings, path: Path) -> AsyncIterator[HttpDoor]:
    """The door of the figures, where `[metrics] listen` wants it."""
    bounds = Bounds(connections=SCRAPERS)
    app, where = metrics(collect), settings.metrics.listen
    async with _open(app, where, ("metrics", "listen"), path, bounds) as door:
        yield door


@asynccontextmanager
async def _open(
    app: ASGIApp,
    address: HostPort | None,
    setting: tuple[str, str],
    path: Path,
    bounds: Bounds | None = None,
) -> AsyncIterator[HttpDoor]:
    door = HttpDoor(app, bounds)
    try:
        if address is not None:
            await door.open(address)
            log.info(
                "http.ready",
                door=setting[0],
                listening=[f"{host}:{port}" for host, port in door.addresses],
            )
    except Unusable as exc:
        fault = ConfigError("", ".".join(setting), str(exc))
        raise in_file(fault, path, setting) from exc
    try:
        yield door
    finally:
        await door.close(GRACE)
