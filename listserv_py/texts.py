"""The words that people read: reads `templates/*.mailtpl` and fills the forms in.

A form begins with `>>> NAME subject line` and ends at the next one; `&NAME` (a closing `;` may
follow) stands for a slot. A slot's value is never searched for slots again, so nothing that a
stranger wrote can pull out another value.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from listserv_py.errors import Broken

_HEAD = re.compile(r"^>>> ([A-Z][A-Z0-9_]*)(?: (.*))?$")
_SLOT = re.compile(r"&([A-Z][A-Z0-9_]*);?")


@dataclass(frozen=True, slots=True)
class Form:
    """A text with slots; the body has no blank line at either end and no final newline."""

    name: str
    subject: str
    body: str

    @property
    def slots(self) -> frozenset[str]:
        """The names that the form wants filled."""
        return frozenset(_SLOT.findall(self.subject)) | frozenset(_SLOT.findall(self.body))


@dataclass(frozen=True, slots=True)
class Filled:
    """A form with its slots filled; the subject is one line."""

    subject: str
    body: str


@dataclass(frozen=True, slots=True)
class Forms:
    """All forms by name."""

    by_name: Mapping[str, Form]

    @classmethod
    @cache
    def load(cls) -> Forms:
        """The forms that come with the program; two of one name are a fault."""
        by_name: dict[str, Form] = {}
        folder = files("listserv_py") / "templates"
        for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
            if not file.name.endswith(".mailtpl"):
                continue
            for form in read_forms(file.read_text(encoding="utf-8")):
                if form.name in by_name:
                    raise Broken(f"{file.name}: form {form.name} stands in two places")
                by_name[form.name] = form
        return cls(by_name)

    def fill(self, name: str, slots: Mapping[str, str]) -> Filled:
        """The form with its slots filled; a form may leave slots unused, never lack one."""
        form = self.by_name.get(name)
        if form is None:
            raise Broken(f"no form is called {name}")
        return Filled(
            " ".join(_fill(form, form.subject, slots).split()), _fill(form, form.body, slots)
        )


def read_forms(text: str) -> tuple[Form, ...]:
    """The forms of one file; what stands above the first is a comment."""
    forms: list[Form] = []
    name, subject, lines = "", "", list[str]()
    for line in [*text.split("\n"), ">>> END"]:
        head = _HEAD.match(line)
        if head is None:
            lines.append(line.rstrip())
            continue
        if name:
            forms.append(Form(name, subject, "\n".join(lines).strip("\n")))
        name, subject, lines = head[1], head[2] or "", []
    return tuple(forms)


def _fill(form: Form, text: str, slots: Mapping[str, str]) -> str:
    def value(match: re.Match[str]) -> str:
        if match[1] not in slots:
            raise Broken(f"form {form.name} wants the slot {match[1]}")
        return slots[match[1]]

    return _SLOT.sub(value, text)
