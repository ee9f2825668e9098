"""What the door needs from the house: the daemon supplies it, a test in a few lines.

Its coroutines are run by steps.py, without a task: they await futures, and set no time limits.
"""

from __future__ import annotations

from typing import Protocol

from listserv_py.mail.envelope import Envelope
from listserv_py.mail.mailbox import Mailbox
from listserv_py.smtpd.replies import SmtpReply


class Mailroom(Protocol):
    """Who is let in, and where accepted mail is put."""

    async def accepts(
        self, sender: Mailbox | None, rcpt: Mailbox, size: int | None
    ) -> SmtpReply | None:
        """None: welcome. `sender` None is `<>`; `size` is what the client declared, if it did."""

    async def take(self, envelope: Envelope) -> None:
        """Return once the mail is on stable storage; Refusal says no. Nobody cancels it."""
