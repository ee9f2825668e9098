"""The mail of a DISTRIBUTE: what stands in its dataset, as a mail that can go out.

Its author writes it whole, header and MIME parts as well. What it lacks is put in (Date,
Message-ID, labels for letters beyond ASCII); what only a mailer may say is taken out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from email.utils import format_datetime

from listserv_py.commands.errors import BadJobMail
from listserv_py.mail.message import Message, read
from listserv_py.mail.splice import joined, new_field

_TAKEN_OUT = frozenset(
    (
        "return-path",
        "received",
        "bcc",
        "resent-bcc",
        "dkim-signature",
        "arc-seal",
        "arc-message-signature",
        "arc-authentication-results",
        "authentication-results",
    )
)
_HEAD = re.compile(r"[!-9;-~]+[ \t]*:")


def made_of(lines: Sequence[str], now: datetime, message_id: str) -> Message:
    """The mail; BadJobMail says what is wrong with it."""
    text = "\r\n".join(line.rstrip("\r") for line in lines).strip("\r\n")
    if not _HEAD.match(text):
        raise BadJobMail("it does not begin with a header, such as From: and Subject:")
    message = _checked(read(text.encode("utf-8", "replace") + b"\r\n"))
    fields = [one for one in message.fields if one.name not in _TAKEN_OUT]
    names = {one.name for one in fields}
    if "date" not in names:
        fields.append(new_field("Date", format_datetime(now)))
    if message.message_id is None:
        fields = [one for one in fields if one.name != "message-id"]
        fields.append(new_field("Message-ID", message_id))
    if not message.body.isascii() and "content-type" not in names:
        fields = [one for one in fields if one.name != "content-transfer-encoding"]
        fields.append(new_field("Content-Type", "text/plain; charset=utf-8"))
        fields.append(new_field("Content-Transfer-Encoding", "8bit"))
    if "mime-version" not in names:
        fields.append(new_field("MIME-Version", "1.0"))
    return read(joined(fields) + b"\r\n" + message.body)


def _checked(message: Message) -> Message:
    if message.fault:
        raise BadJobMail(message.fault)
    if message.author is None:
        raise BadJobMail("it has not one From: with one address")
    twice = ("date", "to", "cc", "subject", "reply-to", "message-id", "content-type")
    for name in twice:
        if len(message.all(name)) > 1:
            raise BadJobMail(f"it has {name.title()}: twice")
    for part in message.root.walk():
        is_read = part.encoding in ("7bit", "8bit", "binary") and not part.is_multipart
        if is_read and part.charset not in ("", "utf-8") and not part.content.isascii():
            raise BadJobMail(f"a text has letters beyond ASCII and says {part.charset}, not utf-8")
    return message
