"""Banners: where they stand, and that nothing else of the author's mail changes."""

import base64
import quopri

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.mail.message import Message, read

PLAIN_FACTS = ListFacts("TEST-L", "Tests", "lists.example.org", "listserv@lists.example.org")
FACTS = ListFacts(
    "TEST-L",
    "Tests",
    "lists.example.org",
    "listserv@lists.example.org",
    top_text="Top of TEST-L\nGrüße",
    bottom_text="Bottom €",
    top_html="<p>Top ü</p>",
    bottom_html="<hr><p>Bottom €</p>",
)
ASCII = ListFacts(
    "TEST-L", "Tests", "lists.example.org", "l@lists.example.org", top_text="Top", bottom_text="End"
)
HEAD = b"From: joe@example.org\r\nSubject: x\r\nMIME-Version: 1.0\r\n"


def copy(raw: bytes, facts: ListFacts = FACTS, *, plain: bool = False) -> Message:
    variant = render(raw, facts, plain=plain, style=HeaderStyle.FULL)
    return read(variant.head + b"\r\n" + variant.body)


def text(content: str, charset: str = "utf-8", encoding: str = "8bit", more: str = "") -> bytes:
    data = content.replace("\n", "\r\n").encode(charset)
    coded = {
        "base64": base64.encodebytes(data).replace(b"\n", b"\r\n"),
        "quoted-printable": quopri.encodestring(data),
    }.get(encoding, data)
    head = f"Content-Type: text/plain; charset={charset}{more}\r\n"
    return (head + f"Content-Transfer-Encoding: {encoding}\r\n\r\n").encode() + coded


def multipart(kind: str, *parts: bytes, boundary: str = "b") -> bytes:
    head = f'Content-Type: multipart/{kind}; boundary="{boundary}"\r\n\r\n'.encode()
    mark = b"--" + boundary.encode()
    return head + b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts) + mark + b"--\r\n"


HTML = b"Content-Type: text/html; charset=utf-8\r\n\r\n<html><BODY class=x>hi</body></html>"
SIGNATURE = b"Content-Type: application/pgp-signature\r\n\r\nxx"
PDF = b"Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD"
ATTACHED = b"Content-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nfile"


ENCODINGS = ["8bit", "base64", "quoted-printable"]
CHARSETS = ["utf-8", "iso-8859-1", "us-ascii", "koi8-r"]


# UTF-16 stands in base64 only: its line ends are none in a mail.
@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("utf-16", "base64"), *((one, other) for one in CHARSETS for other in ENCODINGS)],
)
def test_text_has_them_in_any_encoding(charset: str, encoding: str) -> None:
    mail = copy(HEAD + text("Hello\n", charset, encoding))
    assert mail.root.as_text() == "Top of TEST-L\nGrüße\n\nHello\n\nBottom €\n"


@pytest.mark.parametrize("encoding", ["7bit", "8bit", "base64", "quoted-printable"])
def test_author_keeps_his_encoding_where_it_fits(encoding: str) -> None:
    mail = copy(HEAD + text("Hello = world\n", "iso-8859-1", encoding), ASCII)
    assert mail.root.as_text() == "Top\n\nHello = world\n\nEnd\n"
    assert (mail.root.charset, mail.root.encoding) == ("iso-8859-1", encoding)


def test_text_without_a_last_line_end() -> None:
    assert copy(HEAD + text("Hello"), ASCII).root.as_text() == "Top\n\nHello\n\nEnd\n"
    assert copy(HEAD + text("a" * 200, encoding="quoted-printable"), ASCII).root.as_text() == (
        "Top\n\n" + "a" * 200 + "\n\nEnd\n"
    )


def test_flowed_text_is_stuffed() -> None:
    facts = ListFacts("T", "T", "e.org", "l@e.org", bottom_text="From us  \n> end")
    mail = copy(HEAD + text("Hi \nthere\n", more="; format=flowed"), facts)
    assert mail.root.as_text() == "Hi \nthere\n\n From us\n > end\n"
    assert mail.root.params["format"] == "flowed"


