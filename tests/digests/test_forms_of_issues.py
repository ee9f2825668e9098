"""The forms of an issue, of ordinary posts and of such as would break it."""

from __future__ import annotations

import email
import re
from dataclasses import replace
from email import policy
from email.message import EmailMessage
from pathlib import Path

import pytest
from digest_rig import Digests

from listserv_py.delivery.issue import NARROW, WIDE, render_issue
from listserv_py.delivery.render import render
from listserv_py.delivery.variants import IssueForm, wanted_issue
from listserv_py.lists.options import HeaderStyle, Options, apply_words
from listserv_py.mail.listheaders import decode
from listserv_py.mail.message import Message

HOSTILE = {
    "separators": {"body": f"{NARROW}\r\n\r\nDate:    now\r\n{NARROW}  \r\n{WIDE}\r\n{NARROW}-"},
    "end line": {"body": "End of TEST-L Digest - 22 Nov 2026 to 22 Nov 2026 (#2026-1)\r\n****"},
    "unclosed multipart": {
        "Content_Type": "multipart/mixed; boundary=b",
        "body": "--b\r\nContent-Type: text/plain\r\n\r\nopen\r\n--b\r\nContent-Type: multi",
    },
    "boundary of one letter": {
        "Content_Type": "multipart/mixed; boundary=0",
        "body": "--0\r\n\r\nx",
    },
    "forwarded without end": {"Content_Type": "message/rfc822", "body": "Subject: in it\r\n\r\nx"},
    "digest in a digest": {
        "Content_Type": "multipart/digest; boundary=d",
        "body": "--d\r\n\r\nSubject: one\r\n\r\nx\r\n--d--",
    },
    "html that closes": {
        "Content_Type": "text/html",
        "body": "</div></body></html><a name=m1 id=m1>x</a><script>alert(1)</script>"
        "<style>*{}</style>"
        "<img src=http://x.example/p.gif><a href='javascript:x'>y</a><!-- <title>",
    },
    "html that opens": {
        "Content_Type": "text/html",
        "body": "<div><table><tr><td><b>" * 50 + "deep",
    },
    "html of many levels": {"Content_Type": "text/html", "body": "<div>" * 3000 + "bottom"},
    "no such charset": {"Content_Type": "text/plain; charset=x-none", "body": "words"},
    "binary": {"Content_Type": "application/x-thing; name=a.bin", "body": "AAAA"},
    "half a transfer encoding": {"Content_Transfer_Encoding": "base64", "body": "SGVsbG8"},
    "subject": {"Subject": "<script>x</script> =?utf-8?q?=0d=0aX-Bad:_yes?=", "body": "words"},
}


def digest(tmp_path: Path) -> Digests:
    return Digests(tmp_path, "dig@x.org || DIGEST", "ann@x.org || DIGEST MIME")


def closed(stage: Digests) -> Digests:
    stage.now = stage.now.replace(day=23)
    stage.run_timers()
    return stage


def parsed(message: Message) -> EmailMessage:
    found = email.message_from_bytes(message.raw, policy=policy.default)
    assert isinstance(found, EmailMessage)
    return found


