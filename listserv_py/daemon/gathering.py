"""What becomes ready while others of its kind are being done is done together afterwards.

`add` is no coroutine: the order of the calls is the order in which things are done.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Gathering(Generic[T]):
    """Hands batches to `do`, one after the other, at most `at_once` things each."""

    def __init__(self, do: Callable[[list[T]], Awaitable[None]], at_once: int) -> None:
        self._do = do
        self._at_once = at_once
        self._waiting: list[tuple[T, asyncio.Future[None]]] = []
        self._running: asyncio.Task[None] | None = None

    def add(self, one: T) -> asyncio.Future[None]:
        """Take one in; what comes back is done, or fails, with its batch."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append((one, done))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return done

    async def stop(self) -> None:
        """Give up what waits."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        try:
            while self._waiting:
                batch = self._waiting[: self._at_once]
                self._waiting = self._waiting[self._at_once :]
                await self._batch(batch)
        finally:
            self._running = None

    async def _batch(self, batch: list[tuple[T, asyncio.Future[None]]]) -> None:
        error: Exception | None = None
        try:
            await self._do([one for one, _ in batch])
        except Exception as exc:  # noqa: BLE001 - everybody who waits must hear of it
            error = exc
        for _, done in batch:
            if done.done():
                continue
            if error is None:
                done.set_result(None)
            else:
                done.set_exception(error)
