"""The MIME tree of a mail as offsets into its bytes: to look, and to cut.

Nothing is copied or changed: a part knows where it starts and ends in the raw mail, so that whoever
renders can take it byte for byte. Reading is bounded in depth, parts and parameters, and never
raises.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from listserv_py.mail import charsets
from listserv_py.mail.fields import Field, read_header
from listserv_py.mail.words import decode_base64, decode_words, printable

MAX_DEPTH = 50
MAX_PARTS = 1000
MAX_PARAMS = 50
MAX_FALSE_BOUNDARIES = 10_000

_TYPE = re.compile(
    r"[ \t]*([A-Za-z0-9!#$&^_.+-]{1,127})/([A-Za-z0-9!#$&^_.+-]{1,127})[ \t]*(?=[;( \t]|$)"
)
_TOKEN = re.compile(r"[ \t]*([^;=\"\s]{1,100})[ \t]*=[ \t]*")
_VALUE = re.compile(r'"((?:[^"\\]|\\.)*)(?:"|$)|([^;"]*)')
_PERCENT = re.compile(rb"%([0-9A-Fa-f]{2})")
_IDENTITY = frozenset(("7bit", "8bit", "binary"))


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Part:
    """One body part: raw[start:body_start] is its header, raw[body_start:end] its coded content.

    The line end in front of a boundary belongs to the boundary, so `end` is before it. `children`
    of a message/rfc822 is the mail inside it; of anything but that and a readable multipart it is
    empty.
    """

    raw: bytes
    start: int
    body_start: int
    end: int
    fields: tuple[Field, ...]
    content_type: str
    params: Mapping[str, str]
    encoding: str
    disposition: str
    filename: str
    children: tuple[Part, ...] = ()
    _said: list[str] = field(default_factory=list, init=False, repr=False, compare=False)

    @property
    def charset(self) -> str:
        """The charset as it is labelled, lower case; "" where nothing is said."""
        return self.params.get("charset", "").lower()

    @property
    def content(self) -> bytes:
        """The content as it stands in the mail."""
        return self.raw[self.body_start : self.end]

    @property
    def is_multipart(self) -> bool:
        """Whether it is a multipart that could be taken apart."""
        return self.content_type.startswith("multipart/") and bool(self.children)

    def field(self, name: str) -> Field | None:
        """The first header field of that name."""
        return next((one for one in self.fields if one.name == name), None)

    def walk(self) -> Iterator[Part]:
        """This part and all below it in order, but nothing inside a message/rfc822."""
        yield self
        if self.is_multipart:
            for child in self.children:
                yield from child.walk()

    def decoded(self) -> bytes:
        """The content with its transfer encoding undone; an unknown one is left as it is."""
        if self.encoding == "base64":
            return decode_base64(self.content)
        if self.encoding == "quoted-printable":
            return binascii.a2b_qp(self.content)
        return self.content

    def as_text(self) -> str:
        """The content as text with LF line ends and no other controls but tabs.

        It is asked for several times while a post is decided on, and made once unless it is long.
        """
        if self._said:
            return self._said[0]
        text = charsets.decode(self.decoded(), self.charset).removeprefix("\ufeff")
        text = _CONTROL.sub(" ", text.replace("\r\n", "\n"))
        if len(text) <= _KEPT_MAX:
            self._said.append(text)
        return text


_KEPT_MAX = 100_000
_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Tree:
    """What was read, and what was over the limits (None: nothing)."""

    root: Part
    fault: str | None


def read_tree(raw: bytes, fields: tuple[Field, ...], body_start: int) -> Tree:
    """The MIME tree of a mail whose header has been read."""
    reader = _Reader(raw)
    root = reader.part(fields, (0, body_start, len(raw)), "text/plain", 0)
    return Tree(root, reader.fault)


def read_params(value: str) -> tuple[dict[str, str], bool]:
    """The parameters behind the first `;`, names lower case; and whether there were too many."""
    found: dict[str, str] = {}
    at = value.find(";")
    count = 0
    while at >= 0:
        name = _TOKEN.match(value, at + 1)
        if name is None:
            at = value.find(";", at + 1)
            continue
        count += 1
        if count > MAX_PARAMS:
            return found, True
        text = _VALUE.match(value, name.end())
        if text is None:
            break
        plain = re.sub(r"\\(.)", r"\1", text[1]) if text[2] is None else text[2].strip(" \t")
        found.setdefault(name[1].lower(), plain)
        at = value.find(";", text.end())
    return found, False


class _Reader:
    """Takes a mail apart; counts as it goes."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._parts = 0
        self._false_boundaries = 0
        self.fault: str | None = None

    def part(
        self, fields: tuple[Field, ...], span: tuple[int, int, int], default: str, depth: int
    ) -> Part:
        """One part whose header is read; `span` is (start, body_start, end)."""
        start, body_start, end = span
        self._parts += 1
        content_type, params = self._type(_value(fields, "content-type"), default)
        encoding = _first_word(_value(fields, "content-transfer-encoding")) or "7bit"
        disposition = _value(fields, "content-disposition")
        more, _ = read_params(disposition)
        children: tuple[Part, ...] = ()
        if encoding in _IDENTITY:
            children = self._children(content_type, params, (body_start, end), depth)
        return Part(
            raw=self._raw,
            start=start,
            body_start=body_start,
            end=end,
            fields=fields,
            content_type=content_type,
            params=params,
            encoding=encoding,
            disposition=_first_word(disposition),
            filename=_filename(more, params),
            children=children,
        )

    def _type(self, value: str, default: str) -> tuple[str, dict[str, str]]:
        """Content type and parameters; an unreadable field says text/plain (RFC 2045 5.2)."""
        if not value:
            return default, {}
        match = _TYPE.match(value)
        if match is None:
            return "text/plain", {}
        params, many = read_params(value)
        if many:
            self.fault = self.fault or "too many MIME parameters"
        for name in ("boundary", "charset", "start"):
            if name not in params and (value := _param(params, name)):
                params[name] = value
        return f"{match[1]}/{match[2]}".lower(), params

    def _children(
        self, content_type: str, params: Mapping[str, str], span: tuple[int, int], depth: int
    ) -> tuple[Part, ...]:
        is_message = content_type in ("message/rfc822", "message/global")
        if not is_message and not content_type.startswith("multipart/"):
            return ()
        if depth >= MAX_DEPTH:
            self.fault = self.fault or "MIME parts nested too deep"
            return ()
        if is_message:
            return (self._child(span, "text/plain", depth),)
        default = "message/rfc822" if content_type == "multipart/digest" else "text/plain"
        children: list[Part] = []
        for piece in self._pieces(params.get("boundary", ""), span):
            if self._parts >= MAX_PARTS:
                self.fault = self.fault or "too many MIME parts"
                break
            children.append(self._child(piece, default, depth))
        return tuple(children)

    def _child(self, span: tuple[int, int], default: str, depth: int) -> Part:
        start, end = span
        header = read_header(self._raw, start, end)
        self.fault = self.fault or header.fault
        return self.part(header.fields, (start, header.body_start, end), default, depth + 1)

    def _pieces(self, boundary: str, span: tuple[int, int]) -> Iterator[tuple[int, int]]:
        """Where the parts between the boundary lines start and end (RFC 2046 5.1.1)."""
        mark = b"--" + boundary.rstrip(" ").encode("utf-8", "surrogateescape")
        if not boundary or len(mark) > 1000:
            return
        since: int | None = None
        at, end = span
        while (at := self._raw.find(mark, at, end)) >= 0:
            line_end, closes = self._boundary_line(at, len(mark), span)
            if line_end is None:
                at += 2
                self._false_boundaries += 1
                if self._false_boundaries > MAX_FALSE_BOUNDARIES:
                    self.fault = self.fault or "too many lines like a boundary"
                    return
                continue
            if since is not None:
                yield since, max(since, self._before_line(at))
            if closes:
                return
            since = at = line_end
        if since is not None:
            yield since, end

    def _boundary_line(self, at: int, size: int, span: tuple[int, int]) -> tuple[int | None, bool]:
        """(where the next line starts, whether it is the last boundary); None: no boundary."""
        first, end = span
        if at > first and self._raw[at - 1 : at] != b"\n":
            return None, False
        newline = self._raw.find(b"\n", at + size, min(end, at + size + 1000))
        line_end = end if newline < 0 else newline + 1
        if newline < 0 and end - at - size > 1000:
            return None, False
        rest = self._raw[at + size : line_end].rstrip(b" \t\r\n")
        return (line_end, rest == b"--") if rest in (b"", b"--") else (None, False)

    def _before_line(self, at: int) -> int:
        return at - 2 if self._raw[at - 2 : at] == b"\r\n" else at - 1


