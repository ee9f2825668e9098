"""The verbs of SMTP and LMTP: what a client may say, and what is done.

A transaction is forgotten before its mail is read: however DATA ends, nothing of it is left for the
next one. Over LMTP every end of DATA answers each accepted recipient (RFC 2033 4.2).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import ClassVar

from listserv_py.mail.envelope import Protocol
from listserv_py.smtpd import replies
from listserv_py.smtpd.content import Content
from listserv_py.smtpd.limits import host_key
from listserv_py.smtpd.paths import Transaction, read_mail, read_rcpt
from listserv_py.smtpd.replies import SmtpReply
from listserv_py.smtpd.session import MAIL_LINE_MAX, Farewell, Session, Verb
from listserv_py.smtpd.trace import Visit

_HELO = re.compile(r"[!-~]{1,255}")


class Dialogue(Session):
    """A session that knows its verbs; which of them there are is told by the table at its end."""

    async def _ehlo(self, argument: str) -> None:
        if self._is_lmtp:
            await self.answer(replies.NOT_LMTP)
        else:
            await self._greet(argument)

    async def _lhlo(self, argument: str) -> None:
        if self._is_lmtp:
            await self._greet(argument)
        else:
            await self.answer(replies.NOT_SMTP)

    async def _helo(self, argument: str) -> None:
        if self._is_lmtp:
            await self.answer(replies.NOT_LMTP)
        elif self._introduced(argument, is_extended=False):
            await self.push(f"250 {self.hostname}")
        else:
            await self.answer(replies.BAD_HELO)

    async def _starttls(self, argument: str) -> None:
        if self.settings.tls is None:
            await self.answer(replies.NOT_OFFERED)
        elif self.is_encrypted:
            await self.answer(replies.TLS_ALREADY)
        elif argument:
            await self.answer(replies.BAD_SYNTAX)
        else:
            await self.secure()

    async def _mail(self, argument: str) -> None:
        if not self.helo:
            await self.answer(replies.LHLO_FIRST if self._is_lmtp else replies.HELO_FIRST)
        elif self.transaction is not None:
            await self.answer(replies.NESTED_MAIL)
        else:
            limit = self.settings.message_size
            self.transaction = read_mail(argument, extended=self.is_extended, limit=limit)
            await self.answer(replies.SENDER_OK)

    async def _rcpt(self, argument: str) -> None:
        transaction = self.transaction
        if transaction is None:
            await self.answer(replies.MAIL_FIRST)
            return
        domain, smtputf8 = self.settings.domain, transaction.smtputf8
        rcpt = read_rcpt(argument, domain=domain, smtputf8=smtputf8)
        reply = await self.handler.welcome(transaction, rcpt)
        if host_key(self.client) is None:
            # Our own MTA may well pass on a mail that was addressed to a hundred unknown lists.
            await self.push(str(reply))
        else:
            await self.answer(reply)

    async def _data(self, argument: str) -> None:
        transaction, census = self.transaction, self.handler.census
        if argument:
            await self.answer(replies.BAD_SYNTAX)
        elif transaction is None:
            await self.answer(replies.MAIL_FIRST)
        elif not transaction.rcpt_to:
            await self.answer(replies.NO_RECIPIENT)
        elif census.is_full(self.client, transaction.size or 0):
            self.transaction = None
            await self.answer(replies.NO_ROOM)
        else:
            self.transaction = None
            reply = await self._take(transaction)
            for _ in transaction.rcpt_to if self._is_lmtp else (None,):
                await self.push(str(reply))

    async def _rset(self, argument: str) -> None:
        if argument:
            await self.answer(replies.BAD_SYNTAX)
        else:
            self.transaction = None
            await self.answer(replies.OK)

    async def _noop(self, _: str) -> None:
        await self.answer(replies.OK)

    async def _vrfy(self, _: str) -> None:
        await self.answer(replies.NO_VERIFYING)

    async def _not_offered(self, _: str) -> None:
        await self.answer(replies.NOT_OFFERED)

    async def _quit(self, argument: str) -> None:
        if argument:
            await self.answer(replies.BAD_SYNTAX)
        else:
            raise Farewell(replies.GOODBYE)

    @property
    def _is_lmtp(self) -> bool:
        return self.protocol is Protocol.LMTP

    async def _greet(self, hostname: str) -> None:
        if not self._introduced(hostname, is_extended=True):
            await self.answer(replies.BAD_HELO)
            return
        offers = [
            self.hostname,
            f"SIZE {self.settings.message_size}",
            "8BITMIME",
            "SMTPUTF8",
            "PIPELINING",
            "ENHANCEDSTATUSCODES",
        ]
        if self.settings.tls is not None and not self.is_encrypted:
            offers.append("STARTTLS")
        lines = [f"250-{offer}" for offer in offers[:-1]]
        await self.push("\r\n".join([*lines, f"250 {offers[-1]}"]))

    def _introduced(self, hostname: str, *, is_extended: bool) -> bool:
        """Begin anew with a client of that name (RFC 5321 4.1.4)."""
        name = hostname.strip().partition(" ")[0]
        if not _HELO.fullmatch(name):
            return False
        self.transaction, self.helo, self.is_extended = None, name, is_extended
        return True

    async def _take(self, transaction: Transaction) -> SmtpReply:
        """Read the mail, and have it kept."""
        content, census = Content(self.settings.message_size), self.handler.census
        census.octets += content.held
        try:
            await self.push(replies.START_MAIL)
            await self._collect(content)
            self.due_for_commit()
            reply = await self.handler.take(content, transaction, self._visit())
        finally:
            census.octets -= content.held
        if not reply.is_refusal:
            self.mail_came()
        return reply

    async def _collect(self, content: Content) -> None:
        """Read up to the final dot, from whoever sends it at an honest pace."""
        census, settings, begun = self.handler.census, self.settings, self.loop.time()
        chunk = bytes(self.inbox)
        self.inbox.clear()
        while True:
            held = content.held
            rest = content.feed(chunk)
            if rest is None and census.is_full(self.client, content.held - held):
                # Whoever comes too much gives way, so that the others come to their end.
                content.drop(replies.NO_ROOM)
            census.octets += content.held - held
            if rest is not None:
                self.inbox += rest
                return
            if content.is_far_too_big:
                raise Farewell(replies.FAR_TOO_BIG)
            late = self.loop.time() - begun
            if late > settings.read and content.received < late * settings.data_rate:
                raise Farewell(replies.TOO_SLOW)
            self.due_in(settings.read)
            chunk = await self.receive()

    def _visit(self) -> Visit:
        return Visit(self.client, self.helo, self.protocol, self.is_extended, self.is_encrypted)

    verbs: ClassVar[Mapping[str, Verb]] = {
        "EHLO": Verb(_ehlo, is_junk=True),
        "HELO": Verb(_helo, is_junk=True),
        "LHLO": Verb(_lhlo, is_junk=True),
        "STARTTLS": Verb(_starttls),
        "MAIL": Verb(_mail, line_max=MAIL_LINE_MAX),
        "RCPT": Verb(_rcpt),
        "DATA": Verb(_data),
        "RSET": Verb(_rset, is_junk=True),
        "NOOP": Verb(_noop, is_junk=True),
        # RFC 5321 7.3: the same words for everybody, and no list tells who is on it.
        "VRFY": Verb(_vrfy, is_junk=True),
        "EXPN": Verb(_not_offered),
        "HELP": Verb(_not_offered),
        "AUTH": Verb(_not_offered),
        "QUIT": Verb(_quit),
    }
