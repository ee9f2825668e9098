"""Which forms of one post exist: HTML or text, times the header options.

A post is rendered once for each variant that somebody wants, never once a subscriber; two
subscribers with the same variant get the same bytes, but for FULL822 and SHORT822, whose To names
the reader.
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

    @property
    def is_personal(self) -> bool:
        """Whether each reader has a header of his own."""
        return self.style in PERSONAL


def wanted(options: Options) -> VariantKey:
    """The variant for a subscriber; who chose neither HTML nor NOHTML gets the mail as built."""
    return VariantKey(plain=options.html is False, style=options.header)
