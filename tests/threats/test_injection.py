"""What people write stays what they wrote: no header line, recipient, command, query or path.

Each string is tried as a name, an argument, a subject, a title, a template, a password, a list's
name; then every mail that leaves is looked at, and whatever the string names is still there.
"""

from __future__ import annotations

import email.header
import re
from collections.abc import Iterator
from itertools import product
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from threats_rig import EVE, JOE, OLGA, Attack, is_clean, parts, recipients

from listserv_py.commands.command import Command
from listserv_py.commands.table import COMMANDS
from listserv_py.errors import HeaderFaults, UserError
from listserv_py.lists.addresses import is_listname
from listserv_py.lists.header import new_header, parse_header
from listserv_py.mail.mailbox import parse_mailbox

NAUGHTY = (
    *("x\r\nBcc: third@example.com", "x\nBcc: third@example.com", "x\rBcc: third@example.com"),
    *(
        "x\r\n\r\nbody",
        "x\x00y",
        "x\x1b[2J",
        "x\u2028Bcc: a@b.c",
        "x\u0085Bcc: a@b.c",
        "x\x0by\x0cz",
    ),
    "=?utf-8?q?x=0D=0ABcc:_third=40example.com?=",
    "=?utf-8?b?eA0KQmNjOiB0aGlyZEBleGFtcGxlLmNvbQ==?=",
    *("' OR 1=1--", "'; DROP TABLE subscriber;--", '" OR ""="', "%_", "%%%", "\\", "');--", "*"),
    *(
        "../../../etc/passwd",
        "..\\..\\windows",
        "/etc/passwd",
        "%2e%2e%2f",
        "\uff0e\uff0e\uff0f",
        "~root",
    ),
    *(
        "$HOME",
        "`id`",
        "$(id)",
        "; id",
        "| id",
        "&& id",
        "${7*7}",
        "{{7*7}}",
        "%(LISTNAME)s",
        "{0}",
    ),
    *(
        "&LISTNAME;",
        "&MYADDRESS",
        "&*;",
        "&A;&B;",
        "&PW;",
        ">>> SIGNUP1",
        ".IM secret",
        ".QQ",
        "&-",
    ),
    *("<script>alert(1)</script>", '"><img src=x>', "javascript:alert(1)", "\u202eevil", "\ufeff"),
    *(
        "\u0130\u0131\u212a\u017f",
        "\ufdfa",
        "a\u0300" * 40,
        "\U0001f469\u200d\U0001f4bb",
        "\u2066x\u2069",
    ),
    *(
        "undefined",
        "NULL",
        "None",
        "nan",
        "-1",
        "1e999",
        "0x0",
        "true",
        "con",
        "aux",
        "..",
        ".",
        "-",
    ),
    *("x" * 5000, "(" * 300, '"' * 99, "<" * 99, "," * 99, "@" * 9, "\t", "<third@example.com>"),
    *("third@example.com", "x <third@example.com>, y", "RCPT TO:<third@example.com>", "DATA", "."),
    *(
        "-f third@example.com",
        "-oQ/tmp",
        "a@b>\r\nRCPT TO:<third@example.com",
        "QUIT\r\nMAIL FROM:<>",
    ),
    *("TEST-L", "ok", "OK C0DE000000000001", "PW=", "DD=X", "// JOB", "/*", "FOR olga@example.org"),
)

CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
EACH = 9
"""Each place is tried with one of so many strings, and each string in many places."""


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    made = Attack(tmp_path)
    yield made
    made.close()


def people(attack: Attack) -> str:
    return attack.stage.state()


def goes_only_to(mails: list[bytes], *known: str) -> None:
    for mail in mails:
        assert is_clean(mail), mail.decode("utf-8", "replace")
        assert recipients(mail)[0] in known, mail.decode("utf-8", "replace")


def one_line(text: str) -> str:
    """As it can stand on a line of a mail that a client built."""
    return " ".join(text.replace("\x00", " ").splitlines())


