"""What a signed mail must be like to prove its author to us: named rules, all of which must hold.

Every post of a list carries its author's signature to strangers, who may send it to us again. So a
signature proves only what was signed for us, now: nothing may be added, moved or used elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

from listserv_py.authn.signature import Signature
from listserv_py.errors import BadAddress
from listserv_py.mail.letter import Letter
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.mail.message import Message

DATED_WITHIN = timedelta(days=2)
DATE_MAX = 100

_NEEDED = ("from", "to", "date", "message-id")
_GUARDED = ("cc", "subject")
ALGORITHMS = frozenset({"rsa-sha256", "ed25519-sha256"})
# What is left open runs to the end, so that no text is looked at twice.
_ASIDE = re.compile(r'"(?:[^"\\]|\\.)*(?:"|\\?\Z)|\([^)]*(?:\)|\Z)', re.DOTALL)

MailRule = Callable[[Letter], bool]
SignatureRule = Callable[[Letter, Signature, str], bool]


def has_one_author(letter: Letter) -> bool:
    """Exactly one From field, with exactly one mailbox that all readers take alike."""
    return letter.message.author is not None


def has_its_fields_once(letter: Letter) -> bool:
    """From, To, Date and Message-ID stand once; Cc, Subject and Content-* at most once."""
    message = letter.message
    counts = {name: len(message.all(name)) for name in (*_NEEDED, *guarded(message))}
    strict = all(one.is_strict for name in counts for one in message.all(name))
    return strict and all(counts[name] == 1 for name in counts)


def has_a_message_id(letter: Letter) -> bool:
    """By its Message-ID a mail is known again, so it must be one that cannot be written twice."""
    return letter.message.message_id is not None


def is_addressed_to_us(letter: Letter) -> bool:
    """The address that the mail came to stands in its To or Cc: nobody else was meant."""
    fields = (*letter.message.all("to"), *letter.message.all("cc"))
    return any(letter.rcpt in _mailboxes(one.value.decode("utf-8", "replace")) for one in fields)


def is_dated_now(letter: Letter) -> bool:
    """Its Date is within two days of its receipt."""
    field = letter.message.all("date")[:1]
    dated = _date(field[0].value) if field else None
    return dated is not None and abs(dated - letter.received_at) <= DATED_WITHIN


def is_not_ours(letter: Letter, signature: Signature, own_domain: str) -> bool:
    """We sign every post whoever wrote it: our own domain's signature proves nobody."""
    del letter
    return signature.domain != own_domain.lower()


def is_aligned(letter: Letter, signature: Signature, own_domain: str) -> bool:
    """`d=` is the From's domain or one above it, but no top-level domain."""
    del own_domain
    author = letter.message.author
    return author is not None and is_above(signature.domain, author.mailbox.domain)


def is_strong(letter: Letter, signature: Signature, own_domain: str) -> bool:
    """Of an algorithm that still counts: rsa-sha1 does not (RFC 8301 3.1)."""
    del letter, own_domain
    return signature.algorithm in ALGORITHMS


def covers_the_whole_body(letter: Letter, signature: Signature, own_domain: str) -> bool:
    """No `l=`, behind which anybody may add commands (RFC 6376 8.2)."""
    del letter, own_domain
    return not signature.is_partial


def covers_its_fields(letter: Letter, signature: Signature, own_domain: str) -> bool:
    """Every field that matters is in `h=`."""
    del own_domain
    return signature.covered.issuperset((*_NEEDED, *guarded(letter.message)))


MAIL_RULES: tuple[MailRule, ...] = (
    has_one_author,
    has_its_fields_once,
    has_a_message_id,
    is_addressed_to_us,
    is_dated_now,
)

SIGNATURE_RULES: tuple[SignatureRule, ...] = (
    is_not_ours,
    is_aligned,
    is_strong,
    covers_the_whole_body,
    covers_its_fields,
)


def broken_by_mail(letter: Letter) -> str | None:
    """The name of the first rule that the mail breaks, whoever has signed it."""
    return next((rule.__name__ for rule in MAIL_RULES if not rule(letter)), None)


def broken_by_signature(letter: Letter, signature: Signature, own_domain: str) -> str | None:
    """The name of the first rule that one of its signatures breaks."""
    rules = (one for one in SIGNATURE_RULES if not one(letter, signature, own_domain))
    return next((rule.__name__ for rule in rules), None)


def guarded(message: Message) -> frozenset[str]:
    """The names of the fields that may be missing but, where present, must be covered."""
    return frozenset(
        one.name for one in message.fields if one.name in _GUARDED or one.name[:8] == "content-"
    )


def is_above(domain: str, other: str) -> bool:
    """Whether a domain is the other, or one above it that is no top-level domain."""
    return "." in domain and (other == domain or other.endswith(f".{domain}"))


def _mailboxes(value: str) -> frozenset[Mailbox]:
    """The addresses of a To or Cc field; what is odd is passed over."""
    pieces = re.split(r"[,;:]", _ASIDE.sub(" ", value))
    return frozenset(found for piece in pieces if (found := _mailbox(piece)))


def _mailbox(piece: str) -> Mailbox | None:
    name, angle, rest = piece.partition("<")
    inner, closed, tail = rest.partition(">")
    if angle and (not closed or tail.strip()):
        return None
    try:
        return parse_mailbox((inner if angle else name).strip())
    except BadAddress:
        return None


def _date(value: bytes) -> datetime | None:
    try:
        found = parsedate_to_datetime(value[: DATE_MAX + 1].decode("ascii"))
        # "-0000" is UTC by somebody who does not tell his zone (RFC 5322 3.3).
        found = found if found.tzinfo else found.replace(tzinfo=UTC)
        return found.astimezone(UTC) if len(value) <= DATE_MAX else None
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
