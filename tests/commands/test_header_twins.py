"""Any header that PUT takes comes back by GET as it was sent, and wrong ones name every fault."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stage import Stage

from listserv_py.lists.header import read_header
from listserv_py.lists.keywords import KEYWORDS
from listserv_py.lists.roles import heard_owners, moderators_of
from listserv_py.mail.message import read

OLGA, ADMIN = "olga@example.org", "admin@example.org"
NUMBER = count()


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"owners": [OLGA]})
    made.create("OTHER-L", {"owners": [OLGA]})
    yield made
    made.close()


def say(stage: Stage, body: str, sender: str = OLGA) -> str:
    """A command mail, confirmed where that is asked; the text of all answers."""
    codes, said = stage.codes, _tell(stage, body, sender)
    return (
        said if stage.codes == codes else said + _tell(stage, f"OK C0DE{stage.codes:012X}", sender)
    )


def _tell(stage: Stage, body: str, sender: str) -> str:
    head = f"From: {sender}\nTo: listserv@lists.example.org\nMessage-ID: <{next(NUMBER)}@x.y>\n"
    head += "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n"
    stage.db.execute("DELETE FROM answer")
    stage.take(f"{head}\n{body}\n".replace("\n", "\r\n").encode())
    mails = [one.split(b"\r\n\r\n", 1)[1] for one in stage.outgoing()]
    return "\n".join(read(one).command_text for one in mails)


def stored(stage: Stage) -> str:
    return str(stage.tx.lists.get("TEST-L").header)


_WORDS = st.text(
    st.sampled_from("aZ09 .,;:!?&%$>*-_=()<>\"'@/\\\u00e4\u20ac\u00df\u4e2d\U0001f600\ufb01"),
    max_size=40,
)
_KEYWORDS = st.sampled_from(
    [
        *(
            "Send= Public",
            "Send= Editor,Hold  a comment",
            "Editor= (none) x",
            "Editor= a@b.example",
        ),
        *("Notify= No", "Notify = No", "Review= Private, Owner", 'Subject-Tag= "a, b"', "Ack=Yes"),
        *("Owner= b@c.example (B, C)", "Owner= Quiet:", "Sizelim= 5M", "Topics= One,Two", ".HH ON"),
        *(".HH OFF", "Misc-Options= NO_VERP", "Default-Options= NOHTML", "Reply-To= Sender,Ignore"),
    ]
)


@given(_WORDS, st.lists(_WORDS | _KEYWORDS, max_size=8))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_put_takes_get_sends_back(stage: Stage, title: str, lines: list[str]) -> None:
    header = "".join(f"* {line}\n" for line in (f"T{title}", f"Owner= {OLGA}", *lines))
    before = stored(stage)
    said = say(stage, f"PUT TEST-L LIST\n{header}")
    wanted = "".join(f"{line.rstrip()}\n" for line in header.splitlines())
    if read_header(wanted)[1]:
        assert stored(stage) == before
        return
    assert stored(stage) == wanted, said
    got = say(stage, "GET TEST-L (HEADER")
    file = got[got.index("PUT TEST-L LIST") :]
    assert "what you sent already" in say(stage, file)
    assert stored(stage) == wanted


WRONG = (
    "nonsense-value",
    "(",
    '"',
    "-1",
    "99999999999999999999999",
    "a,b,c,d,e",
    "\u212aes",
    "x" * 980,
)


@pytest.mark.parametrize("keyword", KEYWORDS, ids=lambda one: one.name)
def test_each_keyword_names_its_own_line(keyword: object) -> None:
    """Wrong, odd, overlong values: faults of that line alone; its default is right."""
    name, default = keyword.name, keyword.default  # type: ignore[attr-defined]
    for value in WRONG:
        header, faults = read_header(f"* T\n* Owner= {OLGA}\n*\n* {name} = {value}\n* The end\n")
        assert {fault.line for fault in faults} <= {4}
        assert all(fault.allowed for fault in faults)
        assert header.title == "T"
    _, faults = read_header(
        f"* T\n* Owner= {OLGA}\n* {name}= {'' if default == 'none' else default}"
    )
    assert faults == ()


def test_every_fault_is_told_in_one_answer(stage: Stage) -> None:
    before, codes = stored(stage), stage.codes
    header = (
        f"* T\n* Owner= {OLGA}\n* Send = Everybody\n* Sizelim= huge  Notify= perhaps\n"
        "* Editor= listserv@lists.example.org\n* Sub-lists = NOWHERE-L\n* New-List = NONE-L\n"
        "* Limits = Sub(5)\n* Sneder= x\n* .HH\n* Review= Owner,\n* joe@example.net\nno star\n"
    )
    said = say(stage, f"PUT TEST-L LIST\n{header}")
    told = [int(line) for line in re.findall(r"^Line (\d+):", said, re.MULTILINE)]
    assert told == [3, 4, 5, 6, 7, 8, 9, 10, 11, 13]
    assert (stored(stage), stage.codes) == (before, codes)


def test_faults_name_the_line_of_the_value_and_not_of_the_words(stage: Stage) -> None:
    """What is wrong may stand in the title and the description as well."""
    header = (
        "* NOWHERE-L, listserv@lists.example.org, Limits= and New-List=\n"
        f"* We once were listserv@lists.example.org and NOWHERE-L\n* Owner= {OLGA}\n"
        "* Moderator= listserv@lists.example.org\n* Sub-lists= NOWHERE-L\n* Limits= Sub(5)\n"
    )
    said = say(stage, f"PUT TEST-L LIST\n{header}")
    assert re.findall(r"^Line (\d+):", said, re.MULTILINE) == ["4", "5", "6"]


def test_whoever_stands_there_twice_is_one(stage: Stage) -> None:
    """Named twice, in capitals too: he is told and asked once."""
    header = (
        f"* T\n* Owner= {OLGA}\n* Owner= OLGA@example.org (Olga)\n* Send= Editor,Hold\n"
        "* Moderator= All,ed@example.org,ED@example.org\n"
    )
    say(stage, f"PUT TEST-L LIST\n{header}")
    found = stage.tx.lists.get("TEST-L")
    assert len(heard_owners(found)) == len(moderators_of(found)) == 1


def test_a_line_that_ends_in_a_comma_is_not_half_a_line() -> None:
    """Elsewhere the next line goes on with it; here it would be a description, in silence."""
    _, [fault] = read_header(f"* T\n* Owner= {OLGA},\n* joe@example.net\n")
    assert fault.line == 2
    assert "Owner=" in fault.allowed
    for well in (f"* Owner= {OLGA},\n* Owner= joe@example.net", f"* Owner= {OLGA},\n*\n* Words"):
        assert read_header(f"* T\n{well}\n")[1] == ()


def test_an_owner_locks_and_the_other_waits(stage: Stage) -> None:
    """Two owners at once: whoever has fetched it stores it; a PUT asked for before is overtaken."""
    two = f"* T\n* Owner= {OLGA}\n* Owner= oskar@example.net\n"
    say(stage, f"PUT TEST-L LIST\n{two}")
    say(stage, "GET TEST-L (HEADER", "oskar@example.net")
    before = stored(stage)
    assert "oskar@example.net" in say(stage, f"PUT TEST-L LIST\n{two}* Notify= No")
    assert stored(stage) == before
    say(stage, f"PUT TEST-L LIST\n{two}* Notify= Yes", "oskar@example.net")
    assert stored(stage) == f"{two}* Notify= Yes\n"
    say(stage, f"PUT TEST-L LIST\n{two}* Notify= No")
    assert stored(stage) == f"{two}* Notify= No\n"
