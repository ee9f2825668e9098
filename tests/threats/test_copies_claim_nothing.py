"""What a post brings that would act for the list, for its readers or for this server stays here."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import DOMAIN
from threats_rig import EVE, JOE, Attack

from listserv_py.lists.options import HeaderStyle

FORGED = {
    "List-Id": f"<other.{DOMAIN}>",
    "List-Unsubscribe": "<https://evil.example/u>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "List-Post": "<mailto:evil@evil.example>",
    "List-Help": "<mailto:evil@evil.example>",
    "List-Owner": "<mailto:evil@evil.example>",
    "List-Subscribe": "<mailto:evil@evil.example>",
    "List-Archive": "<https://evil.example>",
    "List-Evil": "evil.example",
    "X-Loop": f"nobody@{DOMAIN}",
    "Sender": "evil@evil.example",
    "Return-Path": "<evil@evil.example>",
    "Delivered-To": "evil@evil.example",
    "Errors-To": "evil@evil.example",
    "Return-Receipt-To": "evil@evil.example",
    "Return-Receipt-Requested": "evil@evil.example",
    "Read-Receipt-To": "evil@evil.example",
    "Disposition-Notification-To": "evil@evil.example",
    "Disposition-Notification-Options": "evil=required,evil.example",
    "X-Confirm-Reading-To": "evil@evil.example",
    "Generate-Delivery-Report": "evil.example",
    "Bcc": "evil@evil.example",
    "Resent-Bcc": "evil@evil.example",
    "Approved": "evil.example",
    "Approved-By": "evil@evil.example",
    "X-Approved-By": "evil@evil.example",
    "X-List-Admin-Password": "evil.example",
    "Authentication-Results": f"{DOMAIN}; dmarc=pass header.from=evil.example",
    "DKIM-Signature": f"v=1; a=rsa-sha256; d={DOMAIN}; s=evil; h=from; bh=x; b=evil.example",
    "ARC-Seal": f"i=1; cv=none; a=rsa-sha256; d={DOMAIN}; s=evil; b=evil.example",
    "Precedence": "evil.example",
}
OWN = ("List-", "Sender", "Precedence", "X-Loop", "DKIM-Signature", "Authentication-Results")


@pytest.fixture
def attack(tmp_path: Path) -> Iterator[Attack]:
    made = Attack(tmp_path)
    made.stage.create("OPEN-L", {"set": ["Send= Public"], "subscribers": [f"{JOE} | Joe Doe"]})
    yield made
    made.close()


def field_names(head: bytes) -> list[str]:
    return [line.partition(b":")[0].decode() for line in head.split(b"\r\n") if line[:1] > b" "]


@pytest.mark.parametrize("form", ["{}: {}\r\n", "{} : {}\r\n", "{}:\r\n {}\r\n"])
def test_forged_fields_are_in_no_copy(attack: Attack, form: str) -> None:
    """However they are written: with a blank before the colon, in capitals, folded, twice."""
    for case in (str, str.upper, str.lower):
        more = "".join(form.format(case(name), value) for name, value in FORGED.items())
        for round_ in (1, 2):
            attack.mail(
                EVE, f"Hello {form} {case} {round_}", to=f"open-l@{DOMAIN}", more=more * round_
            )
    for style in HeaderStyle:
        for plain in (False, True):
            copies = attack.copies(style, plain=plain)
            assert len(copies) == 6
            for copy in copies:
                head = copy.partition(b"\r\n\r\n")[0]
                assert b"evil" not in head.lower()
                names = [name.lower() for name in field_names(head)]
                assert names.count("list-id") == 1
                assert names.count("sender") <= 1


def test_each_alone(attack: Attack) -> None:
    for name, value in FORGED.items():
        attack.mail(EVE, f"Hello {name}", to=f"open-l@{DOMAIN}", more=f"{name}: {value}\r\n")
    copies = attack.copies()
    assert len(copies) == len(FORGED)
    for copy in copies:
        assert b"evil" not in copy.partition(b"\r\n\r\n")[0].lower()


@pytest.mark.parametrize(
    "more",
    [
        f"List-Id: Mine <open-l.{DOMAIN}>\r\n",
        f"LIST-ID : <OPEN-L.{DOMAIN}>\r\n",
        f"List-Post: <mailto:open-l@{DOMAIN}>\r\n",
        f"X-Loop: OPEN-L@{DOMAIN}\r\n",
        f"Resent-From: open-l-request@{DOMAIN}\r\n",
        "X-LSV-ListID: OPEN-L\r\n",
    ],
)
def test_what_claims_to_be_the_lists_own_goes_round_no_more(attack: Attack, more: str) -> None:
    attack.mail(EVE, "Hello", to=f"open-l@{DOMAIN}", more=more)
    assert attack.copies() == []


def test_a_copy_has_one_field_of_each_that_may_stand_once(attack: Attack) -> None:
    more = f"Subject: two\r\nTo: {JOE}\r\nDate: x\r\nReply-To: {EVE}\r\nReply-To: {JOE}\r\n"
    attack.mail(EVE, "Hello", to=f"open-l@{DOMAIN}", more=more)
    for style in HeaderStyle:
        for copy in attack.copies(style):
            names = [name.lower() for name in field_names(copy.partition(b"\r\n\r\n")[0])]
            for once in ("from", "to", "subject", "date", "reply-to", "message-id", "sender"):
                assert names.count(once) <= 1, (style, once)


def test_nothing_that_a_mail_names_is_fetched() -> None:
    """No module can: there is no client of HTTP in the code that takes mail or sends it."""
    clients = re.compile(
        r"^(?:import|from) (?:urllib\.request|http\.client|requests|httpx|aiohttp)", re.MULTILINE
    )
    code = Path(__file__).parents[2] / "listserv_py"
    users = [
        path for path in code.rglob("*.py") if clients.search(path.read_text(encoding="utf-8"))
    ]
    assert users == []
