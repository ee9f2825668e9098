"""A coroutine that is run by whoever has something for it, at once, and without a task.

A task wakes up by way of the loop: a line from a client would go through a future, the loop's queue
and another look at all sockets before anybody read it. What is awaited in here is `MORE`, whose
coming the owner tells by `go_on`, or a future; `asyncio.timeout` wants a task and does not work.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _More:
    """What the owner of a coroutine will have for it."""

    def __await__(self) -> Generator[_More, None, None]:
        yield self


MORE = _More()


class Steps(Generic[T]):
    """Runs a coroutine until it has to wait; `ended` has what it returned or raised.

    Who gives up waiting for `ended` stops nothing; `cancel` does.
    """

    __slots__ = (
        "_coroutine",
        "_is_cancelled",
        "_is_over",
        "_is_running",
        "_loop",
        "ended",
        "waits_for_more",
    )

    def __init__(self, coroutine: Coroutine[Any, None, T], loop: asyncio.AbstractEventLoop) -> None:
        self._coroutine = coroutine
        self._loop = loop
        self._is_running = self._is_cancelled = self._is_over = False
        self.waits_for_more = False
        self.ended: asyncio.Future[T] = loop.create_future()

    def go_on(self, _: object = None) -> None:
        """Run on: what was waited for is here."""
        if self._is_over or self._is_running:
            return
        self.waits_for_more = False
        self._is_running = True
        try:
            wanted = self._coroutine.send(None)
        except StopIteration as end:
            self._end(end.value, None)
        except Exception as error:  # noqa: BLE001 - told to whoever asks for the result
            self._end(None, error)
        else:
            self._wait_for(wanted)
        finally:
            self._is_running = False

    def cancel(self) -> None:
        """End it where it waits; what it waits for is not touched."""
        if self._is_running:
            self._is_cancelled = True
        elif not self._is_over:
            self._is_over = True
            self._coroutine.close()
            self.ended.cancel()

    def _wait_for(self, wanted: object) -> None:
        if self._is_cancelled:
            self._is_running = False
            self.cancel()
        elif wanted is MORE:
            self.waits_for_more = True
        elif asyncio.isfuture(wanted):
            # As a task does it: the future asks that whoever runs the coroutine waits for it.
            wanted._asyncio_future_blocking = False
            wanted.add_done_callback(self.go_on)
        else:  # asyncio.sleep(0): whatever else is ready has its turn first
            self._loop.call_soon(self.go_on)

    def _end(self, result: Any, error: Exception | None) -> None:
        self._is_over = True
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(result)
        else:
            self.ended.set_exception(error)
