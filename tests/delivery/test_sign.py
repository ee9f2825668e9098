import base64
import os
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import dkim
import dns.message
import dns.rrset
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from dkim.canonicalization import CanonicalizationPolicy
from hypothesis import given
from hypothesis import strategies as st
from rsa_key import KEY

from listserv_py.config import Dkim
from listserv_py.delivery.sign import OVERSIGNED, Signer, load, seal, signatures
from listserv_py.delivery.wire import split
from listserv_py.errors import ConfigError
from listserv_py.mail.fields import read_header
from listserv_py.mail.relaxed import relaxed_body

RECORD = (
    KEY.public_key()
    .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    .decode()
    .replace("\n", "")
    .removeprefix("-----BEGIN PUBLIC KEY-----")
    .removesuffix("-----END PUBLIC KEY-----")
)
ED = ed25519.Ed25519PrivateKey.generate()
ED_RECORD = base64.b64encode(ED.public_key().public_bytes_raw()).decode()
STAMP = int(time.time())
MAIL = (
    b"Received: from a by b\r\nFrom: Author <author@example.org>\r\nTo: test-l@lists.test\r\n"
    b"Subject:  A   long\r\n subject \r\nDate: Mon, 1 Jun 2026 10:00:00 +0000\r\n"
    b"Message-ID: <1@example.org>\r\nList-Id: <test-l.lists.test>\r\n"
    b"List-Unsubscribe: <mailto:test-l-unsubscribe-request@lists.test>\r\n"
    b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n\r\n"
    b"Hello  \r\n\r\n.dot\r\n\r\n\r\n"
)


def signed(mail: bytes = MAIL) -> bytes:
    return signatures([Signer("lists.test", "lists", KEY)], seal(*split(mail), STAMP)) + mail


def verifies(mail: bytes) -> bool:
    return bool(dkim.verify(mail, dnsfunc=lambda *_, **__: f"v=DKIM1; k=rsa; p={RECORD}".encode()))


