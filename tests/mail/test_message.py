import base64

import pytest

from listserv_py.mail import charsets
from listserv_py.mail.htmltext import strip_tags
from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.mail.message import read

OWNER = parse_mailbox("postmaster@example.org")
JOE = parse_mailbox("joe@example.org")


@pytest.mark.parametrize(
    ("header", "author"),
    [
        (b"From: joe@example.org\r\n", "joe@example.org"),
        (b"From: Joe <joe@example.org>\r\n", "joe@example.org"),
        (b"from:\r\n Joe <joe@example.org>\r\n", "joe@example.org"),
        (b"From: =?utf-8?q?J=C3=B6?= <joe@example.org>\r\n", "joe@example.org"),
        (b"From : joe@example.org\r\n", None),
        (b"From: joe@example.org\r\nFrom: ann@example.org\r\n", None),
        (b"From: joe@example.org\r\nfrom : ann@example.org\r\n", None),
        (b"From: joe@example.org\rFrom: ann@example.org\r\n", None),
        (b"X: a\rFrom: joe@example.org\r\n", None),
        (b"From: joe@example.org\x00\r\n", None),
        (b"From: joe@example.org, ann@example.org\r\n", None),
        (b"From: <joe@example.org> <ann@example.org>\r\n", None),
        (b"From: =?utf-8?q?joe=40example.org?=\r\n", None),
        (b"From: group: joe@example.org;\r\n", None),
        (b"From: \xff@example.org\r\n", None),
        (b"From \r\nFrom: joe@example.org\r\n", None),
        (b"Subject: x\r\n", None),
        (b"", None),
    ],
)
def test_author_is_one_mailbox_or_nobody(header: bytes, author: str | None) -> None:
    found = read(header + b"\r\nHi\r\n").author
    assert (str(found.mailbox) if found else None) == author


def test_authors_name_is_text_on_one_line() -> None:
    author = read(b"From: =?utf-8?q?J=C3=B6_=0D=0ABcc=3A?= <joe@example.org>\r\n\r\n").author
    assert author is not None
    assert author.name == "Jö   Bcc:"


def test_header_ends_at_the_first_line_that_is_no_field() -> None:
    mail = read(b"Subject: a\r\nno field\r\nFrom: joe@example.org\r\n\r\nHi\r\n")
    assert [one.name for one in mail.fields] == ["subject"]
    assert mail.body.startswith(b"no field\r\n")


def test_lines_end_at_lf_only() -> None:
    mail = read("Subject: a\x0b\x0c\x1c\x85\u2028b\nTo: c\n\nHi".encode())
    assert [one.name for one in mail.fields] == ["subject", "to"]
    assert mail.subject.startswith("a")
    assert len(mail.subject.splitlines()) == 1


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?hello=0D=0ABcc:_x?=", "hello  Bcc: x"),
        (b"=?utf-8?b?w6Q=?=\r\n =?utf-8?b?w7Y=?=", "äö"),
        (b"=?utf-8?b?4oI=?= =?utf-8?b?rA==?=", "€"),
        (b"a =?iso-8859-1?q?=E4?= b", "a ä b"),
        (b"=?x-unknown?q?=C3=A4?=", "ä"),
        (b"=?unicode_escape?q?=5Cu000a?=", "\\u000a"),
        (b"=?utf-8?b?w6?=", "\ufffd"),
        (b"=?utf-8*de?q?=C3=A4?=", "ä"),
        (b"=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", "日本"),
        (b"=?utf-7?q?+2AA-?=", "\ufffd"),
        ("käse".encode(), "käse"),
        ("käse".encode("latin-1"), "käse"),
        (b"=?utf-8?q?broken", "=?utf-8?q?broken"),
        ("\u202eevil\u2066".encode(), "evil"),
    ],
)
def test_subject_is_text_on_one_line(subject: bytes, text: str) -> None:
    assert read(b"Subject: " + subject + b"\r\n\r\n").subject == text


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (b"<a.b@c>", "<a.b@c>"),
        (b"\r\n <a.b@c>", "<a.b@c>"),
        (b"<a b@c>", None),
        (b"a@b", None),
        (b"<a@b> x", None),
        ("<ä@b>".encode(), None),
        (b"", None),
    ],
)
def test_message_id(value: bytes, expected: str | None) -> None:
    assert read(b"Message-ID: " + value + b"\r\n\r\n").message_id == expected


def mime(content_type: str, body: bytes, encoding: str = "8bit") -> bytes:
    head = f"Content-Type: {content_type}\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + body


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"\r\nok\r\n", "ok\n"),
        (mime("text/plain", b"OK 1\xe2\x80\xa8ADD x\x0by\r\n"), "OK 1\u2028ADD x y\n"),
        (mime("text/plain", base64.b64encode(b"ok\rADD x y"), "base64"), "ok ADD x y"),
        (
            mime("text/html", b"<div>ok</div><blockquote>OK 12<br>x</blockquote>"),
            "ok\n> OK 12\n> x",
        ),
        (mime("text/html", b"<pre>SIGNOFF A\nSIGNOFF B</pre>"), "SIGNOFF A\nSIGNOFF B"),
        (
            b"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\n\r\n \r\n--b\r\n"
            b"Content-Type: text/html\r\n\r\n<p>ok</p>\r\n--b--\r\n",
            "ok",
        ),
        (
            b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: message/rfc822"
            b"\r\n\r\nSubject: x\r\n\r\nSIGNOFF A\r\n--b\r\n\r\nok\r\n--b--\r\n",
            "ok",
        ),
        (b"Content-Type: multipart/mixed\r\n\r\nok\r\n", ""),
        (
            b"Content-Type: multipart/mixed; boundary*=us-ascii''b\r\n\r\n--b\r\n"
            b"Content-Disposition: attachment\r\n\r\nSIGNOFF A\r\n--b\r\n\r\nok\r\n--b--\r\n",
            "ok",
        ),
        (b"Content-Type: image/png\r\n\r\nok\r\n", ""),
    ],
)
def test_command_text(raw: bytes, text: str) -> None:
    assert read(raw).command_text == text


