"""Mails made to hurt: none takes time that grows with more than its size."""

from dataclasses import replace

import pytest
from ceiling import ceiling
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv_py.delivery.plaintext import html_to_text
from listserv_py.delivery.render import render
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail import splice
from listserv_py.mail.compose import clean
from listserv_py.mail.fields import read_header
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import read

FACTS = ListFacts("TEST-L", "Tests", "lists.example.org", "listserv@lists.example.org", "TEST-L")
BANNERED = replace(
    FACTS, top_text="Top", bottom_text="End €", top_html="<p>Top", bottom_html="<p>€"
)
FROM = b"From: joe@example.org\r\n"


def nested(count: int, body: bytes = b"") -> bytes:
    parts = (
        b"Content-Type: multipart/mixed; boundary=b%d\r\n\r\n--b%d\r\n" % (n, n)
        for n in range(count)
    )
    return FROM + b"".join(parts) + b"\r\n" + body


HOSTILE = {
    "nested multiparts": nested(400),
    "nested as deep as allowed": nested(50, b"--b\r\n" * 200_000),
    "nested forwards": FROM + b"Content-Type: message/rfc822\r\n\r\n" * 900,
    "parts": FROM
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--b\r\n\r\nx\r\n" * 20000,
    "lines like boundaries": FROM
    + b"Content-Type: multipart/mixed; boundary=b\r\n\r\n"
    + b"--bc\r\n" * 200_000,
    "dashes": FROM + b"Content-Type: multipart/mixed; boundary=-\r\n\r\n" + b"-" * 1_000_000,
    "parameters": FROM
    + b"Content-Type: text/plain"
    + b"".join(b"; p%d=x" % n for n in range(4000))
    + b"\r\n\r\nx",
    "blanks in parameters": FROM + b"Content-Type: text/html;" + b" " * 99_000 + b";\r\n\r\nx",
    "quoted pairs": FROM + b'Content-Type: text/plain; a="' + b"\\" * 99_000 + b"\r\n\r\nx",
    "From of dots": b"From: " + b'"a".' * 4096 + b"@example.org\r\n\r\nx",
    "To of comments": FROM + b"To: " + b"(" * 50_000 + b"\r\n\r\nx",
    "fields": FROM + b"a:b\r\n" * 50_000 + b"\r\nx",
    "a field too long": FROM + b"Subject: " + b"x" * 1_000_000 + b"\r\n\r\nx",
    "raw fields of one long word": FROM
    + b"A:\x80\x00"
    + b"x" * 2000
    + b"\r\nTo: \x80 "
    + b"y" * 2000
    + b"\r\nContent-Type: text/plain; \x80; a="
    + b"z" * 2000
    + b"\r\n\r\nx",
    "folds": FROM + b"Subject: x\r\n" + b" \r\n" * 30_000 + b"\r\nx",
    "encoded words": FROM + b"Subject: " + b"=?utf-8?q?=0D=0ABcc:?= " * 4000 + b"\r\n\r\nx",
    "halves of encoded words": FROM + b"Subject: " + b"=?utf-8?q?" * 9000 + b"\r\n\r\nx",
    "a line": FROM + b"\r\n" + b"x" * 1_000_000,
    "nested HTML": FROM + b"Content-Type: text/html\r\n\r\n" + b"<div>" * 60_000 + b"words",
    "nested lists": FROM + b"Content-Type: text/html\r\n\r\n" + b"<ul><li>" * 30_000 + b"words",
    "wide table": FROM
    + b"Content-Type: text/html\r\n\r\n<table><tr><td>"
    + b"a" * 100_000
    + b"<tr><td>b" * 15_000,
    "margins": FROM
    + b"Content-Type: text/html\r\n\r\n"
    + b'<div style="margin-top:999999999em;padding-left:99999999px">x</div>' * 50,
    "tags": FROM + b"Content-Type: text/html\r\n\r\n" + b"<p>" * 500_000,
    "small tables": FROM
    + b"Content-Type: text/html\r\n\r\n"
    + b"<table><tr><td>x</td><td>y</td></tr></table>" * 12_000,
    "links": FROM + b"Content-Type: text/html\r\n\r\n" + b"<a href=http://x>y" * 60_000,
    "angle brackets": FROM + b"Content-Type: text/html\r\n\r\n" + b"<" * 1_000_000,
    "ampersands": FROM + b"Content-Type: text/html\r\n\r\n" + b"&" * 1_000_000,
    "NUL and controls": FROM + b"Content-Type: text/html\r\n\r\n" + bytes(range(256)) * 100,
    "stateful charset": FROM
    + b"Content-Type: text/html; charset=iso-2022-jp\r\n\r\n"
    + b"\x1b$B\x1b(J" * 100_000,
    "no header": b"\r\n" * 100_000,
    "nothing": b"",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_mail_takes_no_time(name: str) -> None:
    raw = HOSTILE[name]
    with ceiling():
        mail = read(raw)
        assert mail.subject.isprintable() or not mail.subject
        assert isinstance((mail.author, mail.command_text, mail.received), tuple)
    # As text the banners come behind what took the time, so that one round shows both.
    for facts, plain in ((FACTS, False), (BANNERED, False), (BANNERED, True)):
        with ceiling():
            variant = render(raw, facts, plain=plain, style=HeaderStyle.SUBJECT)
        assert len(variant.body) < 3 * len(raw) + 1000
        assert b"\r\nBcc:" not in variant.head


@pytest.mark.parametrize(
    "name", ["nested multiparts", "nested forwards", "parts", "parameters", "fields"]
)
def test_what_is_over_the_limits_is_a_fault(name: str) -> None:
    assert read(HOSTILE[name]).fault


def test_deep_html_keeps_its_words() -> None:
    assert html_to_text("<div>" * 3000 + "words") == "words\n"
    assert html_to_text("<section>" * 3000 + "words <b>and</b> more") == "words and more\n"


def test_a_long_mail_from_word_keeps_its_links() -> None:
    style = "<style>" + "p.MsoNormal { margin: 0cm; }\n" * 40_000 + "</style><!--" + "x" * 90_000
    link = '--><p>See <a href="https://example.org/a?b=1&amp;c=2">the plan</a>.</p>'
    assert html_to_text(style + link) == "See the plan <https://example.org/a?b=1&c=2>.\n"


def test_html_that_is_too_much_to_lay_out_keeps_its_links() -> None:
    item = (
        '<p>one <a href="https://example.org/1">more</a> and <a href="https://a.org">a.org</a></p>'
    )
    text = html_to_text(item * 12_000)
    assert text.count("one more <https://example.org/1> and a.org\n") == 12_000


def test_html_that_is_not_read_to_its_end_says_so() -> None:
    text = html_to_text("<p>words</p>" * 200_000)
    assert text.endswith("words\n\n[This is only the beginning of a very long mail.]\n")


NASTY = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from(
            [
                *(b"From: a@b.org\r\n", b"Subject: =?utf-8?q?=0D=0A?=\r\n", b"\r\n", b"\n", b"\r"),
                *(b"Content-Type: multipart/mixed; boundary=b\r\n", b"--b\r\n", b"--b--\r\n"),
                *(b"Content-Type: multipart/alternative; boundary=b\r\n", b"\r\n\r\n"),
                *(b"Content-Type: text/html; charset=utf-7\r\n", b"<p>x</p>", b"X: y\rBcc: z\r\n"),
                *(b"Content-Type: multipart/related; boundary=c\r\n", b"--c\r\n", b"--c--\r\n"),
                *(b"Content-Transfer-Encoding: base64\r\n", b"To: x@y\r\n", b"x" * 1200),
                *(b"Content-Type: message/rfc822\r\n", b" folded\r\n", b"Content-ID: <x>\r\n"),
                *(b"<img src=cid:x>", b"Content-Disposition: attachment; filename=\xe4\r\n"),
            ]
        ),
    ),
    max_size=25,
).map(b"".join)


