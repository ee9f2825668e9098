"""SMTP on an open connection, one command at a time, for hosts that offer no PIPELINING.

To its lane it looks like `pipeline.Pipeline`. aiosmtplib sends and reads; each reply is looked at
here, because its `sendmail` returns normally though recipients were refused.
"""

import asyncio
import contextlib

import aiosmtplib

from listserv_py.delivery.client import Session, Timeouts
from listserv_py.delivery.copies import Copy
from listserv_py.delivery.form import wire_of
from listserv_py.delivery.pipeline import Feed, Transaction
from listserv_py.delivery.replies import Reply, Stage, is_too_many, own, read_reply


class Plain:
    """One connection; `closed` is set once it is gone and its copies were given back."""

    def __init__(self, session: Session, feed: Feed, timeouts: Timeouts) -> None:
        self._smtp, self._caps = session.smtp, session.caps
        self._feed, self._timeouts = feed, timeouts
        self._woken = asyncio.Event()
        self._leaving = False
        self._ahead: list[Copy] = []
        self._behind: list[Copy] = []
        loop = asyncio.get_running_loop()
        self.closed: asyncio.Future[None] = loop.create_future()
        self._task = loop.create_task(self._run())

    @property
    def is_idle(self) -> bool:
        """Whether it waits for work."""
        return not self._ahead and not self._behind and not self._leaving

    @property
    def is_leaving(self) -> bool:
        """Whether it begins nothing more."""
        return self._leaving

    def kick(self) -> None:
        """There may be work."""
        self._woken.set()

    def leave(self) -> None:
        """Finish the transaction in hand, then say QUIT."""
        self._leaving = True
        self._woken.set()

    def abort(self) -> None:
        """Cut the connection; what is past its dot is tried again one day."""
        self._task.cancel()

    async def _run(self) -> None:
        why = own("4.4.2", "the connection was cut")
        try:
            await self._work()
            with contextlib.suppress(aiosmtplib.SMTPException, OSError, TimeoutError):
                await self._smtp.execute_command(b"QUIT", timeout=self._timeouts.idle)
        except (aiosmtplib.SMTPException, OSError, TimeoutError) as exc:
            why = own("4.4.2", str(exc) or "no reply in time")
        finally:
            self._smtp.close()
            self._leaving = True
            ahead, behind, self._ahead, self._behind = self._ahead, self._behind, [], []
            self._feed.broken(why, ahead, behind)
            self.closed.set_result(None)

    async def _work(self) -> None:
        while not self._leaving:
            self._woken.clear()
            found = self._feed.take(self._caps)
            if found is not None:
                if not await self._transact(found):
                    return
                continue
            try:
                await asyncio.wait_for(self._woken.wait(), self._timeouts.idle)
            except TimeoutError:
                return

    async def _transact(self, transaction: Transaction) -> bool:
        """One mail; False: the host rests, so the connection ends."""
        form, copies = transaction
        self._ahead = list(copies)
        utf8 = any(copy.needs_utf8 for copy in copies)
        sender = b"FROM:<" + copies[0].sender + b">" + form.arguments(self._caps, utf8)
        reply = await self._say(b"MAIL", sender)
        if not reply.is_good:
            return await self._over(Stage.MAIL, reply)
        if not await self._name(copies):
            return False
        if not self._ahead:
            await self._say(b"RSET")
            return True
        reply = await self._say(b"DATA", timeout=self._timeouts.data)
        if reply.code != 354:
            return await self._over(Stage.DATA, reply)
        self._behind, self._ahead = self._ahead, []
        reply = await self._send(wire_of(form, copies[0].personal, copies[0].letter.signers))
        behind, self._behind = self._behind, []
        return self._feed.answered(Stage.DOT, reply, behind)

    async def _name(self, copies: list[Copy]) -> bool:
        """RCPT for each; who is refused is no longer `ahead`."""
        accepted = False
        for copy in copies:
            reply = await self._say(b"RCPT", b"TO:<" + copy.path + b">")
            if reply.is_good:
                accepted = True
                continue
            self._ahead.remove(copy)
            if accepted and is_too_many(reply):
                self._feed.too_many([copy])
            elif not self._feed.answered(Stage.RCPT, reply, [copy]):
                return False
        return True

    async def _over(self, stage: Stage, reply: Reply) -> bool:
        copies, self._ahead = self._ahead, []
        if not self._feed.answered(stage, reply, copies):
            return False
        await self._say(b"RSET")
        return True

    async def _send(self, wire: bytes) -> Reply:
        """The mail and the reply to its dot; the wire form is ready, nothing is done to it."""
        protocol = self._smtp.protocol
        if protocol is None:
            raise aiosmtplib.SMTPServerDisconnected("the connection was lost")
        protocol.write(wire)
        found = await protocol.read_response(timeout=self._timeouts.final)
        return read_reply(found.code, found.message)

    async def _say(self, *words: bytes, timeout: float | None = None) -> Reply:  # noqa: ASYNC109 - handed on to aiosmtplib
        found = await self._smtp.execute_command(*words, timeout=timeout or self._timeouts.command)
        return read_reply(found.code, found.message)
