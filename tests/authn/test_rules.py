"""Each rule on what a signed mail proves, with a mail that breaks it and no other."""

from __future__ import annotations

import pytest
from authn_rig import COVERED, DOMAIN, FIELDS, at, letter, mail, settings, sign, with_tag
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.authn.proof import look
from listserv_py.authn.rules import (
    MAIL_RULES,
    SIGNATURE_RULES,
    broken_by_mail,
    broken_by_signature,
)
from listserv_py.authn.signature import Signature, signatures
from listserv_py.mail.letter import Letter


def only(of: Letter) -> Signature:
    (found,) = signatures(of.message)
    assert found is not None
    return found


GOOD = sign(mail())


def test_the_good_mail_keeps_every_rule() -> None:
    found = look(letter(GOOD), settings())

    assert all(rule(found.letter) for rule in MAIL_RULES)
    assert [one.key_name for one in found.signatures] == ["s1._domainkey.example.net"]
    assert broken_by_signature(found.letter, found.signatures[0], DOMAIN) is None


BROKEN_MAILS = {
    "two authors": ("has_one_author", mail(From="joe@example.net, ann@example.net")),
    "two From fields": ("has_one_author", mail(more="From: joe@example.net\n")),
    "no From": ("has_one_author", mail(From=None)),
    "two To fields": ("has_its_fields_once", mail(more=f"To: listserv@{DOMAIN}\n")),
    "two Cc fields": ("has_its_fields_once", mail(more="Cc: a@x.org\nCc: a@x.org\n")),
    "two subjects": ("has_its_fields_once", mail(more="Subject: ADD TEST-L x@example.com\n")),
    "two dates": ("has_its_fields_once", mail(more=f"Date: {FIELDS['Date']}\n")),
    "two ids": ("has_its_fields_once", mail(more="Message-ID: <2@example.net>\n")),
    "two types": ("has_its_fields_once", mail(more="content-type: text/html\n")),
    "two encodings": (
        "has_its_fields_once",
        mail(more="Content-Transfer-Encoding: 7bit\nContent-Transfer-Encoding: base64\n"),
    ),
    "a blank before the colon": ("has_its_fields_once", mail(Subject=None, more="Subject : x\n")),
    "no date": ("has_its_fields_once", mail(Date=None)),
    "no To": ("has_its_fields_once", mail(To=None, more=f"Cc: listserv@{DOMAIN}\n")),
    "no id": ("has_its_fields_once", mail(message_id=None)),
    "an odd id": ("has_a_message_id", mail(message_id="1 @example.net")),
    "to another list": ("is_addressed_to_us", mail(To=f"other-l@{DOMAIN}")),
    "our address as a name": (
        "is_addressed_to_us",
        mail(To=f'"listserv@{DOMAIN}" <ann@example.com>'),
    ),
    "our address in a comment": (
        "is_addressed_to_us",
        mail(To=f"ann@example.com (listserv@{DOMAIN})"),
    ),
    "two angles": ("is_addressed_to_us", mail(To=f"<listserv@{DOMAIN}> <ann@example.com>")),
    "an open quote": ("is_addressed_to_us", mail(To=f'"Ann, listserv@{DOMAIN}')),
    "old": ("is_dated_now", mail(Date="Fri, 20 Nov 2026 11:59:59 +0000")),
    "of the future": ("is_dated_now", mail(Date="Tue, 24 Nov 2026 12:00:01 +0000")),
    "no date that we know": ("is_dated_now", mail(Date="yesterday")),
    "a date without end": ("is_dated_now", mail(Date=FIELDS["Date"] + " " * 10 + "(x)" * 50)),
}


@pytest.mark.parametrize("name", BROKEN_MAILS)
def test_a_mail_breaks_one_rule(name: str) -> None:
    rule, raw = BROKEN_MAILS[name]
    told = letter(GOOD[: GOOD.index(b"From:")] + raw)

    assert broken_by_mail(told) == rule
    assert [one.__name__ for one in MAIL_RULES if not one(told)] in (
        [rule],
        # Where a needed field is missing or odd, those that read it fail as well.
        [rule, "is_addressed_to_us"],
        [rule, "is_dated_now"],
        [rule, "has_a_message_id"],
        [rule, "has_its_fields_once"],
    )
    assert look(told, settings()).signatures == ()


@pytest.mark.parametrize(
    "to",
    [
        f"LISTSERV@{DOMAIN.upper()}",
        f"The server <listserv@{DOMAIN}>",
        f'"a, b" <ann@example.com>, listserv@{DOMAIN}',
        f"ann@example.com (Ann), listserv@{DOMAIN} (Server)",
        f"friends: ann@example.com, listserv@{DOMAIN};",
    ],
)
def test_our_address_is_found_in_to(to: str) -> None:
    assert broken_by_mail(letter(mail(To=to))) is None


def test_our_address_is_found_in_cc() -> None:
    assert broken_by_mail(letter(mail(To="ann@example.com", Cc=f"listserv@{DOMAIN}"))) is None


