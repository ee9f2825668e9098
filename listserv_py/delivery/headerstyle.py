"""The header of a copy: the author's fields, less what never travels, and the list's, as SET chose.

All but SHORThdr leave the author's fields where they are, byte for byte; ours go in behind the
trace fields on top, so that whatever he signed still stands in its order and his DKIM-Signature
verifies (RFC 6376 5.4.2).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime

from listserv_py.delivery.asciiheader import in_ascii
from listserv_py.delivery.subjecttag import tagged
from listserv_py.delivery.xtags import moved
from listserv_py.lists.options import HeaderStyle
from listserv_py.lists.values import XTags
from listserv_py.mail.compose import TO_READER
from listserv_py.mail.fields import Field, field
from listserv_py.mail.listheaders import ListFacts, list_fields, own_id_of
from listserv_py.mail.splice import Fields, behind_trace, cut, new_field, put_in

# What a strange mail brings that would act for the list, or ask a thousand readers for receipts.
_NEVER = frozenset(
    (
        "return-path",
        "delivered-to",
        "sender",
        "precedence",
        "errors-to",
        "return-receipt-to",
        "disposition-notification-to",
        "disposition-notification-options",
        "return-receipt-requested",
        "read-receipt-to",
        "generate-delivery-report",
        "x-confirm-reading-to",
        "x-pmrqc",
        "bcc",
        "resent-bcc",
        "approved",
        "approved-by",
        "approve",
        "x-approved",
        "x-approved-by",
        "x-approve",
    )
)
# RFC 5322 3.6: at most one of each; the last one is what a signature covers first.
_ONCE = frozenset(
    ("date", "from", "reply-to", "to", "cc", "subject", "message-id", "in-reply-to", "references")
)
_SHORT = frozenset(
    ("received", "to", "from", "date", "subject", "reply-to", "message-id", "mime-version")
)
_SHORT_STYLES = frozenset((HeaderStyle.SHORT, HeaderStyle.SHORT822))
_PERSONAL = frozenset((HeaderStyle.FULL822, HeaderStyle.SHORT822))
_SIGNER = re.compile(rb"(?:^|;)[ \t]*d[ \t]*=[ \t]*([^; \t]+)", re.IGNORECASE)
_AUTHSERV = re.compile(rb"(?:[ \t]|\((?:[^()\\]|\\.)*\))*\"?([^;\" \t(]+)")
_BLANKS_BEFORE_COLON = re.compile(rb"^([!-9;-~]+)[ \t]+:")
_SIGNATURES = frozenset(("dkim-signature", "arc-seal", "arc-message-signature"))


def styled(fields: Sequence[Field], raw: bytes, facts: ListFacts, style: HeaderStyle) -> Fields:
    """The fields of a copy; `raw`, the post as it came, names it when the author did not."""
    kept = _once(cut(map(_sendable, fields), lambda one: _never_travels(one, facts)))
    if facts.new_message_id:
        kept = cut(kept, lambda one: one.name == "message-id")
    kept = (*kept, *_missing(kept, raw, facts))
    if style is not HeaderStyle.IETF:
        kept = moved(kept, XTags(facts.x_tags), facts.list_address)
    if style in _SHORT_STYLES:
        kept = cut(kept, lambda one: not _is_short(one))
    has_tag = style is HeaderStyle.SUBJECT or (style is HeaderStyle.IETF and facts.tag_ietf)
    if has_tag and facts.subject_tag:
        kept = tagged(kept, facts.subject_tag, facts.sequence)
    ours = [new_field(name, value) for name, value in list_fields(facts)]
    if style is not HeaderStyle.IETF:
        kept, reply_to = _replies(kept, facts)
        ours += reply_to
        if facts.approved_by and facts.approved_by.isascii():
            ours.insert(0, new_field("Approved-By", facts.approved_by))
    if style in _PERSONAL:
        kept = cut(kept, lambda one: one.name == "to")
        ours.append(new_field("To", TO_READER))
    return put_in(kept, behind_trace(kept), ours)


def _sendable(one: Field) -> Field:
    """The field as any reader takes it for one; nearly always just as it is.

    Many readers take a line with a blank before its colon for the text, and an octet that is
    neither ASCII nor UTF-8 may stand in no header (RFC 6532 3.2).
    """
    if one.raw[one.raw.index(b":") - 1] in b" \t":
        one = field(_BLANKS_BEFORE_COLON.sub(rb"\1:", one.raw)) or one
    try:
        one.raw.decode("utf-8")
    except UnicodeDecodeError:
        return in_ascii(one)
    return one


def _never_travels(one: Field, facts: ListFacts) -> bool:
    """Whether a field of the incoming mail never reaches a copy."""
    if one.name in _NEVER or one.name.startswith("list-") or "password" in one.name:
        return True
    if one.name == "authentication-results":
        found = _AUTHSERV.match(one.value)
        ours = {facts.domain.lower(), *facts.authserv_ids.lower().split()}
        return found is None or found[1].decode("utf-8", "replace").lower() in ours
    if one.name in _SIGNATURES:
        signer = _SIGNER.search(one.value)
        return signer is not None and signer[1].lower() == facts.domain.lower().encode()
    if one.name == "x-loop":
        return facts.list_address.lower().encode() in one.value.lower()
    return False


def _once(fields: Fields) -> Fields:
    """Of a field that may stand once only, the last."""
    kept: list[Field] = []
    seen: set[str] = set()
    for one in reversed(fields):
        if one.name in _ONCE and one.name in seen:
            continue
        seen.add(one.name)
        kept.append(one)
    return tuple(reversed(kept))


def _missing(fields: Collection[Field], raw: bytes, facts: ListFacts) -> Fields:
    """The Date and Message-ID that every mail must have; the same whenever it is rendered."""
    names = {one.name for one in fields}
    made: list[Field] = []
    if "date" not in names:
        moment = datetime.fromtimestamp(facts.stamp, UTC)
        made.append(new_field("Date", format_datetime(moment)))
    if "message-id" not in names:
        own_id = facts.own_id or own_id_of(raw, facts.stamp)
        made.append(new_field("Message-ID", f"<{own_id}@{facts.domain}>"))
    return tuple(made)


def _is_short(one: Field) -> bool:
    return one.name in _SHORT or one.name.startswith("content-")


def _replies(fields: Fields, facts: ListFacts) -> tuple[Fields, list[Field]]:
    """The list's Reply-To; the author's goes unless the list respects it."""
    has_one = any(one.name == "reply-to" for one in fields)
    if has_one and facts.reply_respect:
        return fields, []
    if not facts.reply_to.isascii():  # such an address cannot stand in a header that all can read
        return fields, []
    ours = [new_field("Reply-To", facts.reply_to)] if facts.reply_to else []
    return cut(fields, lambda one: one.name == "reply-to"), ours
