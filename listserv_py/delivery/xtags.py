"""`X-Tags=`: what becomes of the other people in To and Cc, so that answers go to the list alone.

The author's value moves whole, byte for byte, into the field of another name.
"""

from __future__ import annotations

import re

from listserv_py.lists.values import XTags
from listserv_py.mail.fields import Field, field
from listserv_py.mail.splice import Fields, new_field

_WORD = re.compile(rb"[^\s<>,;:\"()]+")
_NAMES = {
    XTags.YES: {"to": b"X-To:", "cc": b"X-cc:"},
    XTags.COMMENT: {"to": b"Comments: To:", "cc": b"Comments: cc:"},
}


def moved(fields: Fields, rule: XTags, list_address: str) -> Fields:
    """The fields with the list alone in To; a To that names only the list stays as it is."""
    if rule is XTags.KEEP:
        return fields
    kept: list[Field] = []
    to_list = new_field("To", list_address)
    for one in fields:
        if one.name not in ("to", "cc"):
            kept.append(one)
            continue
        alone = _names_only(one, list_address)
        if one.name == "to":
            kept.append(one if alone else to_list)
        if not alone and rule in _NAMES:
            kept.append(_renamed(one, _NAMES[rule][one.name]))
    if not any(one.name == "to" for one in kept):
        kept.append(to_list)
    return tuple(kept)


def _names_only(one: Field, list_address: str) -> bool:
    found = {word.lower() for word in _WORD.findall(one.value) if b"@" in word[1:-1]}
    return found == {list_address.lower().encode()}


def _renamed(one: Field, name: bytes) -> Field:
    return field(name + one.raw[one.raw.index(b":") + 1 :]) or one
