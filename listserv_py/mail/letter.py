"""One mail for one address of ours, parsed, on its way to the room that decides on it."""

from dataclasses import dataclass
from datetime import datetime

from listserv_py.mail.dmarc import Dmarc
from listserv_py.mail.envelope import Protocol, is_own_mta
from listserv_py.mail.mailbox import Mailbox
from listserv_py.mail.message import Message
from listserv_py.mail.proof import Proof


@dataclass(frozen=True, slots=True)
class Letter:
    """What intake hands to a room.

    `confirmed`: its author answered the code for this very mail. `approved_by`: the moderator who
    released it. `client` is the host that spoke to us; `host` the one that handed the mail to our
    own MTA when it came by LMTP (the record of consent wants that one). `proves_once` is by what a
    proof by the author's domain is known again, "" for any other: it serves a single time. `dmarc`
    None: nobody has looked.
    """

    spool_id: int
    reverse_path: Mailbox | None
    rcpt: Mailbox
    client: str
    host: str
    protocol: Protocol
    received_at: datetime
    message: Message
    proof: Proof = Proof.NONE
    proves_once: str = ""
    confirmed: bool = False
    approved_by: Mailbox | None = None
    dmarc: Dmarc | None = None

    @property
    def is_borrowed(self) -> bool:
        """Whether our sending it on would vouch for a name that nothing in it shows to be right.

        Of two names in its From, or none, each reader takes another for its author's.
        """
        return self.message.author is None or (self.dmarc is not None and self.dmarc.is_borrowed)

    @property
    def is_from_own_mta(self) -> bool:
        """Whether a host that we trust handed it over."""
        return is_own_mta(self.protocol, self.client)
