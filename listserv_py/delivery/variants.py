"""Which forms of one post exist: HTML or text, times the header options.

A post is rendered once for each variant that somebody wants, never once a subscriber; two
subscribers with the same variant get the same bytes, but for the fields of `personal.py`.
"""

from __future__ import annotations

from dataclasses import dataclass

from listserv_py.lists.options import HeaderStyle, Options

PERSONAL = frozenset((HeaderStyle.FULL822, HeaderStyle.SHORT822))


@dataclass(frozen=True, slots=True)
class VariantKey:
    """What a subscriber's options make of a post."""

    plain: bool
    style: HeaderStyle


def wanted(options: Options) -> VariantKey:
    """The variant for a subscriber; who chose neither HTML nor NOHTML gets the mail as built."""
    return VariantKey(plain=options.html is False, style=options.header)
