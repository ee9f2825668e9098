"""`Auto-Delete=` and `Errors-To=`: what becomes of those whose mail comes back, and who hears."""

from __future__ import annotations

from listserv_py.errors import BadAddress
from listserv_py.lists.headertext import Fault
from listserv_py.lists.shapes import (
    ADDRESS_ALLOWED,
    Change,
    Items,
    lower,
    modifiers,
    not_allowed,
)
from listserv_py.lists.values import AutoDelete, AutoDeleteMode, ErrorsTo
from listserv_py.mail.mailbox import Mailbox, parse_mailbox

DAYS_MAX = 90
"""What came back is not remembered longer than that."""


_MODES = {one.value.lower(): one for one in AutoDeleteMode if one is not AutoDeleteMode.NO}
_WORDS = (*(one.value for one in _MODES.values()), "Delay(n)", "Max(n)", "Probe(n)")


def auto_delete(items: Items, faults: list[Fault]) -> Change:
    """No, or Yes, a mode, and numbers of days and errors."""
    first = modifiers(items[:1], ("No", "Yes"), faults)
    said = modifiers(items[1:], _WORDS, faults)
    modes = [_MODES[word] for word in said if word in _MODES]
    if len(modes) > 1:
        faults.append(Fault(items[0].line, "two modes together", "one of them"))
    for word, least, most in (("delay", 0, DAYS_MAX), ("max", 1, 9999), ("probe", 0, 365)):
        if not least <= said.get(word, least) <= most:
            faults.append(Fault(items[0].line, f"{word}({said[word]})", f"{least} to {most}"))
    if "no" in first:
        return {"auto_delete": AutoDelete(AutoDeleteMode.NO)}
    mode = modes[0] if modes else AutoDeleteMode.SEMI
    value = AutoDelete(mode, said.get("delay", 4), said.get("max", 100), said.get("probe", 0))
    return {"auto_delete": value}


def errors_to(items: Items, faults: list[Fault]) -> Change:
    """Owners, Postmaster, and addresses."""
    words = {lower(item) for item in items}
    people: list[Mailbox] = []
    for item in items:
        if lower(item) in {"owner", "owners", "postmaster"}:
            continue
        try:
            people.append(parse_mailbox(item.text))
        except BadAddress:
            faults.append(not_allowed(item, f"Owners, Postmaster, or {ADDRESS_ALLOWED}"))
    owners = bool(words & {"owner", "owners"})
    return {"errors_to": ErrorsTo(owners, "postmaster" in words, tuple(people))}