@pytest.mark.parametrize(
    ("header", "reverse_path", "automatic"),
    [
        (b"", JOE, False),
        (b"", None, True),
        (b"Auto-Submitted: no\r\n", JOE, False),
        (b"Auto-Submitted: No (human)\r\n", JOE, False),
        (b"Auto-Submitted: auto-replied; x\r\n", JOE, True),
        (b"Precedence: Bulk\r\n", JOE, True),
        (b"Precedence: list\r\n", JOE, True),
        (b"Precedence: first-class\r\n", JOE, False),
        (b"Precedence: auto_reply\r\n", JOE, True),
        (b"List-Id: <a.b>\r\n", JOE, True),
        (b"X-Auto-Response-Suppress: All\r\n", JOE, True),
        (b"X-Autoreply: yes\r\n", JOE, True),
        (b"X-Auto-Reply: yes\r\n", JOE, True),
        (b"Content-Type: multipart/report; boundary=x\r\n", JOE, True),
        (b"", parse_mailbox("MAILER-DAEMON@example.org"), True),
        (b"", parse_mailbox("owner-list@example.org"), True),
        (b"", parse_mailbox("list-bounces+joe=x@example.org"), True),
        (b"", parse_mailbox("list-request@example.org"), True),
        (b"", parse_mailbox("noreply@example.org"), True),
        (b"From: postmaster@example.com\r\n", JOE, True),
        (b"From: postmaster@example.org\r\n", OWNER, False),
        (b"From: postmaster@example.org\r\nAuto-Submitted: auto-generated\r\n", OWNER, True),
    ],
)
def test_automatic_mail(header: bytes, reverse_path, automatic: bool) -> None:
    mail = read(header + b"\r\nHi\r\n")
    assert mail.is_automatic(reverse_path, {OWNER}) is automatic


def test_parts_are_offsets_into_the_mail() -> None:
    raw = (
        b'Content-Type: multipart/mixed; boundary="a"\r\n\r\npreamble --a\r\n--a \r\n'
        b"Content-Type: text/plain\r\n\r\none\r\n--ab\r\n--a\r\n\r\ntwo\r\n--a--\r\nepilogue\r\n"
    )
    root = read(raw).root
    assert [one.content for one in root.children] == [b"one\r\n--ab", b"two"]
    first = root.children[0]
    assert raw[first.start : first.body_start] == b"Content-Type: text/plain\r\n\r\n"


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ('Content-Disposition: attachment; filename="a b.pdf"', "a b.pdf"),
        ("Content-Disposition: attachment; filename*=utf-8''%C3%A4.pdf", "ä.pdf"),
        ("Content-Disposition: attachment; filename*0*=utf-8''%C3; filename*1*=%A4.pdf", "ä.pdf"),
        ('Content-Type: text/plain; name="=?utf-8?q?=C3=A4?=.txt"', "ä.txt"),
        ('Content-Disposition: attachment; filename="../../etc/passwd"', "passwd"),
        ('Content-Disposition: attachment; filename="C:\\\\x\\\\y.txt"', "y.txt"),
        ('Content-Disposition: attachment; filename="ä.pdf"', "ä.pdf"),
        ('Content-Disposition: attachment; filename="a\\"b"; x="', 'a"b'),
        ("Content-Disposition: attachment", ""),
    ],
)
def test_filename(fields: str, name: str) -> None:
    assert read(fields.encode() + b"\r\n\r\n").root.filename == name


@pytest.mark.parametrize(
    ("label", "data", "text"),
    [
        ("cp-1252", b"\x80", "€"),
        ("UTF8", "ä".encode(), "ä"),
        ("'utf-8'", "ä".encode(), "ä"),
        ("iso-8859-1", b"\x93", "\u201c"),
        ("iso8859_15", b"\xa4", "€"),
        ("gb2312", "€".encode("gb18030"), "€"),
        ("iso-8859-8-i", b"\xf9", "ש"),
        ("x-unknown", b"\xe4", "ä"),
        ("us-ascii", "ä".encode(), "ä"),
        ("win-1251", b"\xcf", "П"),
        ("idna", b"xn--a", "xn--a"),
        ("zlib", b"x", "x"),
        ("utf-16", b"\x00", "\ufffd"),
        ("ä" * 100, b"x", "x"),
        ("\x00", b"x", "x"),
    ],
)
def test_charsets(label: str, data: bytes, text: str) -> None:
    assert charsets.decode(data, label) == text


def test_strip_tags_reads_words_only() -> None:
    source = (
        "<!-- no --><head><title>no</title></head><p>a &lt;b&gt;<br/>c<script>no</script> d</p>"
        "<table><tr><td>1</td><td>2</td></tr></table> 1 < 2<"
    )
    assert strip_tags(source) == "a <b>\nc d\n1 2\n1 < 2<"
