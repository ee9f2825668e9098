"""The form language: what each command does, what is refused, and that nothing runs away."""

from collections.abc import Mapping

import pytest
from ceiling import ceiling
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv_py.texts.fill import Filled, Form, fill
from listserv_py.texts.forms import read_forms
from listserv_py.texts.language import faults
from listserv_py.texts.slots import BrokenForm, Slots

VALUES = {
    "LISTNAME": "TEST-L",
    "WHOM": "joe@example.net",
    "N": "12",
    "EMPTY": "",
    "LISTHDR": "* Title\n*\n* Owner= olga@example.org",
    "EVIL": "&SECRET;\n.QQ\n>>> X\nBcc: eve@example.net",
    "SECRET": "secret",
}


def filled(text: str, values: Mapping[str, str] = VALUES) -> Filled:
    forms = {form.name: form for form in read_forms(text, is_ours=False)}
    first = next(iter(forms.values()))
    slots = Slots(values, keyword=lambda name: f"({name.lower()})", day=7)
    return fill(first, slots, forms.get)


CASES = {
    "a slot": ("&LISTNAME", "TEST-L"),
    "a slot and its semicolon": ("&LISTNAME;s", "TEST-Ls"),
    "an unknown slot stays": ("AT&T and R&D;", "AT&T and R&D;"),
    "html is no slot": ("a &amp; b &nbsp;", "a &amp; b &nbsp;"),
    "a keyword": ("&KWD(Send)", "(send)"),
    "a mailbox": ("&MBX(&WHOM)", "joe@example.net"),
    "a rotating number": ("&DAYSEQ(3) &DAYSEQ(0)", "2 &DAYSEQ(0)"),
    "lines are filled": ("one\ntwo\n\nthree", "one two\n\nthree"),
    "indented lines stand": ("one\n  two\nthree", "one\n  two\nthree"),
    "filling is off": (".FO OFF\none\ntwo", "one\ntwo"),
    "and on again": (".fo off\na\nb\n.fo on\nc\nd", "a\nb\nc d"),
    "data is not filled": ("See:\n.DD &LISTHDR\nEnd", f"See:\n{VALUES['LISTHDR']}\nEnd"),
    "lines of a lone slot stand": ("See:\n&LISTHDR;", f"See:\n{VALUES['LISTHDR']}"),
    "centred": (".CE &LISTNAME", " " * 33 + "TEST-L"),
    "comment": ("a\n.* not this\nb", "a b"),
    "equal": (".BB &LISTNAME = test-l\nyes\n.EB", "yes"),
    "not equal": (".BB &LISTNAME ^= TEST-L\nyes\n.ELSE\nno\n.EB", "no"),
    "numbers": (".BB &N > 9\nmany\n.EB\n.BB &N >= 13\nmore\n.EB", "many"),
    "letters": (".BB &LISTNAME < UEST\nbelow\n.EB\n.BB &N <= A\nalso\n.EB", "below also"),
    "anything said": (".BB &EMPTY\nyes\n.ELSE\nno\n.EB", "no"),
    "nested": (".BB &N\n.BB &EMPTY\na\n.ELSE\nb\n.EB\nc\n.ELSE\nd\n.EB", "b c"),
    "imbedded": ("a\n.IM B\nc\n>>> B\nb", "a\nb\nc"),
    "dots are text": ("... and\n.\n.5 percent", "... and . .5 percent"),
    "charset and others are read over": (".CS ISO-8859-1\n.TO eve@example.net\na", "a"),
    "values are not filled again": (".DD &EVIL", VALUES["EVIL"]),
}


@pytest.mark.parametrize("name", CASES)
def test_body(name: str) -> None:
    text, expected = CASES[name]
    assert filled(f">>> A Subject\n{text}").body == expected


def test_long_paragraph_has_lines_for_a_terminal() -> None:
    body = filled(">>> A\n" + "word &LISTNAME\n" * 50).body
    assert max(map(len, body.split("\n"))) <= 72
    assert body.split() == ["word", "TEST-L"] * 50


