"""HTML to bare text in one linear pass: to find a command, or save what a better reader lost.

No tree is built, so no nesting can hurt. What is quoted (`blockquote`) keeps its `> `: the code in
the quoted half of a reply must not look as if the writer had typed it.
"""

from __future__ import annotations

import html
import re

MAX_HTML = 500_000

_TAG_NAME = re.compile(r"/?[A-Za-z][A-Za-z0-9:-]{0,30}")
_BREAKS = re.compile(
    "address|article|aside|blockquote|body|br|center|d[dlt]|div|fieldset|figcaption|figure|footer|form"
    "|h[1-6r]|header|li|main|nav|[ou]l|p|pre|section|table|t(body|foot|head|r)|title"
)
_SILENT = frozenset(("script", "style", "head", "template"))
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")


def strip_tags(source: str) -> str:
    """The words of an HTML text, one line a block, entities read, quotes marked."""
    reader = _Reader()
    source = source[:MAX_HTML]
    at = 0
    while at < len(source):
        opening = source.find("<", at)
        if opening < 0:
            opening = len(source)
        reader.text(source[at:opening])
        at = _behind_tag(source, opening, reader)
    return reader.finished()


def _behind_tag(source: str, opening: int, reader: _Reader) -> int:
    """Take the tag, comment or bare `<` at `opening`; where to go on."""
    if source.startswith("<!--", opening):
        return _behind(source, "-->", opening + 4)
    if source[opening + 1 : opening + 2] in ("!", "?"):
        return _behind(source, ">", opening + 2)
    name = _TAG_NAME.match(source, opening + 1)
    if name is None:
        reader.text(source[opening : opening + 1])
        return opening + 1
    tag = name[0].lower()
    end = _behind(source, ">", name.end())
    if tag in _SILENT:
        closing = re.compile(f"</{tag}", re.IGNORECASE).search(source, end)
        return _behind(source, ">", closing.end()) if closing else len(source)
    reader.tag(tag)
    return end


def _behind(source: str, mark: str, start: int) -> int:
    found = source.find(mark, start)
    return len(source) if found < 0 else found + len(mark)


class _Reader:
    """Collects words into lines, and knows how deep in quotes they stand."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._line: list[str] = []
        self._quotes = 0
        self._pre = 0

    def text(self, source: str) -> None:
        first, *more = html.unescape(source).split("\n") if self._pre else [html.unescape(source)]
        self._line.append(first)
        for line in more:
            self._break(blank=True)
            self._line.append(line)

    def tag(self, tag: str) -> None:
        name = tag.lstrip("/")
        if name in ("td", "th"):
            self._line.append(" ")
        elif _BREAKS.fullmatch(name):
            self._break(blank=name == "p")
        if name == "blockquote":
            self._quotes = max(0, self._quotes + (-1 if tag.startswith("/") else 1))
        elif name == "pre":
            self._pre = max(0, self._pre + (-1 if tag.startswith("/") else 1))

    def _break(self, *, blank: bool) -> None:
        line = _BLANKS.sub(" ", "".join(self._line)).strip()
        self._line.clear()
        if line:
            self._lines.append("> " * min(self._quotes, 9) + line)
        elif blank and self._lines and self._lines[-1]:
            self._lines.append("")

    def finished(self) -> str:
        self._break(blank=False)
        return "\n".join(self._lines).strip("\n")
