"""Signatures verified against a DNS of our own: what passes, what fails, what is not known."""

from __future__ import annotations

import base64

import dkim
import pytest
from authn_rig import (
    ED_PUBLIC,
    ED_SEED,
    RECORD,
    SHORT,
    letter,
    mail,
    public,
    settings,
    sign,
    txt,
    verifier,
    zone,
)
from cryptography.hazmat.primitives.asymmetric import rsa
from dkim.canonicalization import Relaxed
from hypothesis import given
from hypothesis import strategies as st
from name_server import NameServer

from listserv_py.authn.dkim import Outcome, _outcome, is_usable
from listserv_py.authn.proof import look, settle
from listserv_py.authn.signature import Signature, signatures
from listserv_py.mail.message import read
from listserv_py.mail.proof import Proof
from listserv_py.mail.relaxed import compressed

NAME = "s1._domainkey.example.net"
PLAIN = (b"simple", b"simple")


async def outcomes(raw: bytes, records: dict[tuple[str, str], list[str] | str]) -> list[str]:
    message = read(raw)
    found = [one for one in signatures(message) if one is not None]
    async with NameServer(records).listening() as names:
        return list(await verifier(names).verify(message, found))


async def proof(raw: bytes, records: dict[tuple[str, str], list[str] | str]) -> Proof:
    async with NameServer(records).listening() as names:
        told = await settle(look(letter(raw), settings()), verifier(names))
    assert bool(told.proves_once) == told.proof.is_proven
    return told.proof


@pytest.mark.parametrize("canonicalize", [PLAIN, (b"relaxed", b"relaxed"), (b"relaxed", b"simple")])
@pytest.mark.parametrize("body", ["", "\n\n", "SIGNOFF TEST-L\n", "a \t b  \n  c\n \n\n", "no end"])
async def test_what_dkimpy_signs_we_verify(canonicalize: tuple[bytes, bytes], body: str) -> None:
    raw = sign(mail(body), canonicalize=canonicalize)

    assert await outcomes(raw, zone()) == [Outcome.PASS]
    assert await proof(raw, zone()) is Proof.DKIM


async def test_ed25519() -> None:
    raw = sign(mail(), key=ED_SEED, signature_algorithm=b"ed25519-sha256")
    record = f"v=DKIM1; k=ed25519; p={ED_PUBLIC}"

    assert await outcomes(raw, zone(record=record)) == [Outcome.PASS]
    assert await outcomes(raw, zone()) == [Outcome.PERMERROR]


async def test_the_second_signature_may_prove() -> None:
    raw = sign(sign(mail()), selector="gone")

    assert await outcomes(raw, zone()) == [Outcome.PERMERROR, Outcome.PASS]
    assert await proof(raw, zone()) is Proof.DKIM


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"SIGNOFF TEST-L", b"SIGNOFF *"),
        (b"Joe <joe@", b"Joe <ann@"),
        (b"Subject: a", b"Subject: b"),
        (b"<1@example.net>", b"<2@example.net>"),
        (b" 12:00:00 ", b" 12:00:01 "),
        (b"To: listserv@", b"To: Listserv@"),
        (b"text/plain", b"text/html"),
    ],
)
async def test_whatever_is_changed_breaks_it(old: bytes, new: bytes) -> None:
    raw = sign(mail())
    assert old in raw

    assert await outcomes(raw.replace(old, new, 1), zone()) == [Outcome.FAIL]
    assert await proof(raw.replace(old, new, 1), zone()) is Proof.NONE


@pytest.mark.parametrize("answer", ["MUTE", "SERVFAIL"])
async def test_a_dns_that_does_not_answer_proves_nobody_and_breaks_nothing(answer: str) -> None:
    assert await outcomes(sign(mail()), {(NAME, "TXT"): answer}) == [Outcome.TEMPERROR]
    assert await proof(sign(mail()), {(NAME, "TXT"): answer}) is Proof.NONE


async def test_all_keys_together_have_a_limit() -> None:
    message = read(sign(sign(mail()), selector="s2"))
    found = [one for one in signatures(message) if one is not None]
    names = {(NAME, "TXT"): "MUTE", ("s2._domainkey.example.net", "TXT"): "MUTE"}
    async with NameServer(names).listening() as server:
        got = await verifier(server, limit=0.05).verify(message, found)

    assert got == (Outcome.TEMPERROR, Outcome.TEMPERROR)


async def test_another_limit_counts_from_then_on() -> None:
    message = read(sign(mail()))
    found = [one for one in signatures(message) if one is not None]
    async with NameServer(zone()).listening() as names:
        made = verifier(names, limit=0)
        assert await made.verify(message, found) == (Outcome.TEMPERROR,)
        assert (await made.policies.of("example.net")).policy is None
        made.apply(30.0)
        assert await made.verify(message, found) == (Outcome.PASS,)
        assert (await made.policies.of("example.org")).policy is not None


@pytest.mark.parametrize(
    "records",
    [
        {},
        zone(record="v=DKIM1; p="),
        zone(record="v=spf1 -all"),
        {(NAME, "TXT"): [txt(RECORD), txt("v=DKIM1; p=")]},
    ],
)
async def test_a_key_that_is_not_there_proves_nobody(
    records: dict[tuple[str, str], list[str] | str],
) -> None:
    assert await outcomes(sign(mail()), records) == [Outcome.PERMERROR]


