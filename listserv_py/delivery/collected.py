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
    """All of the post that is to be read, its HTML cleaned; as text where that cannot be in time.

    A mail may have several texts, one behind the other: Apple Mail has one on each side of a file.
    """
    parts = list(_preferred(message.root))
    pages = [one for one in parts if _is_page(one)]
    is_small = sum(len(one.content) for one in pages) <= 2 * MAX_HTML
    sources = {id(one): one.as_text() for one in pages} if is_small else {}
    is_meant = 0 < sum(map(len, sources.values())) <= MAX_HTML
    if not (is_meant and all(map(is_harmless, sources.values()))):
        return as_html(text_of(message, words, laid_out=laid_out))
    said = []
    for one in parts:
        if _is_page(one):
            said.append(_cleaned(sources[id(one)]))
        elif _is_text(one):
            said.append(as_html(one.as_text().strip("\r\n")))
        else:
            said.append(as_html(words["attached"].replace("\x00", _name(one))))
    return "".join(said)


def _preferred(part: Part) -> Iterator[Part]:
    """Its leaves; of a text in several forms only those of the form that has HTML."""
    if not part.is_multipart:
        yield part
    elif part.content_type == "multipart/alternative" and part.children:
        with_html = (one for one in part.children if any(map(_is_page, _leaves(one))))
        yield from _preferred(next(with_html, part.children[0]))
    else:
        for child in part.children:
            yield from _preferred(child)


def _is_page(part: Part) -> bool:
    return part.content_type == "text/html" and _is_shown(part)


def _cleaned(source: str) -> str:
    return nh3.clean(
        source,
        tags=set(_TAGS),
        attributes=_ATTRIBUTES,
        clean_content_tags=_UNSEEN,
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer",
    )


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
