"""The tag that SUBJECTHDR readers find in the subject: `[TEST-L]`, or numbered, `[TEST-L 12]`.

It goes before the raw value, so that the author's encoded words stay. A tag is known again at the
front only, among the marks that answers gather there: `Re: [TEST-L] …`, `AW: [OTHER] [test-l] …`.
"""

from __future__ import annotations

import re

from listserv_py.mail.compose import encoded
from listserv_py.mail.fields import Field, field
from listserv_py.mail.splice import Fields, new_field
from listserv_py.mail.words import to_text

_FRONT = re.compile(r"(?:\s*(?:\[[^\]]{0,80}\]|[^\W\d_]{1,10}(?:\[\d{1,3}\])?\s?:))+")


def tagged(fields: Fields, tag: str, number: int) -> Fields:
    """The fields with the tag in their Subject; `number` 0: it has none."""
    mark = f"[{tag} {number}]" if number else f"[{tag}]"
    if not any(one.name == "subject" for one in fields):
        return (*fields, new_field("Subject", mark))
    return tuple(_with_tag(one, tag, mark) if one.name == "subject" else one for one in fields)


def _with_tag(subject: Field, tag: str, mark: str) -> Field:
    """One Subject tagged; a plain tag stays where it stands, an older number makes room."""
    front = _FRONT.match(to_text(subject.value))
    marks = front[0].lower() if front else ""
    if mark.lower() in marks:
        return subject
    colon = subject.raw.index(b":") + 1
    name, value = subject.raw[:colon], subject.raw[colon:]
    if re.search(rf"\[{re.escape(tag.lower())}(?: \d+)?\]", marks):
        older = rb"\[" + re.escape(tag.encode("utf-8")) + rb"(?: \d+)?\][ \t]?"
        value, count = re.subn(older, b"", value, count=1, flags=re.IGNORECASE)
        if not count:  # it stands in an encoded word, which is the author's
            return subject
    return _before(name, mark, value.lstrip(b" \t")) or subject


def _before(name: bytes, mark: str, value: bytes) -> Field | None:
    # The blank between two encoded words is none (RFC 2047 6.2): it must stand in the first.
    word = mark if mark.isascii() else encoded(f"{mark} " if value.startswith(b"=?") else mark)
    first_line = value.split(b"\r\n", 1)[0]
    room = 78 - len(name) - len(word) - 2
    gap = b"" if value.startswith(b"\r\n") else b" " if len(first_line) <= room else b"\r\n "
    return field(name + b" " + word.encode("ascii") + gap + value)
