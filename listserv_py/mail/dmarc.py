"""What was found out about an author's domain before his post is decided on (RFC 9989).

A plain value that travels with the letter. None in its place means that nobody has looked: the
command line put the mail in, or `[dmarc] rewrite` is off.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dmarc:
    """`demands`: the domain wants refused what cannot be shown to be its own, or nobody could tell.

    `is_ours`: his domain and this server's are one organisation's; `aligns`: a signature of ours
    counts as one of his domain. `seals`: his domain's signatures that have verified, each by a
    digest of what it covers (`mail.seals`); `vouched`: one of them covers the text and its subject.
    `fails`: our own MTA says that the mail has failed. `results`: what we have verified, in the
    words of RFC 8601, for an ARC set behind the `arc_sets` that there are; "" where none is made;
    `arc_fails`: they are broken.
    """

    demands: bool = False
    is_ours: bool = False
    aligns: bool = False
    seals: tuple[str, ...] = ()
    vouched: bool = False
    fails: bool = False
    results: str = ""
    arc_sets: int = 0
    arc_fails: bool = False

    @property
    def is_borrowed(self) -> bool:
        """Whether our own organisation's name stands in it, and nothing shows that it may."""
        return self.is_ours and not self.vouched
