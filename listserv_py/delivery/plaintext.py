"""HTML to text for those who said NOHTML, when the author sent no text.

inscriptis lays out lists and tables, and shows links as `words <https://…>`. It is fed by
strangers, so whatever could make it slow, huge or forgetful (deep nesting loses text without a
word) is seen first and goes the plain way of `mail.htmltext`, which keeps the words and loses the
layout. Never raises; call it in a thread.
"""

from __future__ import annotations

import html
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

import inscriptis
from inscriptis.css_profiles import STRICT_CSS_PROFILE
from inscriptis.html_properties import Display
from inscriptis.model.attribute import Attribute
from inscriptis.model.config import ParserConfig
from inscriptis.model.html_element import HtmlElement
from inscriptis.model.table import TableRow
from inscriptis.model.tag import CustomHtmlTagHandlerMapping
from inscriptis.model.tag.table_tag import table_end_handler

from listserv_py.mail.htmltext import MAX_HTML, link_shown, seen, strip_tags

MAX_LAID_OUT = 1_000_000
MAX_TAGS = 50_000
MAX_DEPTH = 200
MAX_LAYOUT_DEPTH = 20
MAX_TABLE_AREA = 300_000
MAX_TABLE_WIDTH = 120
WIDTH = 76
CUT = "[This is only the beginning of a very long mail.]"

_TAGS = re.compile(
    r"<(/?)(div|span|font|b|i|u|em|strong|a|table|td|ul|ol|blockquote)\b", re.IGNORECASE
)
_LAYOUT = frozenset(("table", "ul", "ol", "blockquote"))
LONG = 500
"""A line that is wrapped even where there is no time for the shape of the text."""
_BLOCKS = ("center", "details", "dl", "dt", "fieldset", "form", "section", "summary")
_HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_INVISIBLE = re.compile("[\u00ad\u034f\u200b-\u200f\u2060\ufeff\\s]*")
_MANY_BLANK_LINES = re.compile(r"\n{3,}")
_WORDS = re.compile(r"\w+")


def html_to_text(source: str, *, laid_out: bool = True) -> str:
    """The text of an HTML mail, LF line ends, long paragraphs wrapped.

    `laid_out`: lists and tables keep their shape, at ten times the cost.
    """
    visible = seen(source[:MAX_HTML])
    text = _laid_out(visible) if laid_out and is_harmless(visible) else None
    if text is None:
        text = strip_tags(visible, links=True)
    lines = [
        _tidy(line) if laid_out or len(line) > LONG else line.rstrip()
        for line in text.replace("\u00a0", " ").split("\n")
    ]
    text = _MANY_BLANK_LINES.sub("\n\n", "\n".join(lines)).strip("\n")
    if len(source) > MAX_HTML:
        text = f"{text}\n\n{CUT}"
    return f"{text}\n" if text else ""


def is_harmless(source: str) -> bool:
    """Small enough, and not nested so deep that libxml2 would drop the rest."""
    if len(source) > MAX_LAID_OUT or source.count("<") > MAX_TAGS:
        return False
    depth = layout = 0
    for tag in _TAGS.finditer(source):
        step = -1 if tag[1] else 1
        depth = max(0, depth + step)
        if tag[2].lower() in _LAYOUT:
            layout = max(0, layout + step)
        if depth > MAX_DEPTH or layout > MAX_LAYOUT_DEPTH:
            return False
    return True


def _laid_out(source: str) -> str | None:
    """What inscriptis makes of it; None when it gave up, or lost a good part of the words."""
    # inscriptis undoes entities once more after lxml has, which would turn `&amp;lt;` into `<`.
    doubled = source.replace("&amp;", "&amp;amp;")
    try:
        text = inscriptis.get_text(doubled, _config())
    except Exception:  # noqa: BLE001 - a foreign parser fed by strangers; the bare words remain
        return None
    kept, wanted = (sum(map(len, _WORDS.findall(one))) for one in (text, strip_tags(source)))
    return str(text) if kept * 10 >= wanted * 6 or _HIDDEN.search(source) else None


