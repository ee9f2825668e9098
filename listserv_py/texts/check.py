"""What is wrong with a template that somebody wants to store, and what will have no effect."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass

from listserv_py.texts.fill import Form, fill
from listserv_py.texts.forms import Forms, read_forms
from listserv_py.texts.language import FORM_NAME, Fault, faults, without_effect
from listserv_py.texts.slots import BrokenForm, Slots
from listserv_py.texts.words import ALIASES, CALLED, FIXED, NEEDED

SIZE_MAX = 64 * 1024
BANNERS = ("TOP_BANNER", "BOTTOM_BANNER", "TOP_BANNER_HTML", "BOTTOM_BANNER_HTML")
FILTER = "CONTENT_FILTER"

_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Report:
    """The faults, for which nothing is stored, and the remarks; both in the order of lines."""

    faults: tuple[Fault, ...]
    remarks: tuple[Fault, ...]


def check(
    text: str, forms: Forms, slots: Collection[str], rules: Callable[[str], Iterator[Fault]]
) -> Report:
    """Look a template through; `slots` are known everywhere, `rules` reads CONTENT_FILTER."""
    own = read_forms(text, is_ours=False)
    found = [*_of_file(text, own)]
    remarks: list[Fault] = []
    by_name = {form.name: form for form in own}
    known = {**forms.by_name, **by_name}
    for form in own:
        if form.name == FILTER:
            found += _at(form, rules(form.body))
            continue
        wrong = [*_at(form, faults(form.body))]
        found += wrong or _of_form(form, known, forms)
        remarks += _at(form, without_effect(form.body))
        remarks += _remarks(form, forms, slots)
    return Report(tuple(sorted(found, key=_line)), tuple(sorted(remarks, key=_line)))


def check_text(text: str) -> Report:
    """Look through a text that is no template."""
    return Report(tuple(_of_text(text)), ())


def _of_text(text: str) -> Iterator[Fault]:
    if len(text.encode("utf-8", "replace")) > SIZE_MAX:
        yield Fault(1, f"it has more than {SIZE_MAX // 1024} kB")
    for number, line in enumerate(text.split("\n"), 1):
        if _CONTROL.search(line):
            yield Fault(number, "control characters")


def _line(fault: Fault) -> int:
    return fault.line


def _at(form: Form, found: Iterator[Fault]) -> Iterator[Fault]:
    """Faults of a form's body, with their lines in the file."""
    return (Fault(one.line + form.line - 1, one.text) for one in found)


def _of_file(text: str, own: tuple[Form, ...]) -> Iterator[Fault]:
    yield from _of_text(text)
    if text.strip() and not own:
        yield Fault(1, "there is no form: one begins with >>> NAME and its subject")
    names: set[str] = set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.startswith(">>>") or line.startswith(">>>>"):
            continue
        name = line[4:].split(" ", 1)[0]
        if not line.startswith(">>> ") or not FORM_NAME.fullmatch(name):
            yield Fault(number, "a form begins with >>>, one blank and a name in capitals")
        elif name in names:
            yield Fault(number, f"{name} stands in two places")
        elif name in FIXED:
            yield Fault(number, f"{name} cannot be worded anew")
        names.add(name)


def _of_form(form: Form, known: Mapping[str, Form], forms: Forms) -> Iterator[Fault]:
    """What only filling it in shows: circles, missing forms, a code that is not shown."""
    default = _default(form, forms)
    names = default.slots if default else frozenset[str]()
    values = {name: f"<{name}>" for name in names}
    values |= {alias: values[name] for alias, name in ALIASES.items() if name in values}
    try:
        filled = fill(form, Slots(values), known.get)
    except BrokenForm as exc:
        yield Fault(form.line - 1, f"{form.name}: {exc}")
        return
    for needed in NEEDED.get(form.name, ()):
        if f"<{needed}>" not in filled.body:
            yield Fault(form.line - 1, f"{form.name} has to show &{needed}")
        elif needed == "CODE" and f"<{needed}>" not in filled.subject:
            yield Fault(form.line - 1, f"{form.name} has to show &{needed} in its subject")


def _default(form: Form, forms: Forms) -> Form | None:
    """Ours of that name, or of the name that LISTSERV has for it."""
    return forms.by_name.get(CALLED.get(form.name, form.name))


def _remarks(form: Form, forms: Forms, slots: Collection[str]) -> Iterator[Fault]:
    default = _default(form, forms)
    if default is None and form.name not in BANNERS:
        yield Fault(form.line - 1, f"{form.name} is used only where .IM takes it in")
        return
    known = {*slots, *(default.slots if default else ())}
    known |= {alias for alias, name in ALIASES.items() if name in known}
    for name in sorted(form.slots - known):
        yield Fault(form.line - 1, f"{form.name}: &{name} stands for nothing and stays as it is")
