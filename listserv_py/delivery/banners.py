"""TOP_BANNER and BOTTOM_BANNER: the list's words above and below the author's.

They go into the text and the HTML that are read first, in each alternative; never into attachments
or forwarded mails, never into what is signed or encrypted. All other bytes stay as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from listserv_py.delivery.relabel import SEALED, in_utf_8, replaced
from listserv_py.delivery.transfer import BASE64, QUOTED_PRINTABLE, encode, encode_text
from listserv_py.mail.charsets import decode
from listserv_py.mail.charsets import encode as to_charset
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import Fields, joined

_SHOWN = ("text/plain", "text/html")
_CLEARSIGNED = b"-----BEGIN PGP "
_BODY = re.compile(rb"<body(?:[ \t\r\n][^<>]{0,2000})?>", re.IGNORECASE)
_ENDS = (b"</body", b"</html")
_WIDE = ("utf-16", "utf-32", "ucs-2")
_STUFFED = re.compile(r"^(?=[ >]|From )", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class _Banner:
    top: str
    bottom: str


def with_banners(message: Message, facts: ListFacts) -> bytes:
    """The mail with the list's banners; the same bytes where there are none to put in."""
    text = _Banner(facts.top_text, facts.bottom_text)
    html = _Banner(facts.top_html, facts.bottom_html)
    out: list[bytes] = []
    at = 0
    for part in _read_first(message.root):
        banner = html if part.content_type == "text/html" else text
        if not (banner.top or banner.bottom):
            continue
        if _CLEARSIGNED in part.decoded():
            return message.raw
        new = _with(part, banner, _marks(message.root))
        out += (message.raw[at : part.start], new)
        at = part.end
    return b"".join((*out, message.raw[at:]))


def _read_first(part: Part) -> Iterator[Part]:
    """The texts that a reader sees first: one of them, or the alternatives."""
    if part.content_type in SEALED:
        return
    if part.content_type == "multipart/alternative":
        for one in part.children:
            yield from _read_first(one)
    elif part.is_multipart:
        for one in part.children:
            found = list(_read_first(one))
            yield from found
            if found or one.content_type in SEALED:
                return
    elif part.content_type in _SHOWN and part.disposition != "attachment" and not part.filename:
        yield part


def _marks(root: Part) -> tuple[bytes, ...]:
    return tuple(
        b"--" + one.params["boundary"].encode("utf-8", "surrogateescape")
        for one in root.walk()
        if one.is_multipart
    )


def _with(part: Part, banner: _Banner, marks: tuple[bytes, ...]) -> bytes:
    """The whole part with its banner, in which no boundary of the mail may stand."""
    make = _html if part.content_type == "text/html" else _text
    fields, encoding, content = make(part, banner)
    if any(mark in content for mark in marks):
        encoding, content = BASE64, encode(_decoded(encoding, content), BASE64)
    if encoding != part.encoding:
        fields = replaced(fields, "Content-Transfer-Encoding", encoding)
    head = part.raw[part.start : part.body_start]
    is_whole = head == b"\r\n" or head.endswith(b"\r\n\r\n")
    if fields is part.fields and is_whole:
        return head + content
    return joined(fields) + b"\r\n" + content


def _decoded(encoding: str, content: bytes) -> bytes:
    probe = Part(content, 0, 0, len(content), (), "text/plain", {}, encoding, "", "")
    return probe.decoded()


def _text(part: Part, banner: _Banner) -> tuple[Fields, str, bytes]:
    top = _lines(part, banner.top) + "\r\n" if banner.top else ""
    bottom = "\r\n" + _lines(part, banner.bottom) if banner.bottom else ""
    before, behind = to_charset(top, part.charset), to_charset(bottom, part.charset)
    fits = decode(before, part.charset) == top and decode(behind, part.charset) == bottom
    if fits and not _is_wide(part):
        return (part.fields, *_joined(part, before, behind))
    whole = top + _ended(decode(part.decoded(), part.charset)) + bottom
    fields = replaced(part.fields, "Content-Type", in_utf_8(part))
    return (fields, *encode_text(whole.encode("utf-8", "replace")))


def _lines(part: Part, text: str) -> str:
    """The banner's lines, as a flowed text wants them (RFC 3676 4.4)."""
    if part.params.get("format", "").lower() == "flowed":
        text = _STUFFED.sub(" ", text)
    return "".join(f"{line.rstrip()}\r\n" for line in text.split("\n"))


def _ended(text: str) -> str:
    return text if not text or text.endswith("\n") else f"{text}\r\n"


def _joined(part: Part, before: bytes, behind: bytes) -> tuple[str, bytes]:
    """The content between the lines, in the part's own encoding if that can be."""
    content = part.content
    if part.encoding == QUOTED_PRINTABLE and not content.rstrip().endswith(b"="):
        ends = [encode(one, QUOTED_PRINTABLE) for one in (before, behind)]
        return part.encoding, ends[0] + _line_ended(content) + ends[1]
    if part.encoding in (BASE64, QUOTED_PRINTABLE):
        whole = before + _line_ended(part.decoded()) + behind
        return part.encoding, encode(whole, part.encoding)
    whole = before + _line_ended(content) + behind
    if (before + behind).isascii() or part.encoding in ("8bit", "binary"):
        return part.encoding, whole
    return encode_text(whole)


def _line_ended(content: bytes) -> bytes:
    return content if not content or content.endswith(b"\n") else content + b"\r\n"


def _html(part: Part, banner: _Banner) -> tuple[Fields, str, bytes]:
    if _is_wide(part):
        whole = decode(part.decoded(), part.charset).encode("utf-8", "replace")
        fields = replaced(part.fields, "Content-Type", "text/html; charset=utf-8")
        return (fields, *encode_text(_put_in_html(whole, banner)))
    whole = _put_in_html(part.decoded(), banner)
    if part.encoding in (BASE64, QUOTED_PRINTABLE):
        return part.fields, part.encoding, encode(whole, part.encoding)
    return part.fields, part.encoding, whole


def _put_in_html(source: bytes, banner: _Banner) -> bytes:
    """The banner inside the body element; in ASCII, so that it fits any charset."""
    top, bottom = (
        one.encode("ascii", "xmlcharrefreplace").replace(b"\n", b"\r\n")
        for one in (banner.top, banner.bottom)
    )
    found = _BODY.search(source)
    start = found.end() if found else 0
    lower = source.lower()
    ends = [at for at in (lower.rfind(one, start) for one in _ENDS) if at >= 0]
    end = ends[0] if ends else len(source)
    above = (b"\r\n", top, b"\r\n") if top else ()
    below = (b"\r\n", bottom, b"\r\n") if bottom else ()
    return b"".join((source[:start], *above, source[start:end], *below, source[end:]))


def _is_wide(part: Part) -> bool:
    return part.charset.startswith(_WIDE)
