"""Between the dialogue and the mail room: an Envelope is built, kept, and answered.

The commit runs by itself (steps.py): a client that hangs up, or a session that is cut, never stops
it half-way, and what is true afterwards does not depend on our 250 being heard.
"""

from __future__ import annotations

import asyncio
import errno
import secrets
from datetime import UTC, datetime

from listserv_py.errors import Broken, Refusal
from listserv_py.mail.envelope import Envelope, Protocol
from listserv_py.mail.mailbox import Mailbox
from listserv_py.maillog import get_logger
from listserv_py.smtpd import replies
from listserv_py.smtpd.content import Content
from listserv_py.smtpd.limits import Census
from listserv_py.smtpd.mailroom import Mailroom
from listserv_py.smtpd.paths import Transaction
from listserv_py.smtpd.replies import SmtpReply
from listserv_py.smtpd.steps import Steps
from listserv_py.smtpd.trace import Visit, hops, received_field
from listserv_py.store.thread import StoreFull

log = get_logger("smtpd")

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Handler:
    """What sessions ask of the house; one for all of them."""

    def __init__(self, mailroom: Mailroom, census: Census) -> None:
        self.census = census
        self._commits: dict[str, asyncio.Future[SmtpReply]] = {}
        self._mailroom = mailroom

    @property
    def commits(self) -> tuple[asyncio.Future[SmtpReply], ...]:
        """The mails that are being kept."""
        return tuple(self._commits.values())

    async def welcome(self, transaction: Transaction, rcpt: Mailbox) -> SmtpReply:
        """Whether mail of this transaction may go to `rcpt`, who is added to it when so."""
        if len(transaction.rcpt_to) >= self.census.settings.recipients:
            return replies.TOO_MANY_RECIPIENTS
        sender, size = transaction.reverse_path, transaction.size
        try:
            verdict = await self._mailroom.accepts(sender, rcpt, size)
        except Refusal as refusal:
            verdict = replies.in_reply(refusal)
        except Exception as error:  # noqa: BLE001 - a recipient must not end a session
            return self.fault(error)
        if verdict is None:
            transaction.rcpt_to.append(rcpt)
            return replies.RECIPIENT_OK
        log.info("mail.refused", code=verdict.code, status=verdict.enhanced, rcpt=str(rcpt))
        return verdict

    async def take(self, content: Content, transaction: Transaction, visit: Visit) -> SmtpReply:
        """Keep the finished mail; the reply says whether it is on disk."""
        try:
            envelope = self._envelope(content, transaction, visit)
        except Refusal as refusal:
            return self._refused(refusal, visit.client)
        except Exception as error:  # noqa: BLE001 - LMTP wants an answer for each recipient
            return self.fault(error)
        self.census.octets += len(envelope.content)
        commit = Steps(self._commit(envelope), asyncio.get_running_loop())
        self._commits[envelope.id] = commit.ended
        commit.go_on()
        return await commit.ended

    def fault(self, error: Exception) -> SmtpReply:
        """What the client hears of an exception: nothing but a token to find it in the log by."""
        no_room = isinstance(error, StoreFull | MemoryError)
        if no_room or getattr(error, "errno", None) in _DISK_FULL:
            log.error("door.full", reason=type(error).__name__)
            return replies.NO_ROOM
        token = secrets.token_hex(6)
        if isinstance(error, Broken):
            log.error("door.fault", id=token, reason=str(error))
        else:
            log.error("door.fault", id=token, exc_info=error)
        return replies.our_fault(token)

    def _envelope(self, content: Content, transaction: Transaction, visit: Visit) -> Envelope:
        settings, now, token = self.census.settings, datetime.now(UTC), secrets.token_hex(6)
        octets = content.taken(mend=visit.protocol is Protocol.LMTP)
        if hops(octets) > settings.hops:
            raise replies.TOO_MANY_HOPS.refusal()
        trace = received_field(visit, transaction, settings.domain, token, now)
        return Envelope(
            reverse_path=transaction.reverse_path,
            # LMTP answers for each, but one mailbox gets a mail once.
            rcpt_to=tuple(dict.fromkeys(transaction.rcpt_to)),
            content=trace + octets,
            client=visit.client,
            helo=visit.helo,
            protocol=visit.protocol,
            received_at=now,
            smtputf8=transaction.smtputf8,
            id=token,
        )

    async def _commit(self, envelope: Envelope) -> SmtpReply:
        try:
            await self._mailroom.take(envelope)
        except Refusal as refusal:
            return self._refused(refusal, envelope.client)
        except Exception as error:  # noqa: BLE001 - the top of an envelope's way in
            return self.fault(error)
        finally:
            self.census.octets -= len(envelope.content)
            del self._commits[envelope.id]
        return replies.accepted(envelope.id)

    def _refused(self, refusal: Refusal, client: str) -> SmtpReply:
        reply = replies.in_reply(refusal)
        log.info("mail.refused", code=reply.code, status=reply.enhanced, client=client)
        return reply
