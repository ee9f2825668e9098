"""Which forms of one post exist: HTML or text, times the header options.

A post is rendered once for each variant that somebody wants, never once a subscriber; two
subscribers with the same variant get the same bytes, but for the fields of `personal.py`.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from listserv_py.lists.options import HeaderStyle, Mode, Options

PERSONAL = frozenset((HeaderStyle.FULL822, HeaderStyle.SHORT822))


class IssueForm(StrEnum):
    """What an issue of a digest can look like."""

    TEXT = "text"
    MIME = "mime"
    HTML = "html"
    INDEX = "index"
    HTML_INDEX = "html index"


@dataclass(frozen=True, slots=True)
class VariantKey:
    """What a subscriber's options make of a post, or, where `issue` is set, of an issue."""

    plain: bool
    style: HeaderStyle
    issue: IssueForm | None = None


def wanted(options: Options) -> VariantKey:
    """The variant for a subscriber; who chose neither HTML nor NOHTML gets the mail as built."""
    return VariantKey(plain=options.html is False, style=options.header)


def wanted_issue(options: Options, *, index: bool) -> VariantKey:
    """The form of an issue for a subscriber; HTML comes before MIME (LISTSERV).

    `index`: an index for all, whatever they have chosen meanwhile.
    """
    if index or options.mode is Mode.INDEX:
        form = IssueForm.HTML_INDEX if options.html else IssueForm.INDEX
    elif options.html:
        form = IssueForm.HTML
    else:
        form = IssueForm.MIME if options.mime else IssueForm.TEXT
    return VariantKey(plain=False, style=HeaderStyle.FULL, issue=form)