@pytest.mark.parametrize("date", ["Sun, 22 Nov 2026 12:00:00 -0000", "22 Nov 2026 12:00 GMT (x)"])
def test_a_date_of_any_form_counts(date: str) -> None:
    assert broken_by_mail(letter(mail(Date=date))) is None


@pytest.mark.parametrize(
    ("days", "kept"), [(1.99, True), (2.01, False), (-1.99, True), (-2.01, False)]
)
def test_the_date_serves_two_days(days: float, kept: bool) -> None:
    assert (broken_by_mail(letter(GOOD, received_at=at(days))) is None) is kept


@pytest.mark.parametrize(
    ("rule", "author", "raw"),
    [
        ("is_not_ours", f"joe@{DOMAIN}", {"domain": DOMAIN}),
        ("is_not_ours", f"joe@{DOMAIN}", {"domain": DOMAIN, "selector": "another"}),
        ("is_not_ours", f"joe@sub.{DOMAIN}", {"domain": DOMAIN}),
        ("is_aligned", "joe@example.net", {"domain": "example.com"}),
        ("is_aligned", "joe@example.net", {"domain": "mail.example.net"}),
        ("is_aligned", "joe@badexample.net", {"domain": "example.net"}),
        ("is_aligned", "joe@example.net", {"domain": "net"}),
    ],
)
def test_whose_signature_counts(rule: str, author: str, raw: dict[str, str]) -> None:
    told = letter(sign(mail(From=author), **raw))

    assert failing(told) == [rule]


def failing(told: Letter) -> list[str]:
    found = only(told)
    return [one.__name__ for one in SIGNATURE_RULES if not one(told, found, DOMAIN)]


def test_a_parent_domain_signs_for_its_children() -> None:
    assert failing(letter(sign(mail(From="joe@mail.example.net")))) == []


@pytest.mark.parametrize("name", COVERED)
def test_each_field_that_is_there_must_be_covered(name: str) -> None:
    if name == "from":
        raw = sign(mail()).replace(b"h=from :", b"h=x-from :", 1)
    else:
        raw = sign(mail(Cc="ann@example.com"), covered=[one for one in COVERED if one != name])

    assert failing(letter(raw)) == ["covers_its_fields"]


def test_any_content_field_must_be_covered() -> None:
    raw = mail(content_transfer_encoding="7bit")

    assert failing(letter(sign(raw))) == ["covers_its_fields"]
    assert failing(letter(sign(raw, covered=(*COVERED, "content-transfer-encoding")))) == []


def test_a_field_that_is_not_there_need_not_be_covered() -> None:
    raw = mail(Subject=None, content_type=None)

    assert failing(letter(sign(raw))) == []


def test_a_signature_with_a_length_covers_nothing() -> None:
    assert failing(letter(sign(mail(), length=True))) == ["covers_the_whole_body"]


def test_sha1_counts_no_more() -> None:
    raw = sign(mail(), signature_algorithm=b"rsa-sha1")

    assert failing(letter(raw)) == ["is_strong"]


@pytest.mark.parametrize(
    "raw",
    [
        with_tag(GOOD, b"v=1"),
        with_tag(GOOD, b"z=" + b" " * 5000),
        GOOD.replace(b"d=example.net", b"d=exa mple.net"),
        GOOD.replace(b"s=s1", b"s=../s1"),
        GOOD.replace(b"s=s1", b"s=" + b"a." * 120 + b"b"),
        b"DKIM-Signature: \r\n" + mail(),
        b"DKIM-Signature:; d=\xff\r\n" + mail(),
    ],
)
def test_what_cannot_be_read_is_no_signature(raw: bytes) -> None:
    assert signatures(letter(raw).message) == (None,)
    assert look(letter(raw), settings()).signatures == ()


def test_five_signatures_are_looked_at() -> None:
    raw = mail()
    for _ in range(7):
        raw = sign(raw)

    assert len(look(letter(raw), settings()).signatures) == 5


@pytest.mark.parametrize(
    "told",
    [
        letter(GOOD, rcpt=f"test-l-request@{DOMAIN}"),
        letter(GOOD, rcpt=f"owner-test-l@{DOMAIN}"),
        letter(GOOD, confirmed=True),
        letter(mail()),
    ],
)
def test_nothing_is_looked_up_where_nothing_is_to_be_proved(told: Letter) -> None:
    assert look(told, settings()).signatures == ()


def test_the_setting_turns_it_off() -> None:
    assert look(letter(GOOD), settings(dkim=False)).signatures == ()


@given(st.binary(max_size=300))
def test_no_signature_field_breaks_us(value: bytes) -> None:
    look(letter(b"DKIM-Signature: " + value + b"\r\n" + mail()), settings())


@given(st.binary(max_size=300), st.sampled_from(["To", "Date", "Message-ID", "Cc"]))
def test_no_field_breaks_us(value: bytes, name: str) -> None:
    raw = mail(**{name: None})
    broken_by_mail(letter(name.encode() + b": " + value + b"\r\n" + raw))
