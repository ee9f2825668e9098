"""Every reply that the door gives, as one table.

Nothing a client sent is ever part of a reply, nor any exception's words: that is why they stand
here as constants. All but 220, 354 and the answer to EHLO carry an enhanced code (RFC 3463, 5248).
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.errors import Refusal


@dataclass(frozen=True, slots=True)
class SmtpReply:
    """One reply line: code, enhanced code, words."""

    code: int
    enhanced: str
    text: str

    def __str__(self) -> str:
        return f"{self.code} {self.enhanced} {self.text}"

    @property
    def is_refusal(self) -> bool:
        """Whether what was asked did not happen."""
        return self.code >= 400

    def refusal(self) -> Refusal:
        """The same, to be raised."""
        return Refusal(self.code, self.enhanced, self.text)


def in_reply(refusal: Refusal) -> SmtpReply:
    """A refusal that another room raised, made harmless should it ever quote somebody."""
    text = "".join(c if " " <= c <= "~" else "?" for c in refusal.text[:400])
    return SmtpReply(refusal.code, refusal.enhanced, text)


def our_fault(token: str) -> SmtpReply:
    """What the sender hears of our own trouble: a token that the log knows (RFC 5321 6.1)."""
    return SmtpReply(451, "4.3.0", f"Our own trouble, not yours; try again later ({token})")


def accepted(token: str) -> SmtpReply:
    """The mail is on disk."""
    return SmtpReply(250, "2.0.0", f"Kept as {token}")


# As it should be.
START_MAIL = "354 End with <CRLF>.<CRLF>"
OK = SmtpReply(250, "2.0.0", "Ok")
SENDER_OK = SmtpReply(250, "2.1.0", "Sender ok")
RECIPIENT_OK = SmtpReply(250, "2.1.5", "Recipient ok")
GOODBYE = SmtpReply(221, "2.0.0", "Goodbye")
NO_VERIFYING = SmtpReply(252, "2.1.5", "Send the mail and see")

# Wrongly said.
NOT_UNDERSTOOD = SmtpReply(500, "5.5.2", "Command not understood")
BAD_LINE = SmtpReply(500, "5.5.2", "A command is one line of text that ends with CR LF")
LINE_TOO_LONG = SmtpReply(500, "5.5.2", "Command line too long")
NOT_LMTP = SmtpReply(500, "5.5.1", "This is LMTP: say LHLO")
NOT_SMTP = SmtpReply(500, "5.5.1", "This is SMTP: say EHLO")
BAD_HELO = SmtpReply(501, "5.5.4", "Give your host name")
BAD_SYNTAX = SmtpReply(501, "5.5.4", "Syntax error in the parameters")
BAD_PATH = SmtpReply(501, "5.1.3", "Not a valid address")
NOT_OFFERED = SmtpReply(502, "5.5.1", "Not offered here")
HELO_FIRST = SmtpReply(503, "5.5.1", "Say EHLO first")
LHLO_FIRST = SmtpReply(503, "5.5.1", "Say LHLO first")
NESTED_MAIL = SmtpReply(503, "5.5.1", "A mail is already begun")
MAIL_FIRST = SmtpReply(503, "5.5.1", "Say MAIL first")
NO_RECIPIENT = SmtpReply(503, "5.5.1", "No recipient was accepted")
TLS_ALREADY = SmtpReply(503, "5.5.1", "TLS is already active")
UNKNOWN_PARAMETER = SmtpReply(555, "5.5.4", "Parameter not recognized or not offered")

# Refused for good.
UNKNOWN_ADDRESS = SmtpReply(550, "5.1.1", "No such address here")
NO_RELAY = SmtpReply(550, "5.7.1", "Not an address of this server; it does not relay")
OWNERS_ONLY = SmtpReply(550, "5.7.1", "Only its owners post to this list")
UTF8_SENDER = SmtpReply(550, "5.6.7", "A non-ASCII sender needs SMTPUTF8")
UTF8_RECIPIENT = SmtpReply(553, "5.6.7", "A non-ASCII recipient needs SMTPUTF8")
TOO_BIG = SmtpReply(552, "5.3.4", "Mail too big for this server")
TOO_BIG_FOR_LIST = SmtpReply(552, "5.3.4", "Mail too big for this list")
TOO_BIG_FOR_ALIAS = SmtpReply(552, "5.3.4", "Mail too big to be forwarded")
TOO_MANY_HOPS = SmtpReply(554, "5.4.6", "Too many Received fields: this mail loops")
BARE_BREAKS = SmtpReply(554, "5.6.0", "Bare CR, bare LF or NUL in the mail")
LONG_LINE = SmtpReply(554, "5.6.0", "A line of the mail is longer than 65536 octets")

# Refused for now.
TOO_MANY_RECIPIENTS = SmtpReply(452, "4.5.3", "Too many recipients in one mail")
NO_ROOM = SmtpReply(452, "4.3.1", "No room at the moment; try again later")
ALIAS_BUSY = SmtpReply(450, "4.2.1", "Too much mail for this person; try again later")
LIST_HELD = SmtpReply(450, "4.2.1", "This list is held; try again later")

# Farewells.
TOO_BUSY = SmtpReply(421, "4.3.2", "Too many connections; try again later")
TOO_MANY_FROM_YOU = SmtpReply(421, "4.7.0", "Too many connections from your host; try again later")
SHUTTING_DOWN = SmtpReply(421, "4.3.2", "Shutting down; try again later")
TOO_SLOW = SmtpReply(421, "4.4.2", "That took too long")
TOO_MUCH_JUNK = SmtpReply(421, "4.7.0", "Too many commands without a mail")
FAR_TOO_BIG = SmtpReply(421, "4.3.4", "Far more than this server ever takes")
