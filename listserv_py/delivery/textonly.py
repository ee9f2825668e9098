"""The NOHTML shape of a mail: HTML goes, text and real attachments stay (`docs/formats.md`).

Parts are taken whole, as the bytes that they are, and only what must change is changed; signed and
encrypted parts, forwarded mails and reports are sealed, and stay. Where the author sent no text, it
is made from his HTML.
"""

from __future__ import annotations

import hashlib
import html
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import unquote

from listserv_py.delivery.plaintext import html_to_text
from listserv_py.delivery.transfer import BASE64, encode, encode_text
from listserv_py.mail.fields import Field
from listserv_py.mail.message import Message
from listserv_py.mail.mime import Part
from listserv_py.mail.splice import Fields, cut, joined, new_field, put_in

MAX_HTML_LOOKED_AT = 2_000_000
NO_TEXT = "[This mail has no text.]\n"

_HTML = frozenset(("text/html", "application/xhtml+xml"))
_CALENDAR = frozenset(("text/calendar", "application/ics"))
_SEALED = frozenset(
    f"multipart/{one}"
    for one in ("signed", "encrypted", "digest", "report", "appledouble", "header-set")
)
_SHOWN = re.compile(r"cid:([^\"'\s<>)]{1,300})", re.IGNORECASE)


def text_only(message: Message, *, laid_out: bool = True) -> bytes:
    """The whole mail without its HTML; the same bytes where it had none.

    `laid_out`: what is made of HTML keeps its shape (`plaintext.py`).
    """
    shaper = _Shaper(message.root, laid_out=laid_out)
    piece = shaper.shape(message.root, first=True)
    if piece is not None and piece.origin is message.root:
        return message.raw
    if piece is None or _is_empty(piece):
        piece = shaper.text(NO_TEXT)
    return joined(_with_content(message.fields, piece.fields)) + b"\r\n" + piece.content


def _is_opened(part: Part) -> bool:
    """Whether a part may be taken apart; what is signed, encrypted or a forwarded mail may not."""
    return part.is_multipart and part.content_type not in _SEALED


def _with_content(fields: Sequence[Field], new: Iterable[Field]) -> Fields:
    """The mail's own header with the Content fields of what has become its only part."""
    at = next((n for n, one in enumerate(fields) if _is_content(one)), len(fields))
    content = [one for one in new if _is_content(one)]
    if content and not any(one.name == "mime-version" for one in fields):
        content.insert(0, new_field("MIME-Version", "1.0"))
    before, behind = fields[:at], fields[at:]
    return put_in((*before, *cut(behind, _is_content)), at, content)


def _is_content(one: Field) -> bool:
    return one.name.startswith("content-")


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of the new mail; `origin` is the old part when nothing has changed."""

    fields: Fields
    content: bytes
    origin: Part | None = None

    @property
    def raw(self) -> bytes:
        if self.origin is not None:
            return self.origin.raw[self.origin.start : self.origin.end]
        return joined(self.fields) + b"\r\n" + self.content


def _kept(part: Part) -> _Piece:
    return _Piece(part.fields, part.content, part)


class _Shaper:
    """Shapes the parts of one mail, knowing what its HTML shows."""

    def __init__(self, root: Part, *, laid_out: bool) -> None:
        self._laid_out = laid_out
        bodies = [leaf for leaf, first in _leaves(root) if _is_body_html(leaf, first=first)]
        self._shown = frozenset(name for one in bodies for name in _names_shown(one))
        self._boundaries = tuple(
            b"--" + one.params["boundary"].encode("utf-8", "surrogateescape")
            for one in root.walk()
            if one.is_multipart
        )

    def shape(self, part: Part, *, first: bool) -> _Piece | None:
        """What a part becomes; None: it is gone. `first`: nothing stands before it."""
        if _is_opened(part):
            return self._multipart(part, first=first)
        if _is_body_html(part, first=first):
            return self.text(html_to_text(part.as_text(), laid_out=self._laid_out))
        if part.content_type not in _SEALED and self._is_shown(part):
            return None
        return _kept(part)

    def _multipart(self, part: Part, *, first: bool) -> _Piece | None:
        if part.content_type == "multipart/alternative":
            return self._alternative(part)
        if part.content_type == "multipart/related":
            return self._related(part, first=first)
        pieces = [self.shape(one, first=first and n == 0) for n, one in enumerate(part.children)]
        said = [one for one in pieces if one is not None and not _is_empty(one)]
        return self._wrapped(part, said or [one for one in pieces if one is not None][:1])

    def _alternative(self, part: Part) -> _Piece | None:
        """The text, an invitation that comes with it, and attachments hidden beside the HTML."""
        chosen = _best(part)
        if chosen is None:
            return _kept(part)
        text = self.shape(chosen, first=True)
        pieces = [text] if text is not None else []
        others = [one for one in part.children if one is not chosen]
        pieces += [_kept(one) for one in others if one.content_type in _CALENDAR]
        attached = [
            _kept(leaf)
            for one in others
            for leaf, _ in _leaves(one)
            if self._stays(leaf) and one.content_type not in _CALENDAR
        ]
        return self._wrapped(part, pieces + attached, mixed=bool(attached))

    def _related(self, part: Part, *, first: bool) -> _Piece | None:
        """Its root's text, and what the HTML does not show."""
        start = part.params.get("start", "").strip("<> ")
        named = [one for one in part.children if start and _content_id(one) == start]
        root = (named or list(part.children))[0]
        shaped = self.shape(root, first=first)
        if shaped is not None and shaped.origin is root:
            return _kept(part)
        others = [one for one in part.children if one is not root and not self._is_shown(one)]
        pieces = [*([shaped] if shaped is not None else []), *map(_kept, others)]
        return self._wrapped(part, pieces, mixed=True)

    def _wrapped(
        self, part: Part, pieces: Sequence[_Piece], *, mixed: bool = False
    ) -> _Piece | None:
        """Pieces back in their multipart; a single one needs none."""
        if [one.origin for one in pieces] == list(part.children):
            return _kept(part)
        if len(pieces) < 2:
            return pieces[0] if pieces else None
        raws = [one.raw for one in pieces]
        if mixed:
            return _mixed(part, raws)
        first, last = part.children[0], part.children[-1]
        line = part.raw[first.end : part.children[1].start]
        opening = part.raw[part.body_start : first.start]
        return _Piece(part.fields, opening + line.join(raws) + part.raw[last.end : part.end])

    def text(self, text: str) -> _Piece:
        """A text part of ours, in which no boundary of the mail may stand."""
        data = text.replace("\n", "\r\n").encode("utf-8", "replace")
        encoding, content = encode_text(data)
        if any(one in content for one in self._boundaries):
            encoding, content = BASE64, encode(data, BASE64)
        fields = (
            new_field("Content-Type", "text/plain; charset=utf-8"),
            new_field("Content-Transfer-Encoding", encoding),
        )
        return _Piece(fields, content)

    def _is_shown(self, part: Part) -> bool:
        """Whether the HTML shows it, so that it goes with it."""
        if part.is_multipart or part.content_type.startswith("message/"):
            return False
        location = part.field("content-location")
        place = location.value.decode("utf-8", "replace") if location else ""
        return _content_id(part) in self._shown or (bool(place) and place in self._shown)

    def _stays(self, leaf: Part) -> bool:
        """Whether a leaf of an alternative not chosen is more than another way to say it."""
        if leaf.content_type.startswith("text/") and leaf.disposition != "attachment":
            return False
        return not self._is_shown(leaf) and leaf.content_type not in _HTML