def test_subject_may_come_late_and_is_one_line() -> None:
    assert filled(">>> A first\n.SJ &LISTNAME: &EVIL").subject == (
        "TEST-L: &SECRET; .QQ >>> X Bcc: eve@example.net"
    )


def test_reply_goes_to_the_owners() -> None:
    assert filled(">>> A\n.RE OWNERS\nx").to_owners


@pytest.mark.parametrize("text", [".QQ", "x\n.QQ", ".QUIF &N > 3\nx", "a\n.IM B\n>>> B\n.QQ"])
def test_no_mail(text: str) -> None:
    assert filled(f">>> A\n{text}").silent


@pytest.mark.parametrize("text", [".QUIF &EMPTY\nx", ".BB &EMPTY\n.QQ\n.EB\nx"])
def test_mail_all_the_same(text: str) -> None:
    assert not filled(f">>> A\n{text}").silent


BROKEN = {
    "itself": ".IM A",
    "each other": ".IM B\n>>> B\n.IM A",
    "nobody": ".IM NONE",
    "an end too many": ".EB",
    "too deep": ".BB &N\n" * 30,
    "doubling": "".join(f".IM F{n}\n.IM F{n}\n>>> F{n}\n" for n in range(40)) + "x",
    "large": "&LISTHDR &LISTHDR\n" * 4999,
    "a large line": "&LISTHDR" * 20_000,
    "a long condition": ".BB " + "&LISTHDR" * 1000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_cannot_be_filled_is_refused_at_once(name: str) -> None:
    with ceiling(), pytest.raises(BrokenForm):
        filled(f">>> A\n{BROKEN[name]}")


FAULTS = {
    ".XX what": [".XX is no command of templates"],
    ".BB": [
        ".BB needs a condition, such as &LISTNAME = TEST-L",
        ".BB without an .EB below it",
    ],
    ".BB &N\n.ELSE\n.ELSE\n.EB": ["a second .ELSE for one .BB"],
    "a\n.EB": [".EB without a .BB above it"],
    ".FO maybe": [".FO is followed by ON or OFF"],
    ".RE eve@example.net": [".RE is followed by OWNERS"],
    ".DD text": [".DD is followed by one slot, such as &LISTHDR"],
    ".IM ../../etc/passwd": [".IM is followed by the name of a form"],
    ".QQ now": [".QQ stands alone on its line"],
    ".BB &N > 1\nx\n.EB\n.* fine": [],
}


@pytest.mark.parametrize("text", FAULTS)
def test_faults_are_named(text: str) -> None:
    assert [one.text for one in faults(text)] == FAULTS[text]


def test_a_fault_names_its_line() -> None:
    assert [one.line for one in faults("a\nb\n.XX")] == [3]


TEXT = st.lists(
    st.sampled_from(
        [".BB &N", ".ELSE", ".EB", ".IM A", ".IM B", ">>> B", ".QQ", ".FO OFF", ".SJ &EVIL", "x &W",
         ".DD &EVIL", "{{7*7}}", "${x}", "%(x)s", "&A;&B;", "\r\nBcc: x", ".QUIF &N ^= 3", ""]
    )
    | st.text(max_size=40),
    max_size=30,
).map("\n".join)  # fmt: skip


@settings(deadline=None)
@given(TEXT, st.dictionaries(st.sampled_from(["N", "EVIL", "W", "A"]), st.text(max_size=50)))
def test_no_template_crashes_and_no_subject_has_two_lines(
    text: str, values: dict[str, str]
) -> None:
    list(faults(text))
    try:
        found = filled(f">>> A &EVIL\n{text}", values)
    except BrokenForm:
        return
    assert "\n" not in found.subject
    assert "\r" not in found.subject


@pytest.mark.parametrize("code", ["{{7*7}}", "${7*7}", "%(LISTNAME)s", "&LISTNAME.__class__"])
def test_no_other_language_is_run(code: str) -> None:
    expected = code.replace("&LISTNAME", "TEST-L")
    assert filled(f">>> A\n{code}").body == expected


def test_our_own_forms_stay_as_they_are_written() -> None:
    form = Form("A", "", "one\ntwo &LISTNAME;.")
    assert fill(form, Slots(VALUES, strict=True), {}.get).body == "one\ntwo TEST-L."
