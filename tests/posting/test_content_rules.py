"""`Attachments=`: what is refused, what is taken out, and that all else keeps its bytes."""

from typing import Any

import pytest
from test_checks import LETTER, make

from listserv_py.mail.message import read
from listserv_py.posting import content
from listserv_py.posting.verdict import Reject

TEXT = "Content-Type: text/plain\r\n\r\nHello\r\n"
HTML = "Content-Type: text/html\r\n\r\n<p>Hello</p>\r\n"
PDF = 'Content-Type: application/pdf\r\nContent-Disposition: attachment; filename="a.pdf"\r\n\r\n%PDF\r\n'  # noqa: E501 - one part
PNG = "Content-Type: image/png\r\nContent-ID: <1>\r\n\r\nPNG\r\n"
NOTE = "Content-Type: text/x-note\r\nContent-Disposition: attachment\r\n\r\nNote\r\n"
SIGNATURE = "Content-Type: application/pgp-signature\r\n\r\nxxx\r\n"
FORWARDED = f"Content-Type: message/rfc822\r\n\r\nFrom: a@example.org\r\n{PDF}"


def multipart(kind: str, *parts: str, mark: str = "b") -> str:
    body = "".join(f"--{mark}\r\n{part}" for part in parts)
    return f"Content-Type: multipart/{kind}; boundary={mark}\r\n\r\n{body}--{mark}--\r\n"


MIXED = multipart("mixed", TEXT, PDF)
RELATED = multipart("related", HTML, PNG)
BOTH = multipart("mixed", multipart("related", HTML, PNG, mark="r"), PDF)
SIGNED = multipart("signed", multipart("mixed", TEXT, PDF, mark="m"), SIGNATURE)
SIGNED_TEXT = multipart("signed", TEXT, SIGNATURE)
ENCRYPTED = multipart(
    "encrypted",
    "Content-Type: application/pgp-encrypted\r\n\r\nVersion: 1\r\n",
    "Content-Type: application/octet-stream\r\n\r\nxxx\r\n",
)

# (Attachments=, the mail, the type that is refused)
REFUSED: list[tuple[str, str, str | None]] = [
    ("Yes", MIXED, None),
    ("All", MIXED, None),
    ("No", TEXT, None),
    ("No", HTML, None),
    ("No", multipart("mixed", TEXT, NOTE), None),
    ("No", MIXED, "application/pdf"),
    ("No", PDF, "application/pdf"),
    ("No", RELATED, "image/png"),
    ("No", RELATED.replace("image/png", "image/www.example.com"), "that it has"),
    ("No", multipart("mixed", TEXT, FORWARDED), "message/rfc822"),
    ("No", SIGNED, "application/pdf"),
    ("No", SIGNED_TEXT, None),
    ("No", ENCRYPTED, None),
    ("No", multipart("mixed", TEXT, "Content-Type: multipart/mixed\r\n\r\nx\r\n"), None),
    ("Yes,image/*", BOTH, "application/pdf"),
    ("Yes,image", multipart("mixed", TEXT, PNG), None),
    ("Yes,application/PDF", MIXED, None),
    ("Yes,application/pdf", RELATED, None),
    ("All,application/pdf", RELATED, "image/png"),
    ("No,Filter", MIXED, None),
    ("No,Filter", SIGNED, "application/pdf"),
    ("Yes,image/png,Filter", BOTH, None),
]


@pytest.mark.parametrize(("rule", "mail", "refused"), REFUSED)
def test_what_is_refused(rule: str, mail: str, refused: str | None) -> None:
    found = content.attached(make(f"Attachments= {rule}", mail=LETTER + mail))
    assert found == (Reject("POST_ATTACHED", {"TYPE": refused}) if refused else None)


def word(part: Any) -> str:
    return f"[{part.filename or part.content_type} is gone]"


def gone(name: str) -> str:
    head = "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 7bit\r\n"
    return f"{head}\r\n[{name} is gone]\r\n"


ALTERNATIVE = multipart("alternative", TEXT, PNG, PDF)
STRIPPED = [
    ("Yes", MIXED, MIXED),
    ("No,Filter", TEXT, TEXT),
    ("No,Filter", SIGNED_TEXT, SIGNED_TEXT),
    ("No,Filter", MIXED, multipart("mixed", TEXT, gone("a.pdf"))),
    ("No,Filter", PDF, gone("a.pdf")),
    ("Yes,image/*,Filter", BOTH, BOTH.replace(PDF, gone("a.pdf"))),
    ("No,Filter", BOTH, BOTH.replace(PDF, gone("a.pdf")).replace(PNG, gone("image/png"))),
    ("No,Filter", ALTERNATIVE, multipart("alternative", TEXT)),
    ("Yes,application/pdf,Filter", ALTERNATIVE, multipart("alternative", TEXT, PDF)),
    (
        "No,Filter",
        multipart("alternative", PDF, TEXT),
        multipart("alternative", gone("a.pdf"), TEXT),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("rule", "mail", "left"), STRIPPED)
def test_what_is_taken_out(rule: str, mail: str, left: str) -> None:
    post = make(f"Attachments= {rule}", mail=LETTER + mail)
    assert content.stripped(post, word).decode() == LETTER + left


@pytest.mark.parametrize("said", ["--b", "Ä" * 5, "x" * 1200])
def test_a_word_breaks_no_mail(said: str) -> None:
    post = make("Attachments= No,Filter", mail=LETTER + MIXED)
    parts = read(content.stripped(post, lambda _: said)).root.children
    assert [part.as_text().strip() for part in parts] == ["Hello", said]