def _best(part: Part) -> Part | None:
    """The alternative to read: text alone, else text beside HTML, else HTML."""
    found: list[tuple[int, Part]] = []
    for one in part.children:
        leaves = [leaf for leaf, _ in _leaves(one)]
        has_text = any(map(_is_said, leaves))
        has_html = any(_is_body_html(leaf, first=True) for leaf in leaves)
        rank = {(True, False): 0, (True, True): 1, (False, True): 2}.get((has_text, has_html))
        if rank is not None:
            found.append((rank, one))
    return min(found, key=lambda pair: pair[0])[1] if found else None


def _leaves(part: Part, *, first: bool = True) -> Iterator[tuple[Part, bool]]:
    """The leaves that are read, sealed parts whole; with whether each is the first."""
    if not _is_opened(part):
        yield part, first
        return
    for number, one in enumerate(part.children):
        yield from _leaves(one, first=first and number == 0)


def _is_body_html(part: Part, *, first: bool) -> bool:
    """HTML to be read, not an HTML file that somebody sends along."""
    if part.content_type not in _HTML or part.disposition == "attachment":
        return False
    return first or not part.filename


def _is_said(part: Part) -> bool:
    """A text part with something in it; Outlook and others send empty ones."""
    return (
        part.content_type == "text/plain"
        and part.disposition != "attachment"
        and bool(part.as_text().strip())
    )


def _is_empty(piece: _Piece) -> bool:
    return piece.origin is None and not piece.content.strip()


def _content_id(part: Part) -> str:
    found = part.field("content-id")
    return found.value.decode("utf-8", "replace").strip("<> \t") if found else ""


def _names_shown(part: Part) -> Iterator[str]:
    """What an HTML part refers to: Content-IDs, and the places of its images."""
    source = html.unescape(part.as_text()[:MAX_HTML_LOOKED_AT])
    for found in _SHOWN.finditer(source):
        yield unquote(found[1])
    for found in re.finditer(r"\bsrc\s*=\s*[\"']([^\"']{1,1000})[\"']", source, re.IGNORECASE):
        yield found[1]


def _mixed(part: Part, raws: Sequence[bytes]) -> _Piece:
    """A multipart/mixed of ours in the place of one that no longer fits its type."""
    joint = b"\r\n\r\n".join(raws)
    boundary = "=_" + hashlib.sha256(joint).hexdigest()[:32]
    mark = b"--" + boundary.encode("ascii")
    content = b"".join(mark + b"\r\n" + raw + b"\r\n" for raw in raws) + mark + b"--\r\n"
    fields = (
        new_field("Content-Type", f'multipart/mixed; boundary="{boundary}"'),
        *(one for one in part.fields if one.name == "content-transfer-encoding"),
    )
    return _Piece(fields, content)
