"""Reads letters before their turn: short ones in passing, a long one by itself beside the others.

A command mail with a hundred thousand addresses takes seconds to read on a busy machine: whoever
wrote to us meanwhile is answered meanwhile. One long letter is read at a time, so that many of them
leave threads to the others.
"""

from __future__ import annotations

import asyncio

from listserv_py.authn.proof import Case, look
from listserv_py.config import Settings
from listserv_py.intake import Ahead, open_letter, read_ahead
from listserv_py.lists.addresses import Door, route
from listserv_py.mail.letter import Letter
from listserv_py.store.spool import Entry

LONG = 50_000
"""Bytes from which on a letter is long; many people write about no more than a page."""


class Reading:
    """What was read of letters, until their turn is over."""

    def __init__(self) -> None:
        self._read: dict[int, Ahead | Exception | None] = {}
        self._one_long = asyncio.Lock()

    def opened(self, entry: Entry, settings: Settings) -> Case | Exception:
        """A letter, read unless it is long; or why it cannot be."""
        try:
            letter = open_letter(entry)
            if not _is_long(letter, settings):
                self._read[entry.id] = read_ahead(letter, settings.site)
            return look(letter, settings)
        except Exception as exc:  # noqa: BLE001 - one poisonous mail must not stop the others
            return exc

    def has(self, spool_id: int) -> bool:
        """Whether it was read already."""
        return spool_id in self._read

    async def read_long(self, letter: Letter, settings: Settings) -> None:
        """Read one that was left unread."""
        if not self.has(letter.spool_id):
            async with self._one_long:
                self._read[letter.spool_id] = await asyncio.to_thread(_read, letter, settings)

    def of(self, spool_id: int) -> Ahead | None:
        """What was read of a letter; raises what kept it from being read."""
        found = self._read.get(spool_id)
        if isinstance(found, Exception):
            raise found
        return found

    def forget(self, spool_id: int) -> None:
        """Its turn is over."""
        self._read.pop(spool_id, None)


def _is_long(letter: Letter, settings: Settings) -> bool:
    """Whether reading it would hold others up; of posts nothing is read ahead."""
    if len(letter.message.raw) <= LONG:
        return False
    found = route(letter.rcpt, domain=settings.site.domain, name=settings.site.name)
    return found is not None and found.door is not Door.POST


def _read(letter: Letter, settings: Settings) -> Ahead | Exception | None:
    try:
        return read_ahead(letter, settings.site)
    except Exception as exc:  # noqa: BLE001 - told when its turn comes
        return exc
