"""The header keywords that change copies: a row says what the owner set, and what a reader sees."""

import re
from typing import Any

import pytest

from listserv_py.delivery.render import render
from listserv_py.lists.header import new_header, parse_header
from listserv_py.lists.model import MailingList
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import Message, read
from listserv_py.posting.copyrules import ruled

OLGA = parse_mailbox("olga@example.org")
FACTS = ListFacts("TEST-L", "Tests", "lists.example.org", "listserv@lists.example.org", "TEST-L")
FULL, SUBJECT, IETF = HeaderStyle.FULL, HeaderStyle.SUBJECT, HeaderStyle.IETF
TO = b"To: Joe <joe@example.org>,\r\n test-l@lists.example.org\r\n"
MAIL = (
    b"From: ann@example.net\r\nMessage-ID: <1@example.net>\r\n"
    b"Date: Mon, 5 Oct 2026 11:00:00 +0200\r\n"
)


def made(
    *sets: str, raw: bytes = TO, style: HeaderStyle = FULL, number: int = 12, **facts: Any
) -> Message:
    mailing_list = MailingList(
        1, "TEST-L", parse_header(new_header("t", "T", [OLGA], sets)), False, "lists.example.org"
    )
    frozen = decode(ruled(FACTS, mailing_list, number).encode())
    changed = ListFacts(**{name: getattr(frozen, name) for name in frozen.__slots__} | facts)
    variant = render(MAIL + raw + b"\r\nHello\r\n", changed, plain=False, style=style)
    return read(variant.head + b"\r\n" + variant.body)


def test_a_new_lists_header_changes_no_copy() -> None:
    mailing_list = MailingList(
        1, "TEST-L", parse_header(new_header("t", "T", [OLGA])), False, "lists.example.org"
    )
    assert ruled(FACTS, mailing_list, 12) == FACTS


CC = b"Cc: test-l@lists.example.org\r\n"
ALONE = b"To: TEST-L list <Test-L@lists.example.org>\r\n"
KEPT = "To: TEST-L list <Test-L@lists.example.org>"
WITH_JOE = ALONE + b"CC: joe@example.org\r\n"
LISTED = "To: test-l@lists.example.org"
BOTH = "Joe <joe@example.org>, test-l@lists.example.org"
X_TAGS = [
    ("Keep", TO, FULL, [f"To: {BOTH}"]),
    ("Yes", TO, FULL, [LISTED, f"X-To: {BOTH}"]),
    ("Yes", TO, SUBJECT, [LISTED, f"X-To: {BOTH}"]),
    ("Yes", TO, IETF, [f"To: {BOTH}"]),
    ("Yes", TO, HeaderStyle.SHORT, [LISTED]),
    ("Yes", TO, HeaderStyle.FULL822, [f"X-To: {BOTH}"]),
    ("Yes", WITH_JOE, HeaderStyle.FULL822, ["X-cc: joe@example.org"]),
    ("No", WITH_JOE, HeaderStyle.FULL822, []),
    ("Yes", b"To: joe@example.org\r\n" + CC, FULL, [LISTED, "X-To: joe@example.org"]),
    ("Yes", WITH_JOE, FULL, [KEPT, "X-cc: joe@example.org"]),
    ("Yes", b"", FULL, [LISTED]),
    ("Comment", TO, FULL, [LISTED, f"Comments: To: {BOTH}"]),
    ("Comment", WITH_JOE, FULL, [KEPT, "Comments: cc: joe@example.org"]),
    ("No", TO + b"Cc: bob@example.org\r\n", FULL, [LISTED]),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "raw", "style", "seen"), X_TAGS)
def test_x_tags(rule: str, raw: bytes, style: HeaderStyle, seen: list[str]) -> None:
    mail = made(f"X-Tags= {rule}", raw=raw, style=style)
    found = [
        re.sub(r"\s+", " ", one.raw.decode()).strip()
        for one in mail.fields
        if one.name in {"to", "cc", "x-to", "x-cc", "comments"}
    ]
    assert found == seen


# (Subject, the subject with the tag, the same where posts are numbered)
SUBJECTS = [
    ("Hello", "[TEST-L] Hello", "[TEST-L 12] Hello"),
    ("Re: Hello", "[TEST-L] Re: Hello", "[TEST-L 12] Re: Hello"),
    ("Re: [TEST-L] Hello", "Re: [TEST-L] Hello", "[TEST-L 12] Re: Hello"),
    ("Re: [TEST-L 9] Hello", "[TEST-L] Re: Hello", "[TEST-L 12] Re: Hello"),
    ("AW: Re[2]: [OTHER] [test-l] Hello",) * 2 + ("[TEST-L 12] AW: Re[2]: [OTHER] Hello",),
    ("[TEST-L] Hello", "[TEST-L] Hello", "[TEST-L 12] Hello"),
    ("Is [TEST-L] read?", "[TEST-L] Is [TEST-L] read?", "[TEST-L 12] Is [TEST-L] read?"),
    ("Re: =?utf-8?q?=5BTEST-L_9=5D_Caf=C3=A9?=",) * 3,
    ("Re: [TEST-L 9]\r\n Hello", "[TEST-L] Re: \r\n Hello", "[TEST-L 12] Re: \r\n Hello"),
]


