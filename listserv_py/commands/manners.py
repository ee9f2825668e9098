"""What of a stranger's words we repeat: the address that a From line claims may be a third party's.

Whoever forges a From line must not be able to send his advertisement through us: names are short
and plain, lines lose their links. Nothing here concerns a sender who is proven.
"""

from __future__ import annotations

import re
import unicodedata

from listserv_py.commands.syntax import fold

NAME_SHOWN = 60
NAME_KEPT = 100
LINE_SHOWN = 100
WORD_SHOWN = 20

_LINK = re.compile(r"://|(?:^|[^A-Za-z0-9])www\.|^[a-z]+:[^\s@]", re.IGNORECASE)
_DOTTED = re.compile(r"\.(?=[^\W\d_]{2})")
_PLAIN = re.compile(r"[A-Za-z .'-]*", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9.:-]{1,100}", re.ASCII)


def shown_name(name: str) -> str:
    """A name as a third party may see it: letters, blanks and `.'-`, no links, 60 characters.

    A dot inside a word gets a blank behind it, or a mail program would make a link of it.
    """
    words = " ".join(word for word in name.split() if not _is_link(word))
    plain = words
    if not _PLAIN.fullmatch(words):
        plain = "".join(c if _is_letter(c) or c in " .'-" else " " for c in words)
    return " ".join(_DOTTED.sub(". ", plain).split())[:NAME_SHOWN].strip()


def kept_name(name: str) -> str:
    """A name as a subscription keeps it: printable, without links, of bounded length."""
    plain = _printable(" ".join(name.split())).replace("<", "").replace(">", "")
    words = (word for word in plain.split() if not _is_link(word))
    return " ".join(words)[:NAME_KEPT].strip()


def shown_line(line: str, syntax: str | None) -> str:
    """A stranger's line as the echo shows it; `syntax` None: its first word is no command.

    What names a list is kept as it is, a full name becomes plain, an address stays.
    """
    words = line.split()
    free = 0 if syntax is None else 3 if fold(" ".join(words[:1])) == "QUIET" else 2
    head = [word for word in words[:free] if not _is_link(word)]
    tail = [
        word
        for word in words[free:]
        if not _is_link(word) and ("@" in word or not _DOTTED.search(word))
    ]
    told = shown_name(" ".join(tail)) if syntax and "[name]" in syntax else " ".join(tail)
    text = _printable(" ".join([*head, told]).strip())
    return text if len(text) <= LINE_SHOWN else text[: LINE_SHOWN - 1] + "…"


def shown_word(word: str) -> str:
    """A word that is no command, as the error quotes it."""
    return "".join(c for c in word if c.isprintable() and c not in '.:/@<>"')[:WORD_SHOWN]


_WORDS = re.compile(r"[ \n]+|[^ \n]+")


def without_links(text: str) -> str:
    """A stranger's words as an error quotes them: a mail program finds no link in them."""
    return "".join("\u2026" if _is_link(word) else word for word in _WORDS.findall(text))


def shown_host(host: str) -> str:
    """A host as a confirmation request names it: an address or a plain host name, or nothing."""
    return host if _HOST.fullmatch(host) else ""


def _is_link(word: str) -> bool:
    if word.isalnum():  # as most words of a name are
        return False
    is_path = "/" in word and "." in word and "@" not in word
    return is_path or _LINK.search(word) is not None


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c for c in text if c.isprintable())


def _is_letter(char: str) -> bool:
    return unicodedata.category(char)[0] in "LM"
