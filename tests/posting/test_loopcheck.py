"""`Loopcheck=` levels, and `Filter=` in posts."""

from typing import Any

import pytest
from test_checks import EVE, JOE, LETTER, NOT_AUTHORIZED, OLGA, make

from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.posting import checks
from listserv_py.posting.post import Repeat
from listserv_py.posting.verdict import Asked, Discard, Hold, Reason, Verdict

REPORT = 'Content-Type: multipart/report; boundary="b"\r\n\r\n--b\r\n\r\nFailed\r\n--b--\r\n'
PASTED = "\r\nFrom: Joe\r\nReply-To: <Test-L@lists.example.org>\r\nHello\r\n"
MAILER = parse_mailbox("mailer-daemon@example.com")
HELD = Hold(Reason.QUOTES_HEADER, Asked.OWNERS)


@pytest.mark.parametrize(
    ("line", "stops"),
    [
        ("Normal", True),
        ("NoOrigin", False),
        ("None", False),
        ("Full,NoOrigin", False),
        ("NoCRC", True),
    ],
)
def test_loopcheck_of_origins(line: str, stops: bool) -> None:
    post = make(f"Loopcheck= {line}", author=MAILER)
    assert (checks.machine_answer(post) is not None) is stops


@pytest.mark.parametrize(
    ("line", "stops"),
    [("Normal", True), ("NoCRC", False), ("None", False), ("NoBody,NoSpam", True)],
)
def test_loopcheck_of_texts(line: str, stops: bool) -> None:
    post = make(f"Loopcheck= {line}", repeat=Repeat.SAME_TEXT)
    assert (checks.repeated(post) is not None) is stops
    again = make(f"Loopcheck= {line}", repeat=Repeat.SAME_ID)
    assert isinstance(checks.repeated(again), Discard)


@pytest.mark.parametrize(
    ("line", "stops"), [("Normal", True), ("None", True), ("None,Allow-Bounces", False)]
)
def test_loopcheck_of_reports(line: str, stops: bool) -> None:
    post = make(f"Loopcheck= {line}", mail=LETTER + REPORT)
    assert (checks.machine_answer(post) is not None) is stops


@pytest.mark.parametrize(
    ("line", "more", "verdict"),
    [
        ("Normal", {}, None),
        ("Full", {}, HELD),
        ("Full", {"approved": True}, None),
        ("Full,NoBody", {}, None),
    ],
)
def test_loopcheck_of_headers_in_the_text(
    line: str, more: dict[str, Any], verdict: Verdict | None
) -> None:
    assert checks.quotes_header(make(f"Loopcheck= {line}", mail=LETTER + PASTED, **more)) == verdict


@pytest.mark.parametrize(
    ("author", "verdict"), [(EVE, NOT_AUTHORIZED), (JOE, None), (OLGA, None), (None, None)]
)
def test_filter_keyword(author: Any, verdict: Verdict | None) -> None:
    post = make("Filter= Also,*@example.com,olga@*", author=author)
    assert checks.unwelcome(post) == verdict
