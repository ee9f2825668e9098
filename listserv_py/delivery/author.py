"""From in a finished copy: the author's own, or his alias where his domain would have it refused.

RFC 9989: what his domain's signature no longer fits passes for a forgery. So a copy keeps his From
as long as a signature of his holds in this very form of the post, and only that long.
"""

from __future__ import annotations

from collections.abc import Sequence

from listserv_py.mail.fields import Field
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import readdressed
from listserv_py.mail.message import Message
from listserv_py.mail.seals import is_sealed
from listserv_py.mail.splice import Fields, new_field, with_short_lines

_WIDTH = 78


def is_genuine(message: Message, facts: ListFacts, own: Sequence[str]) -> bool:
    """Whether a signature of the author's holds in a copy that is otherwise ready.

    `own`: the fields that each copy has for itself. Not asked where nothing depends on it.
    """
    seals = facts.seals.split() if facts.alias or facts.arc else ()
    return bool(seals) and is_sealed(
        message.fields, message.body, seals, _still_to_come(facts, own)
    )


def with_alias(message: Message, facts: ListFacts) -> Fields:
    """The fields of a copy with the author's alias, if he has one."""
    if not facts.alias:
        return message.fields
    return tuple(
        _aliased(one, facts.alias) if one.name == "from" else one for one in message.fields
    )


def _still_to_come(facts: ListFacts, own: Sequence[str]) -> Fields:
    """Fields that the copy gets on top: who has signed that there are none is broken by them."""
    names = (*own, *(("dkim-signature",) if facts.signed else ()))
    return tuple(new_field(name, "-") for name in names)


def _aliased(one: Field, alias: str) -> Field:
    """From with another address; the author's name as he wrote it."""
    value = one.value.decode("utf-8", "surrogateescape")
    changed = readdressed(value, alias)
    if len(changed) + len("From: ") > _WIDTH:
        front, blank, back = changed.rpartition(" <")
        changed = f"{front}\r\n <{back}" if blank else changed
    raw = b"From: " + changed.encode("utf-8", "surrogateescape") + b"\r\n"
    return with_short_lines(Field(one.name, raw, changed.encode("utf-8", "surrogateescape")))