def test_each_alternative_has_its_own() -> None:
    inner = multipart("alternative", text("Hello"), HTML, boundary="i")
    raw = HEAD + multipart("mixed", inner, PDF, ATTACHED)
    mail = copy(raw)
    kinds = [part.content_type for part in mail.root.walk()]
    assert kinds == [part.content_type for part in read(raw).root.walk()]
    parts = [part for part in mail.root.walk() if not part.is_multipart]
    assert parts[0].as_text() == "Top of TEST-L\nGrüße\n\nHello\n\nBottom €\n"
    assert parts[1].as_text() == (
        "<html><BODY class=x>\n<p>Top &#252;</p>\nhi\n<hr><p>Bottom &#8364;</p>\n</body></html>"
    )
    assert parts[2].raw[parts[2].start : parts[2].end] == PDF
    assert parts[3].raw[parts[3].start : parts[3].end] == ATTACHED


def test_text_made_of_html_has_the_text_banner() -> None:
    made = copy(HEAD + HTML, plain=True).root.as_text()
    assert made == "Top of TEST-L\nGrüße\n\nhi\n\nBottom €\n"


@pytest.mark.parametrize("charset", ["utf-16", "iso-2022-jp", "shift_jis", "utf-8"])
def test_html_in_any_charset(charset: str) -> None:
    source = "<body>日本</body>".encode(charset)
    raw = HEAD + f"Content-Type: text/html; charset={charset}\r\n".encode()
    raw += b"Content-Transfer-Encoding: base64\r\n\r\n" + base64.encodebytes(source)
    assert "<p>Top &#252;</p>\n日本\n<hr>" in copy(raw).root.as_text()


SEALED = {
    "signed": multipart("signed", text("Hello"), SIGNATURE),
    "signed within": multipart("mixed", multipart("signed", text("x"), boundary="i"), text("foot")),
    "encrypted": multipart("encrypted", text("Version: 1"), PDF),
    "clear-signed": text("-----BEGIN PGP SIGNED MESSAGE-----\n\nHello\n"),
    "S/MIME": b"Content-Type: application/pkcs7-mime\r\n\r\nQUJD",
    "a report": multipart("report", text("x"), text("y")),
    "a forwarded mail": b"Content-Type: message/rfc822\r\n\r\nSubject: y\r\n\r\nx\r\n",
    "only an attachment": ATTACHED,
    "only a picture": b"Content-Type: image/png\r\n\r\nx",
}


@pytest.mark.parametrize("name", SEALED)
def test_others_are_left_alone(name: str) -> None:
    raw = HEAD + SEALED[name]
    assert copy(raw).body == read(raw).body


@pytest.mark.parametrize("plain", [True, False])
def test_list_without_banners_sends_what_it_sent(plain: bool) -> None:
    raw = HEAD + multipart("alternative", text("Hello"), HTML)
    assert copy(raw, PLAIN_FACTS, plain=plain).body == (
        read(raw).body if not plain else text("Hello").partition(b"\r\n\r\n")[2]
    )


def test_banner_closes_no_part() -> None:
    facts = ListFacts("T", "T", "e.org", "l@e.org", top_text="--b\n\nnot a part\n--b--")
    mail = copy(HEAD + multipart("mixed", text("Hello"), PDF), facts)
    assert [part.content_type for part in mail.root.walk()] == [
        "multipart/mixed",
        "text/plain",
        "application/pdf",
    ]
    assert mail.root.children[0].as_text().startswith("--b\n\nnot a part\n--b--\n\nHello")


def test_facts_keep_them() -> None:
    assert decode(FACTS.encode()) == FACTS


PIECE = st.sampled_from(
    [b"--b\r\n", b"--b--\r\n", b"\r\n", b"Content-Type: text/plain\r\n", b"<body>", b"</body>",
     b"Content-Type: text/html; charset=utf-16\r\n", b"Content-Transfer-Encoding: base64\r\n",
     b"Content-Type: multipart/alternative; boundary=b\r\n", b"\xff", b"x\r\n", b"=\r\n"]
) | st.binary(max_size=10)  # fmt: skip


@settings(deadline=None)
@given(st.lists(PIECE, max_size=30).map(b"".join), st.text(max_size=60))
def test_no_mail_and_no_banner_crash_or_change_the_tree(body: bytes, banner: str) -> None:
    raw = HEAD + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n" + body
    facts = ListFacts("T", "T", "e.org", "l@e.org", top_text=banner, bottom_html=banner)
    with_it, without = copy(raw, facts), copy(raw, PLAIN_FACTS)
    kinds = [part.content_type for part in with_it.root.walk()]
    assert kinds == [part.content_type for part in without.root.walk()]
