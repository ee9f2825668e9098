"""An issue of a digest in each of its forms: text, MIME, HTML, and as an index.

Pure, like `render.py`: the same bytes for the same bundle, today and after a crash. It is rendered
once a form, whoever reads it. `docs/digests.md` shows the forms.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime

from listserv_py.delivery.collected import (
    Heading,
    as_html,
    facts_within,
    heading,
    html_of,
    is_laid_out,
    original,
    text_of,
)
from listserv_py.delivery.render import Variant, render
from listserv_py.delivery.transfer import encode_text, has_long_line
from listserv_py.delivery.variants import IssueForm
from listserv_py.lists.options import HeaderStyle
from listserv_py.mail.compose import address, clean, header_line
from listserv_py.mail.issue import Bundle, Entry, decode
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import read

WIDE, NARROW = "-" * 70, "-" * 30
"""The lines below the contents and below each message (RFC 1153 3)."""

_SEPARATOR = re.compile(r"^(?=-{30}[ \t]*$)", re.MULTILINE)
_ANSWER = re.compile(r"(?:(?:re|aw|fwd?|wg|sv)(?:\[\d{1,3}\])?:\s*)+", re.IGNORECASE)
_PLAIN = {IssueForm.HTML: IssueForm.TEXT, IssueForm.HTML_INDEX: IssueForm.INDEX}
_STYLE = "font-family: sans-serif"

Fields = list[tuple[str, str]]
Body = tuple[Fields, bytes]


def render_issue(raw: bytes, facts: ListFacts, form: IssueForm, *, seven_bit: bool) -> Variant:
    """The issue for those who have chosen this form."""
    bundle = decode(raw)
    form = _PLAIN.get(form, form) if facts.text_only else form
    fields, body = _BODIES[form](bundle, facts, seven_bit)
    is_index = form in {IssueForm.INDEX, IssueForm.HTML_INDEX}
    head = _head(bundle, facts, bundle.words["index_subject" if is_index else "subject"], form)
    head += b"".join(header_line(name, value) for name, value in fields)
    bare = replace(facts, text_only=False, bottom_text="", bottom_html="")
    made = render(head + b"\r\n", bare, plain=False, style=HeaderStyle.FULL)
    return replace(made, body=body)


def _head(bundle: Bundle, facts: ListFacts, subject: str, form: IssueForm) -> bytes:
    name = form.value.replace(" ", "-")
    said = [
        ("From", address("Automatic digest processor", facts.command_address)),
        ("To", address(f"Recipients of {facts.listname} digests", facts.list_address)),
        ("Subject", clean(subject)),
        ("Date", format_datetime(datetime.fromtimestamp(bundle.stamp, UTC))),
        ("Message-ID", f"<{bundle.token}.{name}@{facts.domain}>"),
        ("Auto-Submitted", "auto-generated"),
        ("MIME-Version", "1.0"),
    ]
    return b"".join(header_line(*one) for one in said)


# Text.


def _text(bundle: Bundle, facts: ListFacts, seven_bit: bool) -> Body:
    return _part("plain", _in_text(bundle, facts), seven_bit)


def _in_text(bundle: Bundle, facts: ListFacts) -> str:
    """RFC 1153: contents, a wide line, messages with narrow lines between them, an end line."""
    said, headings, laid_out = [], [], is_laid_out(bundle)
    for entry in bundle.entries:
        message = original(entry, facts_within(entry, facts))
        above = heading(entry, bundle, message)
        headings.append(above)
        text = _SEPARATOR.sub(" ", text_of(message, bundle.words, laid_out=laid_out))
        top = f"Date:    {above.date}\nFrom:    {above.author}\nSubject: {above.subject}"
        said.append(f"{top}\n\n{text.strip(chr(10))}\n\n{NARROW}\n")
    return "\n".join((_contents(bundle, headings), f"{WIDE}\n", *said, _end(bundle, facts)))


def _contents(bundle: Bundle, headings: Sequence[Heading]) -> str:
    """What is in the issue: each topic once, with the number of its messages."""
    topics: dict[str, tuple[str, int]] = {}
    for one in headings:
        bare = _ANSWER.sub("", one.subject).strip() or one.subject
        first, count = topics.get(bare.lower(), (bare, 0))
        topics[bare.lower()] = first, count + 1
    width = len(str(len(topics)))
    rows = [
        f"  {number:>{width}}. {subject}" + (f" ({count})" if count > 1 else "")
        for number, (subject, count) in enumerate(topics.values(), 1)
    ]
    return "\n".join((bundle.words["intro"], "", *rows, ""))


def _end(bundle: Bundle, facts: ListFacts) -> str:
    line = bundle.words["end"]
    banner = f"\n{facts.bottom_text}\n" if facts.bottom_text else ""
    return f"{line}\n{'*' * len(line)}\n{banner}"


# MIME.


def _mime(bundle: Bundle, facts: ListFacts, seven_bit: bool) -> Body:
    """The contents as text, then a multipart/digest of the posts (RFC 2046 5.1.5)."""
    mails, headings = [], []
    for entry in bundle.entries:
        within = facts_within(entry, facts)
        made = render(entry.raw, within, plain=False, style=HeaderStyle.FULL, seven_bit=seven_bit)
        mail = made.head + b"\r\n" + made.body
        mails.append(mail if mail.endswith(b"\r\n") else mail + b"\r\n")
        headings.append(heading(entry, bundle, read(entry.raw)))
    contents = _whole(*_part("plain", _contents(bundle, headings), seven_bit))
    end = _whole(*_part("plain", _end(bundle, facts), seven_bit))
    outer, inner = _boundaries(bundle, [contents, end, *mails])
    parts = [_whole([("Content-Type", "message/rfc822"), *_eight(mail)], mail) for mail in mails]
    digest = _joined(inner, parts)
    fields = [("Content-Type", f'multipart/digest; boundary="{inner}"'), *_eight(digest)]
    body = _joined(outer, [contents, _whole(fields, digest), end])
    return [("Content-Type", f'multipart/mixed; boundary="{outer}"'), *_eight(body)], body


def _eight(content: bytes) -> Fields:
    return [] if content.isascii() else [("Content-Transfer-Encoding", "8bit")]


# HTML.


def _html(bundle: Bundle, facts: ListFacts, seven_bit: bool) -> Body:
    headings, said, laid_out = [], [], is_laid_out(bundle)
    for number, entry in enumerate(bundle.entries, 1):
        message = original(entry, facts_within(entry, facts))
        above = heading(entry, bundle, message)
        headings.append(above)
        shown = html_of(message, bundle.words, laid_out=laid_out)
        said.append(
            f'<hr><a name="m{number}"></a><h2>{_safe(above.subject)}</h2>'
            f"<p>{_safe(above.author)}<br>{_safe(above.date)}</p>\n<div>{shown}</div>\n"
        )
    rows = "".join(
        f'<li><a href="#m{number}">{_safe(one.subject)}</a>, {_safe(one.name)}</li>\n'
        for number, one in enumerate(headings, 1)
    )
    top = f"{as_html(bundle.words['intro'])}\n<ol>\n{rows}</ol>\n"
    banner = facts.bottom_html or (as_html(facts.bottom_text) if facts.bottom_text else "")
    end = f"<hr><p>{_safe(bundle.words['end'])}</p>\n{banner}"
    page = _page(bundle.words["subject"], top + "".join(said) + end)
    return _alternative(bundle, _in_text(bundle, facts), page, seven_bit)


def _page(title: str, body: str) -> str:
    return (
        f'<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title>{_safe(title)}</title></head>\n'
        f'<body style="{_STYLE}">\n{body}\n</body></html>\n'
    )


def _alternative(bundle: Bundle, text: str, page: str, seven_bit: bool) -> Body:
    parts = [_whole(*_part("plain", text, seven_bit)), _whole(*_part("html", page, seven_bit))]
    outer, _ = _boundaries(bundle, parts)
    body = _joined(outer, parts)
    return [("Content-Type", f'multipart/alternative; boundary="{outer}"'), *_eight(body)], body


def _safe(text: str) -> str:
    return html.escape(text)


# Indexes.


def _index(bundle: Bundle, _: ListFacts, seven_bit: bool) -> Body:
    return _part("plain", _in_rows(bundle), seven_bit)


def _in_rows(bundle: Bundle) -> str:
    rows, lines = [], []
    for entry in bundle.entries:
        above = heading(entry, bundle, read(entry.raw))
        rows.append(f"{entry.number:>7}  {above.day:>11}  {entry.lines:>5}  {above.name}")
        rows.append(f"{'':29}{above.subject}")
        if entry.facts.archived_at:
            lines.append(_getpost(entry))
    how = [bundle.words["index_how"], "", *lines, ""] if lines else []
    return "\n".join((bundle.words["index_intro"], "", *rows, "", *how))


def _getpost(entry: Entry) -> str:
    """The command for a post; one that came through a super-list is in that one's archive."""
    through = entry.facts.posts_to.partition("@")[0].upper()
    return f"GETPOST {through or entry.facts.listname} {entry.number}"


