"""Takes mails into the spool together: what comes while the disk is busy is one job, one commit.

A sender is answered only after the commit that holds his mail. A mail that cannot be kept fails by
itself: the others of its batch are then taken one by one.
"""

from __future__ import annotations

import asyncio
from functools import partial

from listserv_py.mail.envelope import Envelope
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreBusy, StoreFailed, StoreFull

AT_ONCE = 200
BYTES_AT_ONCE = 16_000_000
"""More than this is not copied into one transaction: the sizes of mails differ by a thousand."""

Taken = asyncio.Future[int]


class Taking:
    """The mails on their way to the spool."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: list[tuple[Envelope, Taken]] = []
        self._running: asyncio.Task[None] | None = None

    async def take(self, envelope: Envelope) -> int:
        """Keep a mail: for how many recipients it was new. It is on stable storage then."""
        taken: Taken = asyncio.get_running_loop().create_future()
        self._waiting.append((envelope, taken))
        if self._running is None:
            self._running = asyncio.create_task(self._run())
        return await taken

    async def _run(self) -> None:
        try:
            while self._waiting:
                await self._commit(self._batch())
        finally:
            self._running = None

    def _batch(self) -> list[tuple[Envelope, Taken]]:
        """The next that go together: one at least."""
        many = size = 0
        for envelope, _ in self._waiting[:AT_ONCE]:
            size += len(envelope.content)
            if many and size > BYTES_AT_ONCE:
                break
            many += 1
        batch, self._waiting = self._waiting[:many], self._waiting[many:]
        return batch

    async def _commit(self, batch: list[tuple[Envelope, Taken]]) -> None:
        envelopes = [envelope for envelope, _ in batch]
        found: list[tuple[int | None, Exception | None]]
        try:
            found = [(new, None) for new in await self._store.run(_take_all, envelopes)]
        except (StoreFull, StoreBusy, StoreFailed) as exc:
            if isinstance(exc, StoreBusy):
                # Those who came meanwhile have waited as well: they are not kept as long again.
                batch, self._waiting = [*batch, *self._waiting], []
            found = [(None, exc)] * len(batch)
        except Exception:  # noqa: BLE001 - it is told to whose mail it was
            works = [partial(_take, envelope=envelope) for envelope in envelopes]
            found = await self._one_by_one(works)
        for (_, taken), (new, error) in zip(batch, found, strict=True):
            if taken.done():
                continue
            if error is None:
                taken.set_result(new or 0)
            else:
                taken.set_exception(error)

    async def _one_by_one(
        self, works: list[partial[int]]
    ) -> list[tuple[int | None, Exception | None]]:
        try:
            return await self._store.run_each(works)
        except Exception as exc:  # noqa: BLE001 - every sender must hear of it
            return [(None, exc)] * len(works)


def _take_all(tx: Tx, envelopes: list[Envelope]) -> list[int]:
    return tx.spool.take_all(envelopes)


def _take(tx: Tx, envelope: Envelope) -> int:
    return tx.spool.take(envelope)