def text_of(part: EmailMessage) -> str:
    found = part.get_content()
    assert isinstance(found, str)
    return found.replace("\r\n", "\n")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("DIGEST", IssueForm.TEXT),
        ("DIGEST MIME", IssueForm.MIME),
        ("DIGEST MIME NOHTML", IssueForm.MIME),
        ("DIGEST HTML", IssueForm.HTML),
        ("DIGEST HTML MIME", IssueForm.HTML),
        ("DIGEST NOHTML NOMIME", IssueForm.TEXT),
        ("INDEX", IssueForm.INDEX),
        ("INDEX NOHTML MIME", IssueForm.INDEX),
        ("INDEX HTML", IssueForm.HTML_INDEX),
    ],
)
def test_options_choose_the_form(said: str, expected: IssueForm) -> None:
    options = apply_words(Options(), said.split(), by_owner=False)
    assert wanted_issue(options, index=False).issue is expected


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("seven_bit", [False, True])
def test_no_post_breaks_the_issue(tmp_path: Path, name: str, seven_bit: bool) -> None:
    stage = digest(tmp_path)
    stage.post(1, "first")
    stage.post(2, **HOSTILE[name])
    stage.post(3, "lästé")
    closed(stage)
    forms = {form: stage.rendered(form, seven_bit=seven_bit) for form in IssueForm}
    for form, message in forms.items():
        assert message.fault is None
        assert max(map(len, message.raw.split(b"\r\n"))) <= 998
        assert message.raw.isascii() or not seven_bit
        assert re.search(rb"(?<!\r)\n|\r(?!\n)", message.raw) is None, form
    text = text_of(parsed(forms[IssueForm.TEXT]))
    contents, _, rest = text.partition(f"\n{WIDE}\n\n")
    assert contents.startswith("There are 3 messages")
    pieces = rest.split(f"\n\n{NARROW}\n\n")
    assert len(pieces) == 4
    assert "first" in pieces[0]
    assert "lästé" in pieces[2]
    assert pieces[3].splitlines()[1] == "*" * len(pieces[3].splitlines()[0])
    mixed = parsed(forms[IssueForm.MIME])
    _, inner, end = mixed.iter_parts()
    assert "End of TEST-L" in text_of(end)
    mails = list(inner.iter_parts())
    assert [one.get_content_type() for one in mails] == ["message/rfc822"] * 3
    within = [one.get_payload(0) for one in mails]
    assert [one["Message-ID"] for one in within] == [f"<{n}@example.org>" for n in (1, 2, 3)]
    plain, page = parsed(forms[IssueForm.HTML]).iter_parts()
    assert text_of(plain) == text
    _check_page(text_of(page))


def _check_page(page: str) -> None:
    """It has our three anchors, and nothing that acts."""
    assert re.findall(r'<a name="(m\d)">', page) == ["m1", "m2", "m3"]
    assert re.search(r"<script|<style|<img|javascript:|<iframe| on\w+=", page) is None
    assert page.index("first") < page.index('name="m2"') < page.index('name="m3"')
    assert "lästé" in page[page.index('name="m3"') :]
    assert page.count("</html>") == 1


def test_an_issue_names_its_list_as_posts_do(tmp_path: Path) -> None:
    stage = digest(tmp_path)
    stage.post(1)
    closed(stage)
    for form in IssueForm:
        message = stage.rendered(form)
        assert message.text("from") == "Automatic digest processor <listserv@lists.example.org>"
        assert message.text("list-id") == "About TEST-L <test-l.lists.example.org>"
        assert message.text("sender") == "owner-test-l@lists.example.org"
        assert message.text("precedence") == "list"
        assert (
            message.message_id
            == f"<token-{stage.tokens}.{form.value.replace(' ', '-')}@lists.example.org>"
        )


