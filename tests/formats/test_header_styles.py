import base64
import re

import dkim
import pytest
from cryptography.hazmat.primitives import serialization
from rsa_key import KEY

from listserv_py.delivery import personal
from listserv_py.delivery.render import render
from listserv_py.delivery.variants import VariantKey, wanted
from listserv_py.lists.options import HeaderStyle, Options
from listserv_py.mail.listheaders import ListFacts, decode, list_fields
from listserv_py.mail.message import read

FACTS = ListFacts(
    listname="TEST-L",
    title="Tests for all",
    domain="lists.example.org",
    command_address="listserv@lists.example.org",
    subject_tag="TEST-L",
    archive_url="https://lists.example.org/TEST-L",
    approved_by="ed@example.org",
    stamp=1791190800,
)
OWN = personal.fields(FACTS, str)
POST = (
    b"Received: from a by b; Mon, 5 Oct 2026 09:00:00 +0000\r\n"
    b"FROM:  Joe Doe\r\n\t<joe@example.org>\r\n"
    b"To: test-l@lists.example.org\r\n"
    b"Cc: ann@example.net\r\n"
    b"Reply-To: home@example.org\r\n"
    b"subject:   =?utf-8?q?Caf=C3=A9?=\r\n =?utf-8?q?_au_lait?=\r\n"
    b"Date: Mon, 5 Oct 2026 11:00:00 +0200\r\n"
    b"Message-ID: <1@example.org>\r\n"
    b"References: <0@example.org>\r\n"
    b"X-Mine: kept\r\n"
    b"MIME-Version: 1.0\r\n"
    b"Content-Type: text/plain; charset=utf-8\r\n"
    b"\r\n"
    b"Hello\r\n"
)


def copy(raw=POST, style=HeaderStyle.FULL, facts=FACTS, *, plain=False):
    variant = render(raw, facts, plain=plain, style=style)
    return variant.head + b"\r\n" + variant.body


def with_facts(**changes):
    return ListFacts(**{name: getattr(FACTS, name) for name in FACTS.__slots__} | changes)


def test_full_header_keeps_the_authors_fields_in_place() -> None:
    head, _, body = POST.partition(b"\r\n\r\n")
    received, _, mine = head.partition(b"\r\n")
    made = copy()
    assert made.startswith(received + b"\r\nApproved-By: ed@example.org\r\nSender: owner-test-l@")
    assert made.endswith(mine + b"\r\n\r\n" + body)


def test_list_fields_of_the_contract() -> None:
    mail = read(copy())
    found = {one.name: one.value.decode() for one in mail.fields}
    assert found["sender"] == "owner-test-l@lists.example.org"
    assert found["precedence"] == "list"
    assert found["list-id"] == "Tests for all <test-l.lists.example.org>"
    assert found["list-post"] == "<mailto:test-l@lists.example.org>"
    assert found["list-help"] == "<mailto:listserv@lists.example.org?body=INFO%20TEST-L>"
    assert found["list-subscribe"] == "<mailto:test-l-subscribe-request@lists.example.org>"
    assert found["list-unsubscribe"] == "<mailto:test-l-unsubscribe-request@lists.example.org>"
    assert found["list-owner"] == "<mailto:test-l-request@lists.example.org>"
    assert found["list-archive"] == "<https://lists.example.org/TEST-L>"
    closed = dict(list_fields(with_facts(send_closed=True, archive_url="")))
    assert closed["List-Post"] == "NO"
    assert "List-Archive" not in closed


@pytest.mark.parametrize(
    "title", ["", "a\r\nBcc: x@y", "Ä" * 300, "x" * 300, 'say "hi", <you>', "=?utf-8?q?a?="]
)
def test_list_id_is_short_and_on_its_own(title: str) -> None:
    mail = read(copy(facts=with_facts(title=title)))
    (found,) = mail.all("list-id")
    assert len(found.value) <= 255
    assert found.value.endswith(b"<test-l.lists.example.org>")
    assert not mail.all("bcc")


def test_facts_are_stored_as_json() -> None:
    assert decode(FACTS.encode()) == FACTS
    assert decode(with_facts(title="Täst \r\n\x00").encode()).title == "Täst \r\n\x00"


def test_subject_tag_goes_before_the_raw_subject() -> None:
    made = copy(style=HeaderStyle.SUBJECT)
    assert b"subject: [TEST-L] =?utf-8?q?Caf=C3=A9?=\r\n =?utf-8?q?_au_lait?=\r\n" in made
    assert read(made).subject == "[TEST-L] Café au lait"


