"""Forms: reading, filling, and that a stranger's words stay words."""

import re

import pytest

from listserv_py.errors import Broken
from listserv_py.texts.fill import Filled
from listserv_py.texts.forms import Forms, read_forms

TEXT = """A comment.
>>> ADD1 Welcome to &LISTNAME
Hello &NAME;,

you are on &LISTNAME;-list.

>>> SHORT
Only &A.
"""


@pytest.fixture
def forms() -> Forms:
    return Forms({form.name: form for form in read_forms(TEXT)})


def test_form_is_filled(forms: Forms) -> None:
    filled = forms.fill("ADD1", {"LISTNAME": "TEST-L", "NAME": "Joe"})
    assert filled == Filled("Welcome to TEST-L", "Hello Joe,\n\nyou are on TEST-L-list.")


def test_slot_values_are_not_filled_again(forms: Forms) -> None:
    assert forms.fill("SHORT", {"A": "&SECRET;", "SECRET": "x"}).body == "Only &SECRET;."


def test_subject_is_one_line(forms: Forms) -> None:
    subject = forms.fill("ADD1", {"LISTNAME": "X\r\nBcc: y", "NAME": ""}).subject
    assert subject == "Welcome to X Bcc: y"


@pytest.mark.parametrize(("form", "slots"), [("NONE", {}), ("SHORT", {})])
def test_what_is_missing_is_our_fault(forms: Forms, form: str, slots: dict[str, str]) -> None:
    with pytest.raises(Broken):
        forms.fill(form, slots)


def test_all_shipped_forms_load_and_name_their_slots() -> None:
    for form in Forms.load().by_name.values():
        taken_in = re.findall(r"^\.IM (\S+)", form.body, re.MULTILINE)
        slots = form.slots.union(*(Forms.load().by_name[one].slots for one in taken_in))
        filled = Forms.load().fill(form.name, dict.fromkeys(slots, "value"))
        assert filled.body
        assert "&" + form.name not in filled.body


LANGUAGES = sorted(set(Forms.load().languages))


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_the_same_forms_with_the_same_slots(language: str) -> None:
    default = {name: form.slots for name, form in Forms.load().by_name.items()}
    assert {name: form.slots for name, form in Forms.load().languages[language].items()} == default


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_language_has_subjects_where_the_default_has(language: str) -> None:
    for name, form in Forms.load().languages[language].items():
        assert bool(form.subject) == bool(Forms.load().by_name[name].subject), name


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_form_in_any_language_fits_on_a_terminal(language: str) -> None:
    for name, form in Forms.load().languages[language].items():
        for line in form.body.splitlines():
            assert len(line) <= 72, f"{name}: {line}"
            assert not line.startswith("From "), f"{name}: {line}"


def test_a_language_goes_by_its_names() -> None:
    assert Forms.load().in_language("German")
    assert Forms.load().in_language("DE") is Forms.load().in_language("Deutsch")
    assert not Forms.load().in_language("English")
    assert not Forms.load().in_language("Klingon")


def test_no_form_loses_a_semicolon_to_the_slot_before_it() -> None:
    sets = (Forms.load().by_name, *Forms.load().languages.values())
    forms = [form for one in sets for form in one.values()]
    assert not [form.name for form in forms if re.search(r"&\w+;(?=\s|$)", form.body)]
