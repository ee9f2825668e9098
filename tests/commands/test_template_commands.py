"""PUT of a list's texts: which lines are the text's, who may, and what is stored."""

from datetime import timedelta
from pathlib import Path

import pytest
from ceiling import ceiling
from hypothesis import given, settings
from hypothesis import strategies as st
from stage import Stage

from listserv_py.commands import jobs
from listserv_py.commands.interpreter import run_job
from listserv_py.mail.mailbox import parse_mailbox

OLGA = parse_mailbox("olga@example.org")
OTTO = parse_mailbox("otto@example.org")


def read(text: str) -> list[tuple[str, ...]]:
    return [(line.text, *line.data) for line in jobs.read(text).lines]


PUT = "PUT TEST-L MAILTPL"
CASES = {
    "all below": (
        f"{PUT}\n>>> A x\n> b\n\n  c\nHELP",
        [(PUT, ">>> A x", "> b", "", "  c", "HELP")],
    ),
    "an end mark": (f"{PUT}\na\n/*\nHELP", [(PUT, "a")]),
    "a signature": (f"{PUT}\na\n--\nb\n-- \nOlga", [(PUT, "a", "--", "b")]),
    "a signature inside": (f"{PUT}\na\n-- \nb\n/*\n-- \nOlga", [(PUT, "a", "-- ", "b")]),
    "nothing": (f"HELP\n{PUT}\n\n-- \nOlga", [("HELP",), (PUT,)]),
    "QUIET and PW=": (
        "quiet put TEST-L welcome PW=x\nHi",
        [("quiet put TEST-L welcome PW=x", "Hi")],
    ),
    "flowed": (f"{PUT}\n >>> A x\n  b", [(PUT, ">>> A x", "  b")]),
    "blanks at an end": (f"{PUT}\n \na  \n \nb\t\n  \n/*", [(PUT, "a  ", " ", "b\t")]),
    "no-break blanks": (f"\u00a0{PUT}\n\u00a0a\u00a0b", [(PUT, " a b")]),
    "only quoted": (f"THANKS\n> {PUT}\n> >>> A", [("THANKS",)]),
    "below a signature": (f"THANKS\n--\n{PUT}\n>>> A", [("THANKS",)]),
    "in a dataset": (f"// JOB\nTHANKS\n//X DD *\n{PUT}\n/*\nHELP", [("THANKS",), ("HELP",)]),
    "behind a header": (
        f"PUT A-L LIST\n* T\n* Owner= a@b.example\n{PUT}\na",
        [("PUT A-L LIST", "* T", "* Owner= a@b.example"), (PUT, "a")],
    ),
    "another word": ("PUTT TEST-L MAILTPL\nHELP", [("PUTT TEST-L MAILTPL",), ("HELP",)]),
}


@pytest.mark.parametrize("name", CASES)
def test_what_belongs_to_the_text(name: str) -> None:
    text, expected = CASES[name]
    assert read(text) == expected


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from([PUT, "> x", "-- ", "/*", "// JOB", "//A DD *", "* y", "QUIET PUT", ""])
        | st.text(max_size=20),
        max_size=12,
    ).map("\n".join)
)
def test_no_mail_crashes(text: str) -> None:
    read(text)


def test_large_mails_take_no_time() -> None:
    with ceiling():
        for text in (
            "P " * 200_000,
            "PUT\n" * 30_000,
            f"> {PUT}\n" * 20_000,
            f"--\n{PUT}\n" * 20_000,
        ):
            read(text)


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    stage = Stage(tmp_path)
    stage.create("TEST-L", {"owners": ["olga@example.org", "otto@example.org"]})
    return stage


def do(stage: Stage, text: str) -> str:
    return run_job(stage.turn(), OLGA, text)[0]


def stored(stage: Stage, name: str) -> str:
    return stage.tx.templates.find(stage.tx.lists.get("TEST-L").id, name)


def test_put_and_get_give_the_same_text(stage: Stage) -> None:
    text = ">>> SIGNUP1 Hi\n.FO OFF\n  > a\n--\nTHANKS"
    do(stage, f"{PUT}\n{text}\n/*")
    assert stored(stage, "MAILTPL") == text
    again = do(stage, "GET TEST-L MAILTPL")
    do(stage, again[again.index(PUT) :])
    assert stored(stage, "MAILTPL") == text


def test_defaults_can_be_fetched_and_stored(stage: Stage) -> None:
    text = do(stage, "GET DEFAULT MAILTPL")
    forms = text[text.index(">>> SIGNUP1") : text.index(">>> SUB_OWNER")]
    assert "has been stored" in do(stage, f"{PUT}\n{forms}")


def test_plain_text_is_bounded(stage: Stage) -> None:
    assert "more than 64 kB" in do(stage, "PUT TEST-L WELCOME\n" + "x\n" * 40_000)
    assert "control characters" in do(stage, "PUT TEST-L INFO\na\x1bb")
    assert stored(stage, "WELCOME") == stored(stage, "INFO") == ""


@pytest.mark.parametrize("file", ["MAILTPL/..", "../MAILTPL", "%2e", "MAILTPLX", "welcome.txt"])
def test_no_other_names(stage: Stage, file: str) -> None:
    assert "no file of the type" in do(stage, f"GET TEST-L {file}")


def mail(text: str, subject: str = "") -> bytes:
    head = f"From: olga@example.org\r\nTo: listserv@lists.example.org\r\nSubject: {subject}\r\n\r\n"
    return (head + text.replace("\n", "\r\n")).encode()


def test_text_that_somebody_changed_meanwhile_stays(stage: Stage) -> None:
    stage.take(mail("PUT TEST-L WELCOME\nOlga's"))
    stage.now += timedelta(minutes=1)
    run_job(stage.turn(), OTTO, "PUT TEST-L WELCOME\nOtto's")
    stage.now += timedelta(minutes=1)
    stage.take(mail("OK C0DE000000000001"))
    assert stored(stage, "WELCOME") == "Otto's"
    assert b"changed by somebody else" in stage.outgoing()[-1]


def test_a_slot_that_stands_for_nothing_is_remarked_on(stage: Stage) -> None:
    said = do(stage, f"{PUT}\n>>> ADD1 Hi\nHello &WHOM\n>>> POST_ACK Ok\nThank you, &WHOM\n/*")
    assert "has been stored" in said
    assert "POST_ACK: &WHOM stands for nothing and stays as it is" in said
    assert "ADD1:" not in said


@pytest.mark.parametrize(
    ("kind", "content", "kept"),
    [
        ("text/plain", "Welcome!\r\n\r\nBring tea.", "Welcome!\n\nBring tea."),
        ("image/png", "\0", "Old"),
    ],
)
def test_a_text_may_be_attached_and_is_no_deletion(
    stage: Stage, kind: str, content: str, kept: str
) -> None:
    do(stage, "PUT TEST-L WELCOME\nOld")
    stage.take(
        (
            "From: olga@example.org\r\nTo: listserv@lists.example.org\r\nMIME-Version: 1.0\r\n"
            "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nPUT TEST-L WELCOME\r\n"
            f"--b\r\nContent-Type: {kind}\r\nContent-Disposition: attachment; filename=w\r\n\r\n"
            f"{content}\r\n--b--\r\n"
        ).encode()
    )
    stage.now += timedelta(minutes=1)
    stage.take(mail(f"OK C0DE{stage.codes:012X}"))
    assert stored(stage, "WELCOME") == kept