def signature(**told: str) -> Signature:
    (found,) = signatures(read(sign(mail(), **told)))
    assert found is not None
    return found


SHA256 = signature()


@pytest.mark.parametrize(
    ("record", "usable"),
    [
        (RECORD, True),
        (RECORD.replace("v=DKIM1; k=rsa; ", ""), True),
        (f"{RECORD}; s=email; h=sha1:sha256; t=s", True),
        (f"{RECORD}; s=*; n=notes", True),
        (f"v=DKIM1; p={public(SHORT)}", True),
        (RECORD.replace("DKIM1", "DKIM2"), False),
        (RECORD.replace("k=rsa", "k=ed25519"), False),
        (RECORD.replace("k=rsa", "k=other"), False),
        (f"{RECORD}; t=y", False),
        (f"{RECORD}; t=s:y", False),
        (f"{RECORD}; s=tlsrpt", False),
        (f"{RECORD}; h=sha1", False),
        (f"{RECORD}; {RECORD}", False),
        ("v=DKIM1; p=AAAA", False),
        ("v=DKIM1; p=%%%", False),
        ("v=DKIM1; p=\xff", False),
        (f"{RECORD}; n={'x' * 4096}", False),
    ],
)
def test_which_keys_count(record: str, usable: bool) -> None:
    assert is_usable(record.encode("latin-1"), SHA256) is usable


def test_a_strict_key_serves_its_own_domain_only() -> None:
    (found,) = signatures(read(sign(mail(), identity=b"@mail.example.net")))
    assert found is not None

    assert is_usable(RECORD.encode(), found)
    assert not is_usable(f"{RECORD}; t=s".encode(), found)


def test_keys_that_are_weak_or_take_long_are_refused() -> None:
    weak = rsa.RSAPublicNumbers(65537, (1 << 1022) + 1)
    slow = rsa.RSAPublicNumbers((1 << 2000) + 1, RSA_MODULUS)
    long = rsa.RSAPublicNumbers(65537, (1 << 9000) + 1)

    for numbers in (weak, slow, long):
        assert not is_usable(b"v=DKIM1; p=" + der(numbers), SHA256)
    assert is_usable(b"v=DKIM1; p=" + der(rsa.RSAPublicNumbers(65537, RSA_MODULUS)), SHA256)


RSA_MODULUS = (1 << 2047) + 9


def der(numbers: rsa.RSAPublicNumbers) -> bytes:
    """An RSAPublicKey by hand: the library refuses to make such keys."""

    def integer(value: int) -> bytes:
        raw = value.to_bytes(value.bit_length() // 8 + 1, "big")
        return b"\x02" + length(len(raw)) + raw

    def length(count: int) -> bytes:
        return bytes([count]) if count < 128 else b"\x82" + count.to_bytes(2, "big")

    inner = integer(numbers.n) + integer(numbers.e)
    return base64.b64encode(b"\x30" + length(len(inner)) + inner)


@pytest.mark.parametrize("kind", [None, b"\xff", b"v=DKIM1; p=AAAA"])
def test_whatever_dkimpy_raises_is_an_outcome(kind: bytes | None) -> None:
    message = read(sign(mail()))

    assert _outcome(message, message.body, SHA256, kind or b"") in (
        Outcome.FAIL,
        Outcome.PERMERROR,
    )


@given(st.text(" \tab\n", max_size=400))
def test_blanks_put_together_first_change_no_body(text: str) -> None:
    body = text.replace("\n", "\r\n").encode()

    assert Relaxed.canonicalize_body(compressed(body)) == Relaxed.canonicalize_body(body)


@pytest.mark.timeout(60)
async def test_a_body_of_blanks_takes_no_time() -> None:
    body = (" " * 60_000 + "x\n") * 100
    raw = (
        b"DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.net; s=s1; h=from:to:\r\n"
    )
    raw += b" cc:subject:date:message-id:content-type; bh=AAAA; b=AAAA\r\n" + mail(body)

    assert await outcomes(raw, zone()) == [Outcome.FAIL]


async def test_our_verdict_is_dkimpys() -> None:
    raw = sign(mail("a  b \n\n\n"))
    for at in range(0, len(raw), 97):
        changed = raw[:at] + b"x" + raw[at + 1 :]
        theirs = accepts(changed)
        if theirs is not None and signatures(read(changed)) not in ((), (None,)):
            assert ((await outcomes(changed, zone())) == [Outcome.PASS]) is theirs


def accepts(raw: bytes) -> bool | None:
    try:
        return bool(dkim.verify(raw, dnsfunc=lambda *_, **__: RECORD.encode()))
    except dkim.DKIMException:
        return False
    except Exception:  # noqa: BLE001 - it raises whatever Python happens to
        return None


async def test_two_deliveries_of_one_mail_are_known_by_the_same_mark() -> None:
    """A signature's own bytes can be folded otherwise; what it covers cannot be changed."""
    raw = sign(mail())
    folded = raw.replace(b"; h=", b";\r\n  h=", 1)
    async with NameServer(zone()).listening() as names:
        found = [
            await settle(look(letter(one), settings()), verifier(names)) for one in (raw, folded)
        ]
        other = await settle(
            look(letter(sign(mail(message_id="<2@x.org>"))), settings()), verifier(names)
        )

    assert found[0].proves_once == found[1].proves_once != other.proves_once
