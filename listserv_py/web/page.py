"""A page as bytes, and the header fields that every page of ours has.

Nothing is loaded from anywhere, no script runs, nothing is stored in the browser, and the address,
which is a key, goes to nobody else: the policy in the header says so to the browser as well.
"""

from __future__ import annotations

import base64
import hashlib
from dataclasses import dataclass
from html import escape

_STYLE = """
:root { color-scheme: light dark; }
body { font: 1.1rem/1.55 system-ui, sans-serif; max-width: 34rem; margin: 12vh auto;
  padding: 0 1rem; }
h1 { font-size: 1.5rem; line-height: 1.25; overflow-wrap: anywhere; }
p { overflow-wrap: anywhere; }
button { font: inherit; padding: .7rem 1.6rem; border: 0; border-radius: .4rem;
  background: #1d4f91; color: #fff; cursor: pointer; }
button:hover { background: #163c6f; }
button:focus-visible { outline: .2rem solid #e8a33d; outline-offset: .15rem; }
"""
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode("ascii")).digest()).decode("ascii")

HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_HASH}'; form-action 'self';"
        " base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "interest-cohort=()",
    "Connection": "close",
}
"""`Connection`: a connection carries one request, so that its time can be bounded as a whole."""


@dataclass(frozen=True, slots=True)
class Page:
    """What people read: `text` in paragraphs, `button` the words on the one button, "" for none."""

    title: str
    text: str
    button: str = ""
    language: str = "en"

    def html(self) -> bytes:
        """The whole page; all words are escaped, whoever wrote them."""
        title = escape(self.title)
        paragraphs = "\n".join(
            f"<p>{escape(one.strip())}</p>" for one in self.text.split("\n\n") if one.strip()
        )
        button = (
            f'<form method="post"><button type="submit">{escape(self.button)}</button></form>\n'
            if self.button
            else ""
        )
        return (
            f'<!DOCTYPE html>\n<html lang="{escape(self.language)}">\n<head>\n'
            '<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            f"<title>{title}</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<main>\n"
            f"<h1>{title}</h1>\n{paragraphs}\n{button}</main>\n</body>\n</html>\n"
        ).encode("utf-8", "replace")
