"""One post of an issue, read once for a form: what stands above it, its text, its HTML.

Whatever its MIME tree is, out comes text, or HTML that nh3 has closed and cleaned: nothing of a
post reaches beyond its own place in a digest.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from zoneinfo import ZoneInfo

import nh3

from listserv_py.delivery.banners import with_banners
from listserv_py.delivery.plaintext import is_harmless
from listserv_py.delivery.textonly import text_only
from listserv_py.mail.issue import Bundle, Entry
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import Message, read
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import clean_lines

MAX_HTML = 500_000
MAX_LAID_OUT = 500_000
"""In all posts of an issue; more HTML than that becomes text without the shape of its tables."""
_SUBJECT_MAX = 200
_TAGS = frozenset(
    [
        "a",
        "abbr",
        "b",
        "blockquote",
        "br",
        "caption",
        "cite",
        "code",
        "dd",
        "del",
        "div",
        "dl",
        "dt",
        "em",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "hr",
        "i",
        "ins",
        "kbd",
        "li",
        "ol",
        "p",
        "pre",
        "q",
        "s",
        "small",
        "span",
        "strong",
        "sub",
        "sup",
        "table",
        "tbody",
        "td",
        "tfoot",
        "th",
        "thead",
        "tr",
        "u",
        "ul",
    ]
)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "ol": {"start"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
}
_UNSEEN = {"script", "style", "title", "template"}


@dataclass(frozen=True, slots=True)
class Heading:
    """What a digest says above a post, and an index instead of it."""

    subject: str
    author: str
    date: str
    day: str
    name: str


def heading(entry: Entry, bundle: Bundle, message: Message) -> Heading:
    """From the post's own header, as text without controls."""
    when = datetime.fromtimestamp(entry.at, ZoneInfo(bundle.zone))
    author = message.author
    if author is None:
        written = message.text("from") or ""
        name = written
    else:
        written = f"{author.name} <{author.mailbox}>".strip() if author.name else ""
        written = written or str(author.mailbox)
        name = author.name or str(author.mailbox)
    return Heading(
        subject=message.subject[:_SUBJECT_MAX].strip() or "(no subject)",
        author=written[:_SUBJECT_MAX],
        date=(message.text("date") or f"{when:%a}, {when.day} {when:%b %Y %H:%M:%S %z}")[:60],
        day=f"{when.day} {when:%b %Y}",
        name=name[:60],
    )


def facts_within(entry: Entry, facts: ListFacts) -> ListFacts:
    """The post's facts inside an issue, which has the list's banner and links once for all."""
    inside = replace(entry.facts, one_click="", merge=False)
    if facts.bottom_text or facts.bottom_html:
        inside = replace(inside, bottom_text="", bottom_html="")
    return inside


def is_laid_out(bundle: Bundle) -> bool:
    """Whether there is time to keep the shape of HTML that becomes text."""
    found = sum(len(one.raw) for one in bundle.entries if b"text/html" in one.raw.lower())
    return found <= MAX_LAID_OUT


def original(entry: Entry, facts: ListFacts) -> Message:
    """The post with the list's banners."""
    message = read(clean_lines(entry.raw))
    if facts.text_only:
        message = read(text_only(message), room=2)
    return read(with_banners(message, facts), room=2) if facts.has_banners else message


def text_of(message: Message, words: Mapping[str, str], *, laid_out: bool) -> str:
    """All that there is to read of a post, and the names of what else came with it."""
    attached = words["attached"]
    parts = list(_leaves(read(text_only(message, laid_out=laid_out), room=2).root))
    texts = [part.as_text().strip("\n") for part in parts if _is_text(part)]
    names = [attached.replace("\x00", _name(part)) for part in parts if not _is_text(part)]
    return "\n\n".join([*filter(str.strip, texts), *names])


def html_of(message: Message, words: Mapping[str, str], *, laid_out: bool) -> str:
    """The post's HTML, cleaned; its text where it has none, or none that can be cleaned in time."""
    parts = list(_leaves(message.root))
    found = next((one for one in parts if one.content_type == "text/html" and _is_shown(one)), None)
    source = found.as_text() if found is not None and len(found.content) <= 2 * MAX_HTML else ""
    if not source.strip() or len(source) > MAX_HTML or not is_harmless(source):
        return as_html(text_of(message, words, laid_out=laid_out))
    shown = [one for one in parts if not one.content_type.startswith("text/") or not _is_shown(one)]
    names = [words["attached"].replace("\x00", _name(one)) for one in shown]
    cleaned = nh3.clean(
        source,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        clean_content_tags=_UNSEEN,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )
    return cleaned + "".join(as_html(name) for name in names)


def as_html(text: str) -> str:
    """Text in HTML, its lines and blanks as they are."""
    said = html.escape(text.replace("\r", ""))
    return f'<div style="white-space: pre-wrap">{said}</div>'


def _leaves(part: Part) -> Iterator[Part]:
    return (one for one in part.walk() if not one.is_multipart)


def _is_shown(part: Part) -> bool:
    return part.disposition != "attachment"


def _is_text(part: Part) -> bool:
    return part.content_type == "text/plain" and _is_shown(part)


def _name(part: Part) -> str:
    name = " ".join(part.filename.split())[:100]
    return f"{name} ({part.content_type})" if name else part.content_type