def _tidy(line: str) -> str:
    """No blanks at the end, no invisible lines; a paragraph wrapped, a row of a table not."""
    line = line.rstrip()
    if _INVISIBLE.fullmatch(line):
        return ""
    words = line.lstrip()
    if len(line) <= (MAX_TABLE_WIDTH if "  " in words else WIDTH + 2):
        return line
    indent = line[: len(line) - len(words)][: WIDTH // 2]
    hanging = indent + "  " if words.startswith(("* ", "- ", "+ ")) else indent
    return textwrap.fill(
        words,
        WIDTH,
        initial_indent=indent,
        subsequent_indent=hanging,
        break_long_words=False,
        break_on_hyphens=False,
    )


class _TooWideError(Exception):
    """A table that would be padded to more than anybody can read."""


def _config() -> ParserConfig:
    """A configuration for one conversion: inscriptis writes into the one that it is given."""
    css = {name: one.__copy__() for name, one in STRICT_CSS_PROFILE.items()}
    css |= {name: HtmlElement(display=Display.block) for name in _BLOCKS}
    css["dd"] = HtmlElement(display=Display.block, padding_inline=4)
    css["blockquote"] = HtmlElement(display=Display.block, margin_before=1, padding_inline=4)
    links = _Links()
    config = ParserConfig(
        css=css,
        display_images=True,
        deduplicate_captions=True,
        custom_html_tag_handler_mapping=CustomHtmlTagHandlerMapping(
            start_tag_mapping={"a": links.open},
            end_tag_mapping={
                "a": links.close,
                "blockquote": _close_quote,
                "table": _close_table,
            },
        ),
    )
    # Margins and paddings of the mail's own CSS are left out: `margin-top: 9e9em` is a bomb.
    config.attribute_handler = Attribute()
    config.attribute_handler.attribute_mapping = {"style": _hide}
    return config


def _hide(style: str, element: HtmlElement) -> None:
    if _HIDDEN.search(style):
        element.display = Display.none


def _close_quote(state: Any) -> None:
    """A blank line behind a quotation; a margin from its start on would also part its lines."""
    state.tags[-1].margin_after = 1


def _close_table(state: Any) -> None:
    """The usual handler of inscriptis, if the padded table stays within reason."""
    if state.current_table:
        table = state.current_table[-1]
        width, area = _extent(table)
        if width > MAX_TABLE_WIDTH and any(len(row.columns) > 1 for row in table.rows):
            table.rows = list(_in_one_column(table))
            _, area = _extent(table)
        if area > MAX_TABLE_AREA:
            raise _TooWideError
    table_end_handler(state)


def _in_one_column(table: Any) -> Iterator[TableRow]:
    """A table that only places texts side by side: cell below cell."""
    for row in table.rows:
        for cell in row.columns:
            below, gap = TableRow(row.cell_separator), TableRow(row.cell_separator)
            below.columns = [cell]
            width, _ = _size(cell)
            yield from (below, gap) if width > WIDTH else (below,) if width else ()
        yield TableRow(row.cell_separator)


def _extent(table: Any) -> tuple[int, int]:
    """The width of an open table, and how much would be written once it is padded."""
    rows = [[_size(cell) for cell in row.columns] for row in table.rows]
    columns = max(map(len, rows), default=0)
    height = sum(max((tall for _, tall in row), default=0) for row in rows)
    width = sum(
        max((row[at][0] for row in rows if at < len(row)), default=0) for at in range(columns)
    )
    return width, max(width * height, columns * len(rows))


def _size(cell: Any) -> tuple[int, int]:
    """Width and height of an open cell's text."""
    lines = [
        line for block in (*cell.blocks, cell.current_block.content) for line in block.split("\n")
    ]
    return max(map(len, lines)), len(lines)


class _Links:
    """Shows where a link leads, behind its words, unless they say so themselves."""

    def __init__(self) -> None:
        self._open: list[tuple[str, Any, int]] = []

    def open(self, state: Any, attrs: Mapping[str, str]) -> None:
        block = state.tags[-1].canvas.current_block
        self._open.append((attrs.get("href", ""), block, block.idx))

    def close(self, state: Any) -> None:
        target, block, start = self._open.pop()
        now = state.tags[-1].canvas.current_block
        words = now.content[start - now.idx :] if now is block and now.idx > start else ""
        if shown := link_shown(target, words):
            state.tags[-1].write(html.escape(shown, quote=False))