def _html_index(bundle: Bundle, _: ListFacts, seven_bit: bool) -> Body:
    rows = []
    for entry in bundle.entries:
        above = heading(entry, bundle, read(entry.raw))
        subject = _safe(above.subject)
        if entry.facts.archived_at:
            subject = f'<a href="{_safe(entry.facts.archived_at)}">{subject}</a>'
        cells = (str(entry.number), _safe(above.day), str(entry.lines), _safe(above.name))
        rows.append("<tr>" + "".join(f"<td>{one}</td>" for one in (*cells, subject)) + "</tr>\n")
    table = f'<table cellpadding="4">\n{"".join(rows)}</table>'
    page = _page(bundle.words["index_subject"], as_html(bundle.words["index_intro"]) + table)
    return _alternative(bundle, _in_rows(bundle), page, seven_bit)


# Parts.


def _part(subtype: str, text: str, seven_bit: bool) -> Body:
    """Text as it is where that fits its way, else encoded."""
    raw = text.rstrip("\n").replace("\n", "\r\n").encode("utf-8", "replace") + b"\r\n"
    encoding, data = ("8bit", raw)
    if raw.isascii() or seven_bit or has_long_line(raw):
        encoding, data = encode_text(raw)
    return [
        ("Content-Type", f"text/{subtype}; charset=utf-8"),
        ("Content-Transfer-Encoding", encoding),
    ], data


def _whole(fields: Fields, content: bytes) -> bytes:
    return b"".join(header_line(name, value) for name, value in fields) + b"\r\n" + content


def _joined(boundary: str, parts: Sequence[bytes]) -> bytes:
    mark = b"\r\n--" + boundary.encode("ascii")
    return b"".join((*(mark + b"\r\n" + part for part in parts), mark + b"--\r\n"))[2:]


def _boundaries(bundle: Bundle, parts: Sequence[bytes]) -> tuple[str, str]:
    """Two that stand in none of the parts, and that nobody could know who wrote one of them."""
    number = 0
    while True:
        seed = f"{bundle.token}/{number}".encode()
        outer, inner = (
            hashlib.blake2b(seed, digest_size=15, person=who).hexdigest()
            for who in (b"outer", b"inner")
        )
        marks = (outer.encode("ascii"), inner.encode("ascii"))
        if not any(mark in part for part in parts for mark in marks):
            return outer, inner
        number += 1


_BODIES = {
    IssueForm.TEXT: _text,
    IssueForm.MIME: _mime,
    IssueForm.HTML: _html,
    IssueForm.INDEX: _index,
    IssueForm.HTML_INDEX: _html_index,
}