@pytest.mark.parametrize(("subject", "tagged", "numbered"), SUBJECTS)
def test_subject_tag(subject: str, tagged: str, numbered: str) -> None:
    raw = f"Subject: {subject}\r\n".encode()
    for sets, wanted in (((), tagged), (("Misc-Options= SUBJECTHDR_SEQUENCE",), numbered)):
        for style in (SUBJECT, FULL):
            [found] = made(*sets, raw=raw, style=style).all("subject")
            expected = wanted if style is SUBJECT else subject
            assert found.raw.decode() == f"Subject: {expected}\r\n"


@pytest.mark.parametrize(
    ("misc", "style", "subject"),
    [("IETFHDR_SUBJECT_TAG", IETF, "[TEST-L] Hi"), ("IETFHDR_SUBJECT_TAG", FULL, "Hi")],
)
def test_ietfhdr_may_have_the_tag(misc: str, style: HeaderStyle, subject: str) -> None:
    assert made(f"Misc-Options= {misc}", raw=b"Subject: Hi\r\n", style=style).subject == subject
    assert made(raw=b"Subject: Hi\r\n", style=IETF).subject == "Hi"


LIST, AUTHOR, OWN = "test-l@lists.example.org", "ann@example.net", "home@example.net"
REPLIES = [
    ("List,Respect", LIST, None, LIST),
    ("List,Respect", LIST, OWN, OWN),
    ("List,Ignore", LIST, OWN, LIST),
    ("Both,Ignore", f"{AUTHOR}, {LIST}", OWN, f"{AUTHOR}, {LIST}"),
    ("None,Respect", "", OWN, OWN),
    ("None,Ignore", "", OWN, None),
    ("None,Ignore", "", None, None),
]


@pytest.mark.parametrize(("rule", "target", "own", "seen"), REPLIES)
def test_reply_to(rule: str, target: str, own: str | None, seen: str | None) -> None:
    raw = f"Reply-To: {own}\r\n".encode() if own else b""
    respect = rule.endswith("Respect")
    mail = made(f"Reply-To= {rule}", raw=raw, reply_to=target, reply_respect=respect)
    assert mail.text("reply-to") == seen
    ietf = made(raw=raw, reply_to=target, reply_respect=respect, style=IETF)
    assert ietf.text("reply-to") == own


SENDERS = [
    ("List", "owner-test-l@lists.example.org"),
    ("None", None),
    ("TEST-L The list <test-l@lists.example.org>", "TEST-L The list <test-l@lists.example.org>"),
]


@pytest.mark.parametrize(("rule", "seen"), SENDERS)
def test_sender(rule: str, seen: str | None) -> None:
    mail = made(f"Sender= {rule}", raw=b"Sender: eve@example.com\r\n")
    assert mail.text("sender") == seen


def test_no_list_fields_but_one_by_which_the_post_is_known_again() -> None:
    mail = made("Misc-Options= NO_RFC2369", raw=b"List-Help: <mailto:eve@example.com>\r\n")
    names = [one.name for one in mail.fields]
    assert names[:3] == ["sender", "precedence", "x-loop"]
    assert mail.text("x-loop") == LIST
    assert not any(name.startswith("list-") for name in names)


def test_new_message_id_is_the_same_whenever_it_is_rendered() -> None:
    first, again = (made("Misc-Options= NEW_MESSAGE_ID") for _ in range(2))
    assert first.message_id == again.message_id
    assert str(first.message_id).endswith("@lists.example.org>")
    assert made().message_id == "<1@example.net>"


ALTERNATIVE = (
    b'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\n\r\nText\r\n"
    b"--b\r\nContent-Type: text/html\r\n\r\n<p>Text</p>\r\n--b--\r\n"
)


@pytest.mark.parametrize("rule", ["Misc-Options= DISCARD_HTML", "Language= English,NoHTML"])
def test_nobody_gets_the_html(rule: str) -> None:
    mail = made(rule, raw=ALTERNATIVE)
    assert mail.root.content_type == "text/plain"
    assert mail.body == b"Text"
    assert made(raw=ALTERNATIVE).root.is_multipart