@pytest.mark.parametrize(
    ("subject", "tag", "shown"),
    [
        ("Re: [TEST-L] hi", "TEST-L", "Re: [TEST-L] hi"),
        ("[test-l] hi", "TEST-L", "[test-l] hi"),
        ("Re: hi", "TEST-L", "[TEST-L] Re: hi"),
        ("=?utf-8?b?W1RFU1QtTF0gw6Q=?=", "TEST-L", "[TEST-L] ä"),
        ("=?utf-8?q?=C3=A4?=", "Täg", "[Täg] ä"),
        ("hi", "Täg", "[Täg] hi"),
        ("", "TEST-L", "[TEST-L]"),
        ("word " * 190, "TEST-L", "[TEST-L] " + ("word " * 190).strip()),
    ],
)
def test_subject_tag(subject: str, tag: str, shown: str) -> None:
    raw = b"From: joe@example.org\r\nSubject: " + subject.encode() + b"\r\n\r\nx\r\n"
    made = copy(raw, HeaderStyle.SUBJECT, with_facts(subject_tag=tag))
    assert read(made).subject == shown
    assert max(map(len, made.split(b"\r\n"))) <= 998


def test_subject_tag_where_there_is_no_subject() -> None:
    assert read(copy(b"From: joe@example.org\r\n\r\nx", HeaderStyle.SUBJECT)).subject == "[TEST-L]"


@pytest.mark.parametrize(
    ("style", "respect", "expected"),
    [
        (HeaderStyle.FULL, True, "home@example.org"),
        (HeaderStyle.FULL, False, "Tests <test-l@lists.example.org>"),
        (HeaderStyle.IETF, False, "home@example.org"),
        (HeaderStyle.SUBJECT, False, "Tests <test-l@lists.example.org>"),
        (HeaderStyle.SHORT, True, "home@example.org"),
        (HeaderStyle.SHORT, False, "Tests <test-l@lists.example.org>"),
    ],
)
def test_reply_to(style: HeaderStyle, respect: bool, expected: str) -> None:
    facts = with_facts(reply_to="Tests <test-l@lists.example.org>", reply_respect=respect)
    mail = read(copy(style=style, facts=facts))
    assert [one.value.decode() for one in mail.all("reply-to")] == [expected]


def test_reply_to_of_the_author_stays_when_the_list_sets_none() -> None:
    assert read(copy()).text("reply-to") == "home@example.org"


def test_ietf_header_adds_only_what_the_contract_demands() -> None:
    before, after = read(POST), read(copy(style=HeaderStyle.IETF))
    added = {one.name for one in after.fields} - {one.name for one in before.fields}
    assert {name for name in added if not name.startswith("list-")} == {"sender", "precedence"}


def test_short_header() -> None:
    names = {one.name for one in read(copy(style=HeaderStyle.SHORT)).fields}
    assert {name for name in names if not name.startswith("list-")} == {
        *("received", "to", "from", "date", "subject", "reply-to", "message-id", "mime-version"),
        *("content-type", "sender", "precedence", "approved-by"),
    }


@pytest.mark.parametrize("style", [HeaderStyle.FULL822, HeaderStyle.SHORT822])
def test_822_headers_name_the_reader(style: HeaderStyle) -> None:
    variant = render(POST, FACTS, plain=False, style=style)
    assert variant.own == ("to",)
    assert not read(variant.head + b"\r\n").all("to")
    assert OWN(style, "Ann.Reader@example.net", 1) == b"To: Ann.Reader@example.net\r\n"
    assert OWN(style, "änn@example.net", 1).isascii()


def test_other_headers_are_the_same_for_all_readers() -> None:
    variant = render(POST, FACTS, plain=False, style=HeaderStyle.FULL)
    assert not variant.own
    assert variant.own_at is None


def test_dual_header_stands_in_the_text() -> None:
    body = read(copy(style=HeaderStyle.DUAL)).root.as_text()
    assert body == (
        "Date: Mon, 5 Oct 2026 11:00:00 +0200\nFrom: Joe Doe <joe@example.org>\n"
        "To: test-l@lists.example.org\nSubject: Café au lait\n\nHello\n"
    )


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "quoted-printable", "base64"])
@pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "utf-8", "x-unknown", "utf-16"])
def test_dual_header_in_any_encoding(encoding: str, charset: str) -> None:
    raw = (
        b"From: joe@example.org\r\nSubject: =?utf-8?q?Caf=C3=A9?=\r\nContent-Type: text/plain; "
        + f"charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n".encode()
        + (b"SGVsbG8K\r\n" if encoding == "base64" else b"Hello\r\n")
    )
    mail = read(copy(raw, HeaderStyle.DUAL))
    assert mail.root.as_text().startswith("From: joe@example.org\nSubject: Café\n\n")
    if charset != "utf-16":
        assert mail.root.as_text().rstrip().endswith("Hello")


@pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "iso-2022-jp", "utf-16", "koi8-r"])
def test_dual_header_loses_no_letter(charset: str) -> None:
    raw = (
        "From: joe@example.org\r\nSubject: =?utf-8?q?=E4=BD=A0_=C3=A4?=\r\n"
        f"Content-Type: text/plain; charset={charset}; format=flowed; name=x\r\n"
        "Content-Transfer-Encoding: base64\r\n\r\n"
    ).encode() + base64.encodebytes("Hello\r\n".encode(charset))
    mail = read(copy(raw, HeaderStyle.DUAL))
    assert mail.root.as_text() == "From: joe@example.org\nSubject: 你 ä\n\nHello\n"
    assert mail.text("content-type") == "text/plain; charset=utf-8; format=flowed"