LINES = (
    *("SUBSCRIBE TEST-L {}", "SUBSCRIBE {}", "SIGNOFF {}", "SET TEST-L {}", "QUERY {}", "HELP {}"),
    *("INFO {}", "REVIEW {}", "SCAN TEST-L {}", "GET TEST-L {}", "GET {}", "PUT {} LIST\n* x"),
    *("CHANGE TEST-L {}", "REGISTER {}", "PW ADD {}", "OK {}", "{}", "CONFIRM {}", "SHOW {}"),
    *("SIGNOFF TEST-L PW={}", "FOR {} HELP", "SERVE {}", "LISTS {}", "ADD TEST-L {}", "STATS {}"),
)


def test_a_strangers_line(attack: Attack) -> None:
    before = attack.everything()
    for number, line in enumerate(LINES):
        for text in NAUGHTY[number % EACH :: EACH]:
            attack.forget()
            goes_only_to(attack.mail(f'"{one_line(text)}" <{EVE}>', line.format(text)), EVE)
    attack.forget()
    assert attack.everything() == before


def test_a_subscribers_own_words_change_only_what_is_his(attack: Attack) -> None:
    """Confirmed, so that the words come into the store and out of it again."""
    attack.stage.create("PUBLIC-L", {"set": ["Review= Public", "Notify= Yes", "Validate= No"]})
    for text in NAUGHTY[::EACH]:
        attack.forget()
        goes_only_to(attack.run(EVE, f"SUBSCRIBE PUBLIC-L {text}"), EVE, OLGA)
        goes_only_to(attack.run(EVE, f"REGISTER {text}"), EVE, OLGA)
        goes_only_to(
            attack.mail(EVE, f"SCAN PUBLIC-L {text}\nQUERY PUBLIC-L\nREVIEW PUBLIC-L"), EVE
        )
        goes_only_to(attack.run(OLGA, "GET PUBLIC-L"), OLGA)
        names = [one.name for one in attack.stage.tx.subscribers.of(parse_mailbox(EVE))[0][1:]]
        assert all(name.isprintable() and len(name) <= 100 for name in names)
    assert [row[0].name for row in attack.stage.tx.subscribers.of(parse_mailbox(JOE))] == ["TEST-L"]
    assert attack.stage.db["subscriber"].count == 2


def test_a_subject_and_a_name_of_a_post(attack: Attack) -> None:
    """Requests, refusals, notices about it: the words stay in their field."""
    attack.stage.create("MOD-L", {"set": ["Send= Editor,Hold", f"Editor= {OLGA}"]})
    attack.stage.create("CLOSED-L", {"set": ["Send= Owner"]})
    attack.stage.create("ASK-L", {"set": ["Send= Public,Confirm", "Subject-Tag= ASK"]})
    for number, text in enumerate(NAUGHTY[2::EACH]):
        attack.forget()
        for name in ("mod-l", "closed-l", "ask-l"):
            mails = attack.mail(
                f'"{one_line(text)}" <{EVE}>' if number % 2 else EVE,
                f"{text}\nHello number {number}",
                to=f"{name}@lists.example.org",
                subject=one_line(text),
            )
            goes_only_to(mails, EVE, OLGA)


def test_a_title_adds_no_line() -> None:
    """A title, and a value of a keyword, as `create --title` and `--set` take them."""
    for text in NAUGHTY:
        for title, sets in ((text, []), ("T", [f"Subject-Tag= {text}"]), ("T", [f"* {text}"])):
            try:
                header = parse_header(new_header("X-L", title, [parse_mailbox(OLGA)], sets))
            except HeaderFaults:
                continue
            assert [str(owner.mailbox) for owner in header.keywords.owners] == [OLGA]
            assert not CONTROL.search(header.keywords.subject_tag)
            assert not CONTROL.search(header.title)


