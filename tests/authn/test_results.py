"""What our own MTA's Authentication-Results are believed, and what they prove."""

from __future__ import annotations

from typing import Any

import pytest
from authn_rig import COVERED, DOMAIN, letter, mail, settings, sign
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.authn.proof import look
from listserv_py.authn.results import read_results
from listserv_py.mail.envelope import Protocol
from listserv_py.mail.proof import Proof

MTA = "mx.example.org"
PASSED = f"Authentication-Results: {MTA}; dkim=pass header.d=example.net\n"


def proof(raw: bytes, trust: dict[str, Any] | None = None, **told: Any) -> Proof:
    told = {"protocol": Protocol.LMTP, "client": ""} | told
    trust = {"dkim": False, "authserv_ids": [MTA]} if trust is None else trust
    return look(letter(raw, **told), settings(**trust)).letter.proof


def said(value: str, **fields: str) -> bytes:
    return mail(more=f"Authentication-Results: {value}\n", **fields)


def test_a_signature_that_our_mta_has_verified_proves() -> None:
    assert proof(PASSED.replace("\n", "\r\n").encode() + sign(mail())) is Proof.AUTHSERV
    assert proof(mail(more=PASSED)) is Proof.AUTHSERV


@pytest.mark.parametrize(
    "value",
    [
        f"{MTA}; dkim=pass header.d=example.net",
        f"{MTA.upper()} 1; DKIM=PASS header.d=Example.NET",
        f'"{MTA}"; dkim=pass reason="good ; signature" header.d=example.net header.i=@example.net',
        f"{MTA}; spf=fail smtp.mailfrom=x@y.org;\n dkim=pass (2048-bit; (nested))\n"
        " header.d=example.net\n header.b=AbCd12",
        f"{MTA} (we); dkim=pass header.d=example.net (yes); dmarc=pass header.from=example.net",
        f"{MTA}; dkim=fail header.d=example.com; dkim=pass header.d=example.net",
    ],
)
def test_a_field_of_any_form_is_read(value: str) -> None:
    assert proof(said(value)) is Proof.AUTHSERV


@pytest.mark.parametrize(
    "value",
    [
        "mx.example.com; dkim=pass header.d=example.net",
        f"evil.{MTA}; dkim=pass header.d=example.net",
        f"{MTA}; dkim=fail header.d=example.net",
        f"{MTA}; dkim=none; spf=pass smtp.mailfrom=joe@example.net",
        f"{MTA}; dkim=pass header.d=example.com",
        f"{MTA}; dkim=pass header.d=net",
        f"{MTA}; dkim=pass header.d=mail.example.net",
        f"{MTA}; dkim=pass",
        f"{MTA}; dkim=pass header.i=@example.net",
        f"{MTA}; none",
        f"{MTA}",
        "",
        f"{MTA} 2; dkim=pass header.d=example.net",
        f"{MTA}; dkim=fail (dkim=pass header.d=example.net)",
        f'{MTA}; spf=fail smtp.mailfrom="x; dkim=pass header.d=example.net"@y.org',
        f'{MTA}; spf=fail smtp.mailfrom="x; dkim=pass header.d=example.net',
        f"{MTA}; dkim=pass header.d=example.com header.d=example.net",
        f"{MTA}; dkim=passed header.d=example.net",
        f"{MTA}; dkim=pass header.d=example.net; what is this",
        f"{MTA} (open; dkim=pass header.d=example.net",
        f"{MTA}; dmarc=pass header.from=example.com",
        f"{MTA}; dmarc=fail header.from=example.net",
        f"{MTA}; dkim=pass header.d=example.net; x=" + "y" * 5000,
    ],
)
def test_what_does_not_say_so_proves_nothing(value: str) -> None:
    assert proof(said(value)) is Proof.NONE


@pytest.mark.parametrize(
    ("told", "proven"),
    [
        ({"protocol": Protocol.LMTP, "client": "192.0.2.1"}, True),
        ({"protocol": Protocol.SMTP, "client": "127.0.0.1"}, True),
        ({"protocol": Protocol.SMTP, "client": "::1"}, True),
        ({"protocol": Protocol.SMTP, "client": "192.0.2.1"}, False),
    ],
)
def test_only_our_own_mta_is_believed(told: dict[str, Any], proven: bool) -> None:
    assert (proof(mail(more=PASSED), **told) is Proof.AUTHSERV) is proven


def test_nobody_is_believed_out_of_the_box() -> None:
    assert proof(mail(more=PASSED), trust={}) is Proof.NONE


@pytest.mark.parametrize(
    "on_top", [f"{MTA}; spf=pass smtp.mailfrom=example.net", "mx.example.com; dkim=none", "("]
)
def test_only_the_topmost_field_counts(on_top: str) -> None:
    assert proof(mail(more=f"Authentication-Results: {on_top}\n{PASSED}")) is Proof.NONE


def test_the_rules_for_mails_hold_all_the_same() -> None:
    for field in ({"Date": "Thu, 1 Jan 2026 00:00:00 +0000"}, {"To": f"other-l@{DOMAIN}"}):
        assert proof(mail(more=PASSED, **field)) is Proof.NONE
    assert proof(mail(more=PASSED + "Subject: two\n")) is Proof.NONE


@pytest.mark.parametrize(
    "weak",
    [
        sign(mail(), covered=[one for one in COVERED if one != "to"]),
        sign(mail(), length=True),
        sign(sign(mail(), covered=("from", "subject"))),
        b"DKIM-Signature: what\r\n" + mail(),
        b"DKIM-Signature: v=1; d=example.com; s=x\r\n" * 5 + sign(mail(), covered=("from",)),
    ],
)
def test_every_signature_of_that_domain_must_keep_the_rules(weak: bytes) -> None:
    """Somebody may have put a better one beside the one that passed."""
    assert proof(PASSED.replace("\n", "\r\n").encode() + weak) is Proof.NONE


def test_our_own_signature_proves_nobody() -> None:
    value = f"{MTA}; dkim=pass header.d={DOMAIN}"

    assert proof(said(value, From=f"joe@{DOMAIN}")) is Proof.NONE


DMARC = f"{MTA}; dmarc=pass (p=reject) header.from=example.net"


def test_dmarc_counts_in_an_unsigned_mail_from_the_domain_itself() -> None:
    assert proof(said(DMARC)) is Proof.AUTHSERV


def test_dmarc_may_have_passed_by_a_signature_that_proves_nothing() -> None:
    signed = sign(mail(), domain=DOMAIN)
    raw = f"Authentication-Results: {DMARC}\r\n".encode() + signed

    assert proof(raw) is Proof.NONE


def test_dmarc_says_nothing_of_a_mail_that_another_domain_has_brought() -> None:
    assert proof(said(DMARC), reverse_path="bounce@example.com") is Proof.NONE


def test_dmarc_of_our_own_domain_proves_nobody() -> None:
    value = f"{MTA}; dmarc=pass header.from={DOMAIN}"

    assert proof(said(value, From=f"joe@{DOMAIN}"), reverse_path=f"joe@{DOMAIN}") is Proof.NONE


@given(st.text(st.sampled_from('ab=;.()"\\ 1\t'), max_size=60))
def test_reading_never_fails(value: str) -> None:
    read_results(value)


@given(st.text(max_size=200))
def test_reading_never_fails_on_any_text(value: str) -> None:
    read_results(value)