def test_dual_header_leaves_signed_mail_alone() -> None:
    raw = (
        b"From: a@b.org\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n"
        b"--s\r\n\r\nsigned\r\n--s\r\nContent-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
    )
    assert read(copy(raw, HeaderStyle.DUAL)).body == read(raw).body


def test_missing_date_and_message_id_are_added_and_the_same_again() -> None:
    raw = b"From: joe@example.org\r\n\r\nHello\r\n"
    made = read(copy(raw))
    assert made.text("date") == "Mon, 05 Oct 2026 09:00:00 +0000"
    assert made.message_id is not None
    assert copy(raw) == copy(raw)
    assert read(copy(raw + b"!")).message_id != made.message_id


def test_fields_that_may_stand_once_do() -> None:
    raw = b"Subject: one\r\nTo: a@b.org\r\nFrom: joe@example.org\r\nSubject: two\r\n\r\nHello\r\n"
    mail = read(copy(raw))
    assert [one.value for one in mail.all("subject")] == [b"two"]


@pytest.mark.parametrize("style", [HeaderStyle.FULL, HeaderStyle.IETF, HeaderStyle.SUBJECT])
def test_a_blank_before_the_colon_goes(style: HeaderStyle) -> None:
    mail = copy(b"From: joe@example.org\r\nSUBJECT \t: a : b\r\n\r\nx\r\n", style)
    assert re.search(rb"\r\nSUBJECT: (\[TEST-L\] )?a : b\r\n", mail)


@pytest.mark.parametrize(
    "value",
    [
        b"lists.example.org; dkim=pass",
        b"LISTS.example.org 1; dkim=pass",
        b"(a comment) lists.example.org (b); dkim=pass",
        b'"lists.example.org"; dkim=pass',
        b"mx.example.org; dkim=pass",
        b"(never (closed; dkim=pass",
    ],
)
def test_claims_under_our_name_go_however_they_are_written(value: bytes) -> None:
    claim = b"Authentication-Results: " + value + b"\r\n"
    theirs = b"Authentication-Results: (lists.example.org) mail.example.net; spf=pass\r\n"
    made = copy(claim + theirs + POST, facts=with_facts(authserv_ids="mx.example.org"))
    assert claim not in made
    assert theirs in made


def test_octets_that_are_not_utf8_are_encoded_in_the_header_only() -> None:
    raw = "From: joe@example.org\r\nX-Note: Größe\r\nX-UTF-8: Größe\r\n\r\ngroß\r\n".encode()
    raw = raw.replace("Größe".encode(), "Größe".encode("latin-1"), 1)
    made = copy(raw)
    assert read(made).text("x-note") == "Größe"
    assert made.partition(b"\r\n\r\n")[0].decode("utf-8")
    assert made.endswith("X-UTF-8: Größe\r\nDate".encode() + made.partition(b"\r\nDate")[2])
    assert made.endswith("\r\n\r\ngroß\r\n".encode())


def test_a_header_that_just_keeps_to_the_limits_stays_whole() -> None:
    many = b"From: joe@example.org\r\n" + b"X: y\r\n" * 998 + b"Content-Type: text/html\r\n"
    assert read(many).fault is None
    for plain in (False, True):
        mail = read(copy(many + b"\r\n<p>Hello</p>\r\n", plain=plain), room=2)
        assert mail.body == (b"Hello\r\n" if plain else b"<p>Hello</p>\r\n")
        assert len(mail.all("x")) == 998


def test_variant_of_a_subscriber() -> None:
    assert wanted(Options()) == VariantKey(plain=False, style=HeaderStyle.FULL)
    assert wanted(Options(html=True)).plain is False
    assert wanted(Options(html=False)).plain is True
    assert personal.names(FACTS, wanted(Options(header=HeaderStyle.FULL822)).style)


@pytest.mark.parametrize("style", [HeaderStyle.FULL, HeaderStyle.IETF])
@pytest.mark.parametrize("canonical", [b"relaxed", b"simple"])
def test_authors_dkim_signature_survives(style: HeaderStyle, canonical: bytes) -> None:
    private = KEY.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    public = KEY.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    record = b"v=DKIM1; k=rsa; p=" + b"".join(public.splitlines()[1:-1])
    head, _, rest = POST.partition(b"\r\n")
    raw = rest.replace(b"Hello", "Grüße,\r\n\r\n.. all  \r\n".encode())
    signed = ("from", "to", "cc", "subject", "date", "message-id", "reply-to", "references")
    signature = dkim.sign(
        raw,
        b"s",
        b"example.org",
        private,
        canonicalize=(canonical, canonical),
        include_headers=[name.encode() for name in (*signed, *signed)],
    )
    arrived = b"Return-Path: <joe@example.org>\r\n" + head + b"\r\n" + signature + raw
    made = copy(arrived, style)
    assert made != arrived
    assert dkim.verify(made, dnsfunc=lambda *_, **__: record)