def test_a_banner_stands_once_where_the_list_wants_it_so(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST", sets=("Digest= Yes,Same,BOTTOM_BANNER",))
    found = stage.tx.lists.get("TEST-L")
    stage.tx.templates.put(found.id, "MAILTPL", ">>> BOTTOM_BANNER\nThe banner\n", stage.now)
    stage.post(1)
    stage.post(2)
    closed(stage)
    assert [stage.rendered(form).raw.count(b"The banner") for form in IssueForm] == [1, 1, 2, 0, 0]


def test_a_list_without_html_has_none_in_its_digests(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST HTML", sets=("Language= English,NoHTML",))
    stage.post(1, "<p>words</p>", Content_Type="text/html")
    stage.post(2)
    closed(stage)
    for form in IssueForm:
        assert b"text/html" not in stage.rendered(form).raw.lower()


def test_lines_of_an_index_are_ready_to_send(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || INDEX", sets=("Notebook= Yes,Same,Monthly,Private",))
    stage.post(1)
    stage.post(2)
    closed(stage)
    text = text_of(parsed(stage.rendered(IssueForm.INDEX)))
    assert re.findall(r"^GETPOST .*$", text, re.MULTILINE) == [
        "GETPOST TEST-L 1",
        "GETPOST TEST-L 2",
    ]
    _, page = parsed(stage.rendered(IssueForm.HTML_INDEX)).iter_parts()
    assert text_of(page).count("GETPOST%20TEST-L%20") == 2


@pytest.mark.parametrize(
    ("sets", "changed"),
    [
        ((), {}),
        (("X-Tags= Yes",), {}),
        (("X-Tags= Comment", "Reply-To= List,Ignore"), {}),
        (("Subject-Tag= Tagged",), {}),
        (("Notebook= Yes,A,Monthly,Private",), {}),
        ((), {"alias": "0123456789abcdef-dmarc-request@lists.example.org"}),
    ],
    ids=["plain", "x-tags", "comment and reply-to", "tag", "archive", "alias"],
)
def test_a_post_in_a_mime_digest_is_what_its_other_readers_get(
    tmp_path: Path, sets: tuple[str, ...], changed: dict[str, str]
) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST MIME", "all@x.org", sets=sets)
    stage.post(1, Cc="Cora <cora@x.org>, dora@x.org")
    [single] = [one for one in stage.tx.sending.running() if one.kind == "post"]
    facts = replace(decode(single.facts), **changed)
    copy = render(
        stage.tx.sending.content(single.id) or b"", facts, plain=False, style=HeaderStyle.FULL
    )
    closed(stage)
    [issue] = [one for one in stage.tx.sending.running() if one.kind == "digest"]
    bundle = stage.bundle(issue.id)
    entries = [replace(one, facts=replace(one.facts, **changed)) for one in bundle.entries]
    raw = replace(bundle, entries=entries).encode()
    made = render_issue(raw, decode(issue.facts), IssueForm.MIME, seven_bit=False)
    assert copy.head + b"\r\n" + copy.body in made.body
    if changed:
        assert b"joe@example.org" not in made.body


def test_one_click_is_the_issues_and_not_its_posts(tmp_path: Path) -> None:
    stage = Digests(tmp_path, "dig@x.org || DIGEST MIME")
    stage.post(1)
    closed(stage)
    [issue] = [one for one in stage.tx.sending.running() if one.kind == "digest"]
    link, bundle = "https://l.example.org/u/", stage.bundle(issue.id)
    entries = [replace(one, facts=replace(one.facts, one_click=link)) for one in bundle.entries]
    raw = replace(bundle, entries=entries).encode()
    facts = replace(decode(issue.facts), one_click=link)
    for form in IssueForm:
        made = render_issue(raw, facts, form, seven_bit=False)
        assert "list-unsubscribe-post" in made.own
        assert b"list-unsubscribe-post" not in made.body.lower()


def test_all_texts_of_a_post_are_in_an_html_digest(tmp_path: Path) -> None:
    stage = digest(tmp_path)
    inner = "".join(
        f"--m\r\nContent-Type: {kind}\r\n\r\n{said}\r\n"
        for kind, said in (
            ("text/html", "<p>above <b>it</b></p>"),
            ('application/pdf; name="plan.pdf"', "%PDF"),
            ("text/plain", "1 < 2"),
            ("text/html", "<p>below it</p>"),
        )
    )
    stage.post(
        1,
        "--a\r\nContent-Type: text/plain\r\n\r\nplain\r\n--a\r\n"
        f"Content-Type: multipart/mixed; boundary=m\r\n\r\n{inner}--m--\r\n--a--",
        MIME_Version="1.0",
        Content_Type="multipart/alternative; boundary=a",
    )
    closed(stage)
    _, page = parsed(stage.rendered(IssueForm.HTML)).iter_parts()
    shown = text_of(page)
    places = [shown.find(one) for one in ("above <b>it", "plan.pdf", "1 &lt; 2", "below it")]
    assert -1 not in places
    assert places == sorted(places)
    assert "plain<" not in shown
