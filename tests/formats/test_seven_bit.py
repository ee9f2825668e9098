"""What a host without 8BITMIME gets says the same in ASCII."""

import email
import email.policy

import pytest

from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import read

FACTS = ListFacts("TEST-L", "Tests", "lists.example.org", "listserv@lists.example.org")


def seven_bit(raw: bytes) -> bytes:
    made = render(raw, FACTS, plain=False, style=HeaderStyle.FULL, seven_bit=True)
    return made.head + b"\r\n" + made.body


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        ("Subject: Grüße an alle, großes Haus", "Grüße an alle, großes Haus"),
        ("Subject: " + "ä" * 300, "ä" * 300),
        ("From: Jörg Müller <j@example.org>", "Jörg Müller <j@example.org>"),
        ('To: "Müller, Jörg" <j@example.org>, a@b.org', '"Müller, Jörg" <j@example.org>, a@b.org'),
        ("X-Note: plain Ä plain", "plain Ä plain"),
    ],
)
def test_raw_header_fields_are_encoded(field: str, shown: str) -> None:
    made = seven_bit(f"{field}\r\n\r\nx\r\n".encode())
    assert made.isascii()
    other = email.message_from_bytes(made, policy=email.policy.SMTP)
    assert str(other[field.partition(":")[0]]) == shown


def test_an_address_that_is_not_ascii_stays() -> None:
    made = seven_bit("From: Jörg <jörg@example.org>\r\n\r\nx\r\n".encode())
    assert "From: Jörg <jörg@example.org>\r\n".encode() in made


@pytest.mark.parametrize("name", ["ä.pdf", "sehr " * 20 + "lang ä.pdf", 'a"b\\ä.pdf'])
def test_file_names_take_the_form_of_rfc_2231(name: str) -> None:
    quoted = name.replace("\\", "\\\\").replace('"', '\\"')
    raw = (
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: application/pdf\r\n"
        f'Content-Disposition: attachment; filename="{quoted}"; size=1\r\n\r\nx\r\n--b--\r\n'
    ).encode()
    made = seven_bit(raw)
    assert made.isascii()
    (part,) = email.message_from_bytes(made, policy=email.policy.SMTP).iter_parts()
    assert part.get_filename() == name
    assert read(made).root.children[0].filename == name.rpartition("\\")[2]


def test_eight_bit_parts_are_encoded_and_their_wrappers_say_so() -> None:
    raw = (
        "Content-Type: multipart/mixed; boundary=b\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
        "präambel\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nGrüße\r\n--b\r\nContent-Type: message/rfc822\r\n"
        "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: ä\r\n\r\ninnen: ä\r\n--b\r\n"
        "Content-Type: image/x\r\nContent-Transfer-Encoding: binary\r\n\r\n\xff\r\n--b--\r\n"
    ).encode()
    made = seven_bit(raw)
    assert made.isascii()
    assert b"8bit" not in made
    assert b"binary" not in made
    text, forward, image = read(made).root.children
    assert text.as_text() == "Grüße"
    assert forward.children[0].as_text() == "innen: ä"
    assert image.decoded() == "\xff".encode()
    assert image.encoding == "base64"


def test_signed_parts_stay_whole_where_they_can() -> None:
    signed = (
        b"--s\r\nContent-Type: text/plain\r\n\r\n" + b"word " * 300 + b"\r\n--s\r\n"
        b"Content-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
    )
    head = "Subject: ä\r\nContent-Type: multipart/signed; boundary=s\r\n\r\n".encode()
    assert seven_bit(head + signed).endswith(signed)


def test_eight_bits_cannot_stay_even_where_they_are_signed() -> None:
    raw = (
        "Content-Type: multipart/signed; boundary=s\r\n\r\n--s\r\n\r\nGrüße\r\n--s\r\n"
        "Content-Type: application/pgp-signature\r\n\r\nx\r\n--s--\r\n"
    ).encode()
    made = seven_bit(raw)
    assert made.isascii()
    assert read(made).root.children[0].as_text() == "Grüße"
