"""HTML to bare text in one linear pass: to find a command, or save what a better reader lost.

No tree is built, so no nesting can hurt. What is quoted (`blockquote`) keeps its `> `: the code in
the quoted half of a reply must not look as if the writer had typed it.
"""

from __future__ import annotations

import html
import re

MAX_HTML = 1_500_000

_OPENING = re.compile(r"<(?:(!--)|[!?]|(/?[A-Za-z][A-Za-z0-9:-]{0,30}))")
_BREAKS = re.compile(
    "address|article|aside|blockquote|body|br|center|d[dlt]|div|fieldset|figcaption|figure|footer|form"
    "|h[1-6r]|header|li|main|nav|[ou]l|p|pre|section|table|t(body|foot|head|r)|title"
)
_SILENT = frozenset(("script", "style", "head", "template"))
_UNSEEN = re.compile(r"<(?:!--|(style|script)(?=[\s>]))", re.IGNORECASE)
_HREF = re.compile(r"\bhref\s*=\s*(?:\"([^\"]*)|'([^']*)|([^\s\"'>]+))", re.IGNORECASE)
_SHOWN_LINK = re.compile(r"(?:https?|ftp|mailto|tel):[^\x00-\x1f<>]+", re.IGNORECASE)
_BLANKS = re.compile(r"[ \t\r\n\f\u00a0]+")


def strip_tags(source: str, *, links: bool = False) -> str:
    """The words of an HTML text, one line a block, entities read, quotes marked.

    `links`: where a link leads stands behind its words.
    """
    reader = _Reader(links=links)
    source = source[:MAX_HTML]
    at = 0
    while found := _OPENING.search(source, at):
        if found.start() > at:
            reader.text(source[at : found.start()])
        at = _behind_tag(source, found, reader)
    reader.text(source[at:])
    return reader.finished()


def seen(source: str) -> str:
    """The HTML without comments, styles and scripts, which can be most of a mail from Word."""
    out: list[str] = []
    at = 0
    while found := _UNSEEN.search(source, at):
        out.append(source[at : found.start()])
        if found[1] is None:
            at = _behind(source, "-->", found.end() - 2)
            continue
        closing = re.compile(f"</{found[1]}", re.IGNORECASE).search(source, found.end())
        at = _behind(source, ">", closing.end()) if closing else len(source)
    return "".join((*out, source[at:]))


def link_shown(target: str, words: str) -> str:
    """What to write behind the words of a link: nothing where they say it, or it is for no reader.

    No blank can end the target early.
    """
    found = _SHOWN_LINK.fullmatch(html.unescape(target).strip())
    if found is None or _bare(found[0]) == _bare(words):
        return ""
    return " <" + re.sub(r"\s", "%20", found[0]) + ">"


def _bare(link: str) -> str:
    """A link as people write it, to see whether the words already say it."""
    return re.sub(r"^(https?://|ftp://|mailto:|tel:)", "", link.strip().lower()).rstrip("/")


def _behind_tag(source: str, opening: re.Match[str], reader: _Reader) -> int:
    """Take the tag, or the comment, that opens there; where to go on."""
    if opening[2] is None:
        mark, start = ("-->", opening.end() - 2) if opening[1] else (">", opening.end())
        return _behind(source, mark, start)
    tag = opening[2].lower()
    end = _behind(source, ">", opening.end())
    if tag in _SILENT:
        closing = re.compile(f"</{tag}", re.IGNORECASE).search(source, end)
        return _behind(source, ">", closing.end()) if closing else len(source)
    reader.tag(tag, source[opening.end() : end])
    return end


def _behind(source: str, mark: str, start: int) -> int:
    found = source.find(mark, start)
    return len(source) if found < 0 else found + len(mark)


class _Reader:
    """Collects words into lines, and knows how deep in quotes they stand."""

    def __init__(self, *, links: bool) -> None:
        self._links: list[tuple[str, int]] | None = [] if links else None
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

    def tag(self, tag: str, attributes: str) -> None:
        name = tag.lstrip("/")
        if name == "a" and self._links is not None:
            self._link(self._links, None if tag.startswith("/") else _HREF.search(attributes))
        if name in ("td", "th"):
            self._line.append(" ")
        elif _BREAKS.fullmatch(name):
            self._break(blank=name == "p")
        if name == "blockquote":
            self._quotes = max(0, self._quotes + (-1 if tag.startswith("/") else 1))
        elif name == "pre":
            self._pre = max(0, self._pre + (-1 if tag.startswith("/") else 1))

    def _link(self, opened: list[tuple[str, int]], href: re.Match[str] | None) -> None:
        """Close the link that is open, and open the next, if it leads anywhere."""
        if opened:
            target, start = opened.pop()
            self._line.append(link_shown(target, "".join(self._line[start:])))
        if href is not None:
            opened.append((next(filter(None, href.groups()), ""), len(self._line)))

    def _break(self, *, blank: bool) -> None:
        line = _BLANKS.sub(" ", "".join(self._line)).strip() if self._line else ""
        self._line.clear()
        if line:
            self._lines.append("> " * min(self._quotes, 9) + line)
        elif blank and self._lines and self._lines[-1]:
            self._lines.append("")

    def finished(self) -> str:
        self._break(blank=False)
        return "\n".join(self._lines).strip("\n")