def _value(fields: tuple[Field, ...], name: str) -> str:
    """The first value as text: UTF-8 where it is not ASCII, as some mailers write file names."""
    for one in fields:
        if one.name == name:
            return one.value.decode("utf-8", "surrogateescape")
    return ""


def _first_word(value: str) -> str:
    if not value:
        return ""
    word = re.split(r"[;( \t]", value.strip(" \t"), maxsplit=1)[0].lower()
    return word if word.isascii() else ""


def _filename(disposition: Mapping[str, str], params: Mapping[str, str]) -> str:
    """The file's name for people, without folders; "" when it has none."""
    name = _param(disposition, "filename") or _param(params, "name")
    if not name:
        return ""
    return re.split(r"[/\\]", printable(name))[-1][:255]


def _param(params: Mapping[str, str], name: str) -> str:
    """A parameter in any way of RFC 2231, or in the forbidden but common one of RFC 2047."""
    if name in params:
        return decode_words(_clean(params[name]))
    if f"{name}*" in params:
        return _extended([(params[f"{name}*"], True)])
    pieces: list[tuple[str, bool]] = []
    while (number := len(pieces)) < MAX_PARAMS:
        if f"{name}*{number}*" in params:
            pieces.append((params[f"{name}*{number}*"], True))
        elif f"{name}*{number}" in params:
            pieces.append((params[f"{name}*{number}"], False))
        else:
            break
    return _extended(pieces) if pieces else ""


def _extended(pieces: list[tuple[str, bool]]) -> str:
    charset, data = "", b""
    for number, (text, is_extended) in enumerate(pieces):
        value = text
        if number == 0 and is_extended and text.count("'") >= 2:
            charset, _, value = text.split("'", 2)
        raw = value.encode("utf-8", "surrogateescape")
        data += _PERCENT.sub(lambda m: bytes((int(m[1], 16),)), raw) if is_extended else raw
    return charsets.decode(data, charset)


def _clean(text: str) -> str:
    return charsets.decode(text.encode("utf-8", "surrogateescape"), "")