@given(NASTY)
@settings(deadline=None)
def test_reading_never_raises_and_gives_no_controls(raw: bytes) -> None:
    mail = read(raw)
    for name in {one.name for one in mail.fields}:
        text = mail.text(name)
        assert text is not None
        assert not any(ord(char) < 32 or char in "\x7f\u2028\u2029" for char in text)
    text = mail.command_text
    text.encode("utf-8")
    assert not set(text) & {"\r", "\x00", "\x0b", "\x0c", "\x1c"}
    mail.is_automatic(None, ())


@given(NASTY, st.sampled_from(list(HeaderStyle)), st.booleans(), st.booleans())
@settings(deadline=None)
def test_rendering_never_raises_and_is_the_same_again(
    raw: bytes, style: HeaderStyle, plain: bool, seven_bit: bool
) -> None:
    made = render(raw, FACTS, plain=plain, style=style, seven_bit=seven_bit)
    assert made == render(raw, FACTS, plain=plain, style=style, seven_bit=seven_bit)
    mail = made.head + b"\r\n" + made.body
    assert b"\n" not in mail.replace(b"\r\n", b"")
    assert b"\r" not in mail.replace(b"\r\n", b"")
    assert made.head.endswith(b"\r\n")
    assert b"\r\n\r\n" not in made.head
    if seven_bit:
        assert made.body.isascii()


@given(NASTY)
@settings(deadline=None)
def test_html_variant_has_the_authors_body(raw: bytes) -> None:
    raw = splice.clean_lines(raw)
    if max(map(len, raw.split(b"\r\n"))) <= splice.LINE_MAX:
        made = render(raw, FACTS, plain=False, style=HeaderStyle.FULL)
        assert made.body == read(raw).body


@given(NASTY)
def test_fields_joined_are_the_header_again(raw: bytes) -> None:
    header = read_header(raw)
    joined = splice.joined(header.fields)
    assert joined in (raw[: header.end], raw[: header.end] + b"\r\n")


@given(NASTY, st.integers(0, 30), st.lists(st.text(max_size=50), max_size=4))
def test_cutting_out_undoes_putting_in(raw: bytes, at: int, values: list[str]) -> None:
    fields = read_header(raw).fields
    new = tuple(splice.new_field("X-New", clean(value)) for value in values)
    put = splice.put_in(fields, min(at, len(fields)), new)
    assert len(put) == len(fields) + len(new)
    assert splice.cut(put, lambda one: one.name == "x-new") == splice.cut(
        fields, lambda one: one.name == "x-new"
    )


@given(st.text(max_size=200), st.text(max_size=80), st.text(max_size=80))
@settings(deadline=None)
def test_nothing_in_the_facts_starts_a_line(title: str, tag: str, url: str) -> None:
    facts = ListFacts(
        "TEST-L", title, "lists.example.org", "listserv@lists.example.org", tag, archive_url=url
    )
    made = render(FROM + b"Subject: x\r\n\r\ny", facts, plain=True, style=HeaderStyle.SUBJECT)
    names = [one.name for one in read(made.head + b"\r\n").fields]
    assert sorted(set(names)) == sorted(names)
    assert set(names) <= {
        *("from", "subject", "date", "message-id", "sender", "precedence", "list-id", "list-post"),
        *("list-help", "list-subscribe", "list-unsubscribe", "list-owner", "list-archive"),
    }
