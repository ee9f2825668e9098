"""By what a repeated post is known, and what only looks alike."""

import pytest

from listserv_py.mail.message import read
from listserv_py.posting.fingerprint import fingerprints

LONG = "This is a sentence that makes the text of this message quite long. " * 4


def mail(
    text: str, *, author: str = "joe@example.net", subject: str = "Hi", more: str = ""
) -> bytes:
    return f"From: {author}\r\nSubject: {subject}\r\n{more}\r\n{text}\r\n".encode()


def text_of(raw: bytes) -> bytes:
    return fingerprints(read(raw))[0]


def parts(*bodies: str) -> bytes:
    joined = "".join(f"--b\r\n{body}\r\n" for body in bodies)
    head = "From: joe@example.net\r\nSubject: Hi\r\nContent-Type: multipart/mixed; boundary=b\r\n"
    return f"{head}\r\n{joined}--b--\r\n".encode()


ATTACHED = "Content-Type: application/pdf\r\nContent-Disposition: attachment\r\n\r\n"
INLINE = "Content-Type: image/png\r\nContent-Disposition: inline\r\n\r\n"

SAME = [
    (mail("Hello"), mail("Hello", subject="Re: [TEST-L] Hi")),
    (mail("Hello  you"), mail("Hello\r\nyou\r\n\r\n")),
    (mail(LONG), mail(LONG, author="ann@example.com", subject="Other")),
    (mail("Hello"), mail("SGVsbG8=", more="Content-Transfer-Encoding: base64\r\n")),
    (parts(f"\r\n{LONG}", ATTACHED + "x"), parts(f"\r\n{LONG}", ATTACHED + "x", INLINE + "y")),
]
DIFFERENT = [
    (mail("Thank you"), mail("Thank you", author="ann@example.com")),
    (mail("Thank you"), mail("Thank you", subject="Other")),
    (mail("Hello"), mail("Hallo")),
    (parts("\r\nHello", ATTACHED + "x"), parts("\r\nHello", ATTACHED + "y")),
    (parts(f"\r\n{LONG}", ATTACHED + "x"), parts(f"\r\n{LONG}", ATTACHED + "y")),
    (parts("\r\nLook", INLINE + "x"), parts("\r\nLook", INLINE + "y")),
]


@pytest.mark.parametrize(("first", "second"), SAME)
def test_the_same_post(first: bytes, second: bytes) -> None:
    assert text_of(first) == text_of(second)


@pytest.mark.parametrize(("first", "second"), DIFFERENT)
def test_another_post(first: bytes, second: bytes) -> None:
    assert text_of(first) != text_of(second)


def test_the_message_id_counts_when_there_is_one() -> None:
    with_id = fingerprints(read(mail("x", more="Message-ID: <1@example.net>\r\n")))
    other_text = fingerprints(read(mail("y", more="Message-ID: <1@example.net>\r\n")))
    assert with_id[0] != other_text[0]
    assert with_id[1] == other_text[1]
    assert len(fingerprints(read(mail("x", more="Message-ID: nonsense\r\n")))) == 1