@pytest.fixture
def name_server() -> Iterator[int]:
    """A DNS server on loopback that answers every question with our key."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, peer = sock.recvfrom(4096)
                if data == b"end":
                    return
                query = dns.message.from_wire(data)
                answer = dns.message.make_response(query)
                name = query.question[0].name
                text = f"v=DKIM1; k=rsa; p={RECORD}"
                if str(name).startswith("second."):
                    text = f"v=DKIM1; k=ed25519; p={ED_RECORD}"
                parts = [f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)]
                answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", " ".join(parts)))
                sock.sendto(answer.to_wire(), peer)

        thread = threading.Thread(target=serve)
        thread.start()
        port = sock.getsockname()[1]
        yield port
        sock.sendto(b"end", ("127.0.0.1", port))
        thread.join()


def test_dkimpy_verifies_it() -> None:
    assert verifies(signed())


def test_a_field_that_dkimpy_cannot_read_does_not_stop_the_mail() -> None:
    mail = MAIL.replace(b"Subject:", b"Subject :", 1)
    assert b"h=from : from" in signed(mail)
    assert verifies(signed(mail).replace(b"Subject :", b"Subject:", 1))


@pytest.mark.parametrize("name", OVERSIGNED)
def test_a_field_on_top_breaks_it(name: str) -> None:
    assert not verifies(name.encode() + b": forged\r\n" + signed())


@pytest.mark.parametrize("name", OVERSIGNED)
def test_a_field_changed_breaks_it(name: str) -> None:
    mail = MAIL if f"\r\n{name}:".encode() in MAIL.lower() else name.encode() + b": x\r\n" + MAIL
    done = signed(mail)
    assert verifies(done)
    field = next(
        line for line in done.split(b"\r\n") if line.lower().startswith(name.encode() + b":")
    )
    assert not verifies(done.replace(field, field + b"y"))


def test_the_same_mailing_has_the_same_signature() -> None:
    assert signed() == signed()
    assert f"t={STAMP}; x={STAMP + 14 * 86400};".encode() in signed()
    assert b"l=" not in signed().split(b"\r\n\r\n")[0].split(b"bh=")[0]


def test_its_lines_are_short() -> None:
    assert max(map(len, signed().split(b"\r\n"))) <= 78


@pytest.mark.parametrize("body", [b"", b"\r\n", b"no end of line", b"tabs\t \r\n\r\n"])
def test_odd_bodies_verify(body: bytes) -> None:
    assert verifies(signed(MAIL.partition(b"\r\n\r\n")[0] + b"\r\n\r\n" + body))


_PERL = r"""
use Mail::DKIM::Verifier; use Mail::DKIM::DNS; use Net::DNS;
Mail::DKIM::DNS::resolver(Net::DNS::Resolver->new(nameservers => ["127.0.0.1"], port => $ARGV[0]));
my $verifier = Mail::DKIM::Verifier->new(); binmode STDIN;
while (<STDIN>) { $verifier->PRINT($_); } $verifier->CLOSE; print $verifier->result_detail;
print " ", $_->algorithm, "=", $_->result for $verifier->signatures;
"""


def _perl(mail: bytes, port: int) -> str:
    done = subprocess.run(
        ["perl", "-e", _PERL, str(port)], input=mail, capture_output=True, check=True, timeout=50
    )
    return done.stdout.decode()


def _has_perl_module() -> bool:
    try:
        subprocess.run(["perl", "-MMail::DKIM", "-e1"], capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return False
    return True


@pytest.mark.skipif(
    "CI" not in os.environ and not _has_perl_module(), reason="libmail-dkim-perl is not installed"
)
def test_mail_dkim_verifies_it(name_server: int) -> None:
    assert _perl(signed(), name_server) == "pass rsa-sha256=pass"
    assert _perl(b"Subject: forged\r\n" + signed(), name_server).startswith("fail")
    assert _perl(b"List-Unsubscribe: <https://evil.test>\r\n" + signed(), name_server)[:4] != "pass"
    two = (Signer("lists.test", "lists", KEY), Signer("lists.test", "second", ED))
    own = b"List-Unsubscribe: <https://lists.test/u/x>,\r\n <mailto:x@lists.test>\r\n"
    head, body = split(MAIL.replace(b"List-Unsubscribe: <mailto", b"X-Was: <mailto"))
    sealed = seal(head, body, STAMP, ("list-unsubscribe",))
    mail = signatures(two, sealed, own) + own + head + b"\r\n" + body
    # A verifier that does not know the second kind goes by the first.
    said = _perl(mail, name_server)
    assert said.startswith("pass rsa-sha256=pass ed25519-sha256=")
    assert said.rpartition("=")[2] in {"pass", "invalid"}
    changed = _perl(mail.replace(b"/u/x", b"/u/y"), name_server)
    assert changed[:4] != "pass"
    assert "rsa-sha256=fail" in changed


def test_without_a_key_nothing_is_signed(tmp_path: Path) -> None:
    assert load("lists.test", Dkim()) == ()
    assert load("lists.test", Dkim(key_file=tmp_path / "absent.pem")) == ()


def test_a_key_of_another_kind_is_a_fault_of_the_configuration(tmp_path: Path) -> None:
    file = tmp_path / "key.pem"
    short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - it is refused
    for key in (ed25519.Ed25519PrivateKey.generate(), short):
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        with pytest.raises(ConfigError, match=r"dkim\.key_file"):
            load("lists.test", Dkim(key_file=file))
    file.write_text("nonsense")
    with pytest.raises(ConfigError, match=r"dkim\.key_file"):
        load("lists.test", Dkim(key_file=file))


RELAXED = CanonicalizationPolicy.from_c_value(b"relaxed/relaxed")
PIECES = st.sampled_from(
    [
        b" ",
        b"\t",
        b"\r\n",
        b"\r\n ",
        b"\r\n\t",
        b"\r",
        b"\n",
        b"a",
        b":",
        b"\x0b",
        b"\xff",
        b"Subject: x",
    ]
)


@given(st.lists(PIECES, max_size=15))
def test_a_body_is_canonical_as_dkimpy_has_it(pieces: list[bytes]) -> None:
    body = b"".join(pieces)
    assert relaxed_body(body) == RELAXED.canonicalize_body(body)


@given(st.lists(PIECES, max_size=15))
def test_a_plain_head_is_canonical_as_dkimpy_has_it(pieces: list[bytes]) -> None:
    head = b"From: a" + b"".join(pieces) + b"\r\n"
    sealed = seal(head, b"", STAMP)
    fields = [one.raw.partition(b":") for one in read_header(head).fields]
    values = RELAXED.canonicalize_headers([(name, value) for name, _, value in fields])
    for name, value in values:
        if name.strip() in {b"from", b"subject"}:
            assert name.strip() + b":" + value in sealed.canonical
    assert sealed.canonical.count(b"\r\n") == sum(
        name.strip() in {b"from", b"subject"} for name, _ in values
    )