def test_an_owners_title_template_and_text_add_nothing(attack: Attack) -> None:
    """PUT by the owner: his words reach subscribers as words, in the body or in one field."""
    for text in NAUGHTY[1::EACH]:
        attack.forget()
        header = f"PUT TEST-L LIST\n* {one_line(text)}\n* Owner= {OLGA}\n* Send= Public"
        goes_only_to(attack.run(OLGA, header), OLGA)
        welcome = f"PUT TEST-L WELCOME\nSubject: {text}\n{text}\n&{text};\n/*\n"
        goes_only_to(attack.run(OLGA, welcome), OLGA)
        template = f"PUT TEST-L MAILTPL\n>>> SIGNUP1 {text}\n{text} &{text};\n/*\n"
        goes_only_to(attack.run(OLGA, template), OLGA)
        goes_only_to(attack.run(EVE, "SUBSCRIBE TEST-L Eve"), EVE, OLGA)
        attack.run(EVE, "SIGNOFF TEST-L")
        goes_only_to(attack.mail(EVE, "INFO TEST-L\nLISTS\nQUERY TEST-L"), EVE)
    attack.mail(JOE, "Hello", to="test-l@lists.example.org", told={"reverse_path": JOE})
    for copy in attack.copies():
        head = copy.partition(b"\r\n\r\n")[0]
        assert b"\r\nBcc" not in head
        assert head.count(b"\r\nList-Id:") == 1


_TEXT = st.text(
    st.sampled_from("ab\r\n\x00\t \u2028\u0085\u00a0=?,;:<>()\"'@.*%_&/\\-\u212a\u0131\U0001f600"),
    max_size=60,
)


@given(_TEXT, st.sampled_from([*COMMANDS.units]))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_words_behind_any_command(attack: Attack, text: str, command: Command) -> None:
    attack.forget()
    before = people(attack)
    word = command.word
    goes_only_to(attack.mail(EVE, f"{word} {text}"), EVE)
    goes_only_to(attack.mail(EVE, f"{word} TEST-L {text}"), EVE)
    assert people(attack) == before


def test_an_address_is_one_or_none() -> None:
    """Mail, import, PUT and the command line all read addresses by this one reader."""
    for text in NAUGHTY:
        for made in (text, f"{text}@example.com", f"joe@{text}", f"<{text}>"):
            try:
                mailbox = parse_mailbox(made)
            except UserError:
                continue
            written = str(mailbox)
            assert written.isprintable()
            assert parse_mailbox(written) == mailbox
            assert not set(mailbox.domain) & set(" <>()\"',;:/\\@\r\n")


def test_a_lists_name_is_no_path() -> None:
    for text in NAUGHTY:
        if is_listname(text):
            assert not set(text) & set("/\\%:\x00 ~")
            assert ".." not in text
            assert text.isascii()


PATHS = [
    *(
        "../../../etc/passwd",
        "..",
        "/etc/passwd",
        "..\\..\\x",
        "%2e%2e/x",
        "\uff0e\uff0e/x",
        "x" * 10_000,
    ),
    *("TEST-L/../OTHER-L", "./TEST-L", "..\x00", "file:///etc/passwd", "~/x"),
]


def test_no_path_leads_to_a_file(attack: Attack) -> None:
    """By owner and stranger: a file is a row, and one that is none is told to be none."""
    lines = ("GET {}", "GET TEST-L {}", "PUT TEST-L {}\n* x", "HELP {}", "INFO {}", "GET {} LIST")
    for sender, path, line in product((OLGA, EVE), PATHS, lines):
        attack.forget()
        said = b"".join(attack.mail(sender, line.format(path)))
        assert b"root:" not in said
        assert b"[confirmation]" not in said
        assert len(said) < 2000


def test_a_subject_with_an_encoded_line_end_stays_encoded(attack: Attack) -> None:
    attack.stage.create(
        "TAG-L", {"set": ["Send= Public", "Subject-Tag= TAG"], "subscribers": [JOE]}
    )
    subject = "=?utf-8?q?x=0D=0ABcc:_third=40example.com?="
    attack.mail(EVE, "Hello", to="tag-l@lists.example.org", subject=subject)
    [copy] = attack.copies()
    _, message = parts(b"x\r\n\r\n" + copy)
    assert message["Bcc"] is None
    assert copy.count(b"\r\nBcc") == 0
    assert email.header.decode_header(str(message["Subject"]))
