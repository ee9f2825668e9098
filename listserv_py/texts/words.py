"""The forms as one list has them: its own, those of its language, the site's, the default.

An owner's form that cannot be filled in, or that lost what it must say, is passed over for the next
one, with a line in the log: whatever an owner writes, the mail goes out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache

from listserv_py.maillog import get_logger
from listserv_py.texts.fill import Filled, Form, fill
from listserv_py.texts.forms import Forms, read_forms
from listserv_py.texts.slots import BrokenForm, Slots, no_keyword

log = get_logger("texts")

FIXED = frozenset(
    {
        "HEADER_CHANGED",
        "OWNERS_CHANGED",
        "CONFIRM_TOO_MANY",
        "GET_HEADER",
        "GET_TEMPLATE",
        "GET_DEFAULT",
        "PUT_CHANGES",
        "PUT_TEMPLATE_CHANGES",
        "TEMPLATE_CHANGED",
    }
)
"""Forms that warn people, or go back to the server: nobody can word them anew."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "CONFIRM1": ("CODE", "LINES"),
    "CHANGE_CONFIRM": ("CODE", "NEW"),
    "POST_CONFIRM": ("CODE",),
    "APPROVAL": ("CODE",),
    "AUTODEL1": ("CODE", "EVIDENCE"),
}
"""What must stand in a mail whatever form it has, or nobody could answer it."""

ALIASES: Mapping[str, str] = {"COOKIE": "CODE", "COMMAND": "LINES", "WHOM": "ADDRESS"}
"""LISTSERV's names for slots that are called otherwise here."""


CALLED: Mapping[str, str] = {
    "BAD_ATTACHMENT1": "POST_ATTACHED",
    "HELD1": "LIST_HELD",
    "LSVACK": "POST_ACK",
    "SIGNOFF2": "NOT_SUBSCRIBED",
    "SUBSCRIBE1": "SUBSCRIBE2",
}
"""LISTSERV's names for forms that are called otherwise here; owners' templates may have either."""

ROW_MAX = 500
_TAKEN_IN = re.compile(r"^\.IM[ \t]+(\S+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Around:
    """What any form of an owner may use besides the slots of what happened."""

    values: Mapping[str, str]
    keyword: Callable[[str], str] = no_keyword
    day: int = 0


def nothing_around() -> Around:
    """Where there is nothing to say of a list."""
    return Around({})


@dataclass(frozen=True, slots=True)
class Words:
    """The words for the mails and answers about one list, or about none.

    `home` is the site's language, for whoever says no `language`; what the site words itself is
    nearer than that.
    """

    forms: Forms
    own: str = ""
    language: str = ""
    around: Callable[[], Around] = nothing_around
    home: str = ""

    def fill(self, name: str, slots: Mapping[str, str]) -> Filled:
        """The form with its slots filled."""
        for form in self._wordings(name):
            try:
                return self._filled(form, slots)
            except BrokenForm as exc:
                log.warning("form.broken", form=name, why=str(exc))
        default = self.forms.by_name.get(name)
        if default is not None and self._takes_in_own(default):
            try:
                return self._filled(default, slots)
            except BrokenForm as exc:
                log.warning("form.broken", form=name, why=str(exc))
        return self.forms.fill(name, slots)

    def row(self, name: str, slots: Mapping[str, str]) -> str:
        """The form as one row of a table, however many lines an owner wrote."""
        return " ".join(self.fill(name, slots).body.split())[:ROW_MAX]

    def has_own(self, name: str) -> bool:
        """Whether the list or the site has written a form of this name."""
        return name in read_own(self.own) or name in self.forms.site

    def html(self, name: str) -> str:
        """A form whose slots stand in HTML, "" where nobody wrote one."""
        return self._banner(name, html=True)

    def text(self, name: str) -> str:
        """A form that mails take in, "" where nobody wrote one."""
        return self._banner(name, html=False)

    def raw(self, name: str) -> str:
        """A form as it stands, for those that are no words: CONTENT_FILTER."""
        form = next(self._wordings(name), None)
        return form.body if form else ""

    def _banner(self, name: str, *, html: bool) -> str:
        for form in self._wordings(name):
            try:
                return fill(form, self._slots({}, html=html), self._find).body
            except BrokenForm as exc:
                log.warning("form.broken", form=name, why=str(exc))
        return ""

    def _filled(self, form: Form, slots: Mapping[str, str]) -> Filled:
        if form.is_ours and not self._takes_in_own(form):
            return fill(form, Slots(slots, strict=True), self._find)
        filled = fill(form, self._slots(slots), self._find)
        for needed in NEEDED.get(form.name, ()):
            value = slots.get(needed, "")
            if filled.silent or value not in filled.body:
                raise BrokenForm(f"it does not show &{needed}")
            if needed == "CODE" and value not in filled.subject:
                raise BrokenForm("its subject does not show &CODE, so that no reply would work")
        return _ending_in_code(form.name, filled, slots)

    def _takes_in_own(self, form: Form) -> bool:
        """Whether a form of ours takes in one that somebody wrote, with slots of any name."""
        return form.is_ours and any(self.has_own(one) for one in _taken_in(form.body))

    def _slots(self, slots: Mapping[str, str], *, html: bool = False) -> Slots:
        around = self.around()
        renamed = {name: slots[old] for name, old in ALIASES.items() if old in slots}
        values = {**around.values, **renamed, **slots}
        return Slots(values, around.keyword, around.day, html=html)

    def _wordings(self, name: str) -> Iterator[Form]:
        """The forms of that name before the default, the nearest first."""
        own = read_own(self.own) if self.own else {}
        said, home = self.forms.in_language(self.language), self.forms.in_language(self.home)
        for forms in (own, said, self.forms.site, {} if self.language else home):
            if name in forms and (forms[name].is_ours or name not in FIXED):
                yield forms[name]

    def _find(self, name: str) -> Form | None:
        return next(self._wordings(name), None) or self.forms.by_name.get(name)


@lru_cache(maxsize=1000)
def _taken_in(body: str) -> tuple[str, ...]:
    """The names of the forms that one of ours takes in."""
    return tuple(_TAKEN_IN.findall(body))


def _ending_in_code(name: str, filled: Filled, slots: Mapping[str, str]) -> Filled:
    """A request's subject ends in its code: a reply is read by the last one in parentheses."""
    end = f"({slots.get('CODE', '')})"
    if "CODE" not in NEEDED.get(name, ()) or filled.subject.endswith(end):
        return filled
    return replace(filled, subject=f"{filled.subject} {end}")


@lru_cache(maxsize=200)
def read_own(text: str) -> Mapping[str, Form]:
    """The forms of a template that people wrote, by name; the last of one name counts."""
    forms = read_forms(text, is_ours=False)
    return {CALLED.get(form.name, form.name): form for form in forms}
