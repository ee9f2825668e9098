"""The house behind the door: who is let in, and the spool that accepted mail goes to."""

import os
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from listserv_py.daemon.taking import Taking
from listserv_py.errors import Refusal
from listserv_py.lists.addresses import Destination, Door, route
from listserv_py.lists.model import MailingList
from listserv_py.mail.envelope import Envelope
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import read
from listserv_py.maillog import get_logger
from listserv_py.posting.forwarding import BUDGET, BUDGET_TIME
from listserv_py.smtpd.policy import (
    AliasFacts,
    is_for_owners_only,
    is_picky,
    judge,
    judge_alias,
    judge_post,
)
from listserv_py.smtpd.replies import SmtpReply
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreFull
from listserv_py.store.turn import Turns

log = get_logger("smtpd")

FULL = SmtpReply(452, "4.3.1", "Out of disk space; try again later")
LOOKED_AT_EVERY = 2.0
RESERVE = 8_000_000
"""Octets that stay free beside one and a half mails of the largest size: what was accepted must
still be decided on and recorded."""


SHARE = 4
"""On a small disk a quarter of it is reserve enough, or nothing would ever come in."""


class House:
    """What the door asks: whether a recipient is one of ours, and to keep a mail.

    `taken` counts the mails kept since the start, `octets` what they were in all.
    """

    def __init__(self, store: Store, turns: Turns, arrived: Callable[[], None]) -> None:
        self._store = store
        self._taking = Taking(store)
        self._turns = turns
        self._arrived = arrived
        self._room = Room(turns.settings.site.data_dir)
        # The lists whose posts must be looked at before they are taken, as RCPT last found them.
        self._picky: set[str] = set()
        self.taken = self.octets = 0

    async def accepts(
        self, sender: Mailbox | None, rcpt: Mailbox, size: int | None
    ) -> SmtpReply | None:
        """Judge one recipient; None is welcome."""
        del sender  # what depends on who writes is decided on later: no stranger learns a member
        if not self._room.is_enough(self._turns.settings.limits.message_size):
            return FULL
        destination = self._destination(rcpt)
        if destination is not None and destination.door is Door.ALIAS:
            return judge_alias(self._alias(destination), size)
        mailing_list = self._list(destination)
        if mailing_list is not None:
            remember = self._picky.add if is_picky(mailing_list) else self._picky.discard
            remember(mailing_list.name)
        domain = self._turns.settings.site.domain
        return judge(rcpt, domain, destination, mailing_list, size)

    async def take(self, envelope: Envelope) -> None:
        """Keep a mail; it is on stable storage when this returns."""
        refused = self._refused_by_all(envelope)
        if refused is not None:
            raise refused.refusal()
        now = self._turns.clock.now()
        if self._turns.clock.is_astray:
            envelope = replace(envelope, received_at=now)
        try:
            new = await self._taking.take(envelope)
        except StoreFull as exc:
            raise Refusal(FULL.code, FULL.enhanced, FULL.text) from exc
        self.taken += 1
        self.octets += len(envelope.content)
        log.info(
            "mail.accepted",
            id=envelope.id,
            sender=str(envelope.reverse_path or "<>"),
            size=len(envelope.content),
            copies=new,
            host=envelope.client,
        )
        if new:
            self._arrived()

    def _refused_by_all(self, envelope: Envelope) -> SmtpReply | None:
        """What every recipient refuses whoever wrote it; None when anybody takes the mail."""
        refusal: SmtpReply | None = None
        for rcpt in envelope.rcpt_to:
            destination = self._destination(rcpt)
            if destination is not None and destination.door is Door.ALIAS:
                refusal = judge_alias(self._alias(destination), len(envelope.content))
                if refusal is None:
                    return None
                continue
            if destination is None or destination.door is not Door.POST:
                return None
            if destination.listname not in self._picky:
                return None
            mailing_list = self._list(destination)
            refusal = self._post_refusal(mailing_list, envelope) if mailing_list else None
            if refusal is None:
                return None
        return refusal

    def _post_refusal(self, mailing_list: MailingList, envelope: Envelope) -> SmtpReply | None:
        writers = [envelope.reverse_path] if envelope.reverse_path else []
        if is_for_owners_only(mailing_list):
            author = read(envelope.content[:_HEAD]).author
            writers += [author.mailbox] if author else []
        return judge_post(mailing_list, len(envelope.content), writers, self._turns.postmasters)

    def _alias(self, destination: Destination) -> AliasFacts:
        limits = self._turns.settings.dmarc
        now = self._turns.clock.now()
        spent = self._store.peek(_forwarded, destination.key or "", now)
        return AliasFacts(spent is not None, spent or 0, limits.forwards, limits.forward_size)

    def _destination(self, rcpt: Mailbox) -> Destination | None:
        site = self._turns.settings.site
        return route(rcpt, domain=site.domain, name=site.name)

    def _list(self, destination: Destination | None) -> MailingList | None:
        if destination is None or destination.listname is None:
            return None
        return self._store.peek(_find, destination.listname)


def _forwarded(tx: Tx, alias: str, now: datetime) -> int | None:
    """How many mails were forwarded to the author behind an alias lately; None: there is none."""
    author = tx.aliases.find(alias)
    if author is None:
        return None
    return tx.budget.spent(author, BUDGET, now, BUDGET_TIME)


_HEAD = 256_000
"""How much of a mail can be its header."""


class Room:
    """How much of the disk is free, looked at every few seconds."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._looked = float("-inf")
        self._free = self._most = 0

    def is_enough(self, message_size: int) -> bool:
        """Whether a mail of the largest size would leave the reserve untouched."""
        now = time.monotonic()
        if now - self._looked > LOOKED_AT_EVERY:
            found = os.statvfs(self._folder)
            self._free = found.f_bavail * found.f_frsize
            self._most = found.f_blocks * found.f_frsize // SHARE
            self._looked = now
        return self._free > min(message_size * 3 // 2 + RESERVE, self._most)


def _find(tx: Tx, listname: str) -> MailingList | None:
    return tx.lists.find(listname)
