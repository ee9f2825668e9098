from dataclasses import replace

import pytest

from listserv_py.lists.addresses import route
from listserv_py.lists.header import new_header, parse_header
from listserv_py.lists.model import MailingList
from listserv_py.mail.mailbox import Mailbox, parse_mailbox
from listserv_py.smtpd.policy import AliasFacts, judge, judge_alias, judge_post

DOMAIN = "lists.example.org"
ANN, BOB, BOSS = (Mailbox(name, "example.org") for name in ("ann", "bob", "boss"))


def mailing_list(*sets: str, held: bool = False) -> MailingList:
    header = parse_header(new_header("TEST-L", "Test", [ANN], sets))
    return MailingList(1, "TEST-L", header, held, DOMAIN)


def verdict(address: str, known: MailingList | None, size: int | None = None) -> str:
    rcpt = parse_mailbox(address)
    destination = route(rcpt, domain=DOMAIN, name="listserv")
    return str(judge(rcpt, DOMAIN, destination, known, size) or "")[:9]


@pytest.mark.parametrize(
    ("address", "known", "size", "answer"),
    [
        ("bob@example.net", None, None, "550 5.7.1"),
        ("test-l@sub.lists.example.org", mailing_list(), None, "550 5.7.1"),
        ("test-l@lists.example.org", None, None, "550 5.1.1"),
        ("test-l-request@lists.example.org", None, None, "550 5.1.1"),
        ("test-l+x@lists.example.org", mailing_list(), None, "550 5.1.1"),
        ("test-l@lists.example.org", mailing_list(), None, ""),
        ("listserv@lists.example.org", None, 9_999, ""),
        ("test-l@lists.example.org", mailing_list(held=True), None, "450 4.2.1"),
        ("test-l@lists.example.org", replace(mailing_list(held=True), by_storm=True), None, ""),
        ("owner-test-l@lists.example.org", mailing_list(held=True), None, ""),
        ("test-l@lists.example.org", mailing_list("Sizelim= 1K"), 9_999, "552 5.3.4"),
        ("test-l@lists.example.org", mailing_list("Sizelim= 1K"), None, ""),
        ("test-l-request@lists.example.org", mailing_list("Sizelim= 1K"), 9_999, ""),
        ("test-l@lists.example.org", mailing_list("Sizelim= 1K", "New-List= N-L"), 9_999, ""),
        ("test-l@lists.example.org", mailing_list("New-List= N-L", held=True), 9, "450 4.2.1"),
    ],
)
def test_who_may_be_written_to(
    address: str, known: MailingList | None, size: int | None, answer: str
) -> None:
    assert verdict(address, known, size) == answer


@pytest.mark.parametrize(
    ("sets", "writers", "size", "answer"),
    [
        (["Send= Owner"], [BOB], 10, "550 5.7.1"),
        (["Send= Owner", "Sizelim= 1K", "New-List= NEW-L"], [BOB], 9_999, ""),
        (["Send= Owner"], [], 10, "550 5.7.1"),
        (["Send= Owner"], [BOB, ANN], 10, ""),
        (["Send= Owner"], [BOSS], 10, ""),
        (["Send= Private"], [BOB], 10, ""),
        (["Send= Public"], [BOB], 10, ""),
        (["Send= Editor,Hold", "Editor= ann@example.org"], [BOB], 10, ""),
        (["Send= Public", "Sizelim= 1K"], [ANN], 9_999, "552 5.3.4"),
    ],
)
def test_what_no_membership_could_change_is_said_at_once(
    sets: list[str], writers: list[Mailbox], size: int, answer: str
) -> None:
    assert str(judge_post(mailing_list(*sets), size, writers, [BOSS]) or "")[:9] == answer


@pytest.mark.parametrize(
    ("alias", "size", "answer"),
    [
        (AliasFacts(known=False, spent=0, most=20, size_max=1000), None, "550 5.1.1"),
        (AliasFacts(known=True, spent=0, most=20, size_max=1000), None, ""),
        (AliasFacts(known=True, spent=19, most=20, size_max=1000), 1000, ""),
        (AliasFacts(known=True, spent=20, most=20, size_max=1000), None, "450 4.2.1"),
        (AliasFacts(known=True, spent=0, most=20, size_max=1000), 1001, "552 5.3.4"),
    ],
)
def test_mail_to_an_alias(alias: AliasFacts, size: int | None, answer: str) -> None:
    assert str(judge_alias(alias, size) or "")[:9] == answer
