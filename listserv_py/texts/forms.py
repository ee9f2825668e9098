"""The forms that come with the program, in each of its languages, and those of the site.

A form begins with `>>> NAME subject line` and ends at the next one. A language is a folder with the
same forms as the default, English; a test holds them to the same names and slots.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable

from listserv_py.errors import Broken
from listserv_py.texts.fill import Filled, Form, fill
from listserv_py.texts.slots import Slots

LANGUAGES: Mapping[str, str] = {"GERMAN": "de", "DEUTSCH": "de", "DE": "de"}
"""The folder of each language that `Language=` may name; English is the default's own."""

_ENDING = ".mailtpl"
_HEAD = re.compile(r"^>>> ([A-Z$][A-Z0-9_$]*)(?: (.*))?$")


@dataclass(frozen=True, slots=True)
class Forms:
    """All forms by name; `languages` by their folder, `site` those that the site has of its own."""

    by_name: Mapping[str, Form]
    languages: Mapping[str, Mapping[str, Form]] = field(default_factory=dict)
    site: Mapping[str, Form] = field(default_factory=dict)

    @classmethod
    @cache
    def load(cls) -> Forms:
        """The forms that come with the program; two of one name are a fault."""
        folder = files("listserv_py") / "templates"
        languages = {name: _folder(folder / name) for name in sorted(set(LANGUAGES.values()))}
        return cls(_folder(folder), languages)

    def in_language(self, language: str) -> Mapping[str, Form]:
        """The forms of a language that `Language=` names; none for English and the unknown."""
        return self.languages.get(LANGUAGES.get(language.upper(), ""), {})

    def fill(self, name: str, slots: Mapping[str, str]) -> Filled:
        """The default form with its slots filled; it may leave slots unused, never lack one."""
        form = self.by_name.get(name)
        if form is None:
            raise Broken(f"no form is called {name}")
        return fill(form, Slots(slots, strict=True), self.by_name.get)


def _folder(folder: Traversable) -> Mapping[str, Form]:
    if not folder.is_dir():
        return {}
    texts = sorted((file.name, file) for file in folder.iterdir() if file.name.endswith(_ENDING))
    forms = (form for _, file in texts for form in read_forms(file.read_text(encoding="utf-8")))
    return by_name(forms)


def files_of(folder: str) -> Iterator[tuple[str, str, tuple[Form, ...]]]:
    """Each file of forms in a folder of the program: its name, its first words, its forms."""
    for file in sorted((files("listserv_py") / folder).iterdir(), key=lambda one: one.name):
        if file.name.endswith(_ENDING):
            text = file.read_text(encoding="utf-8")
            yield (
                file.name.removesuffix(_ENDING),
                text.partition(">>>")[0].strip(),
                read_forms(text),
            )


def by_name(forms: Iterable[Form]) -> Mapping[str, Form]:
    """Forms by their names; two of one name are our fault."""
    found: dict[str, Form] = {}
    for form in forms:
        if form.name in found:
            raise Broken(f"form {form.name} stands in two places")
        found[form.name] = form
    return found


def read_forms(text: str, *, is_ours: bool = True) -> tuple[Form, ...]:
    """The forms of one file; what stands above the first is a comment.

    Those of owners are filled into paragraphs, as LISTSERV does.
    """
    forms: list[Form] = []
    name, subject, start, lines = "", "", 0, list[str]()
    for number, line in enumerate([*text.split("\n"), ">>> END"], 1):
        head = _HEAD.match(line.rstrip())
        if head is None:
            lines.append(line.rstrip())
            continue
        if name:
            blank = next((at for at, one in enumerate(lines) if one), 0)
            body = "\n".join(lines).strip("\n")
            forms.append(Form(name, subject, body, start + blank, not is_ours, is_ours))
        name, subject, start, lines = head[1], head[2] or "", number + 1, []
    return tuple(forms)
