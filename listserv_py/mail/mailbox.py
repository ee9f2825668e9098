"""Mail addresses: read strictly, compared in one way, written in one way.

Two mailboxes are equal when their `key` is: domain as lower-case A-labels, local part after NFC
with ASCII letters folded and nothing else (no dotless i is an i). Whatever is not a mailbox in the
sense of RFC 5321 4.1.2 is refused here: no later room meets a blank, a control character, a path.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from encodings.idna import ToASCII, nameprep
from functools import lru_cache

from listserv_py.errors import BadAddress

_ATEXT = r"A-Za-z0-9!#$%&'*+/=?^_`{|}~-"
_UTEXT = r"\u00a1-\ud7ff\uf900-\ufdcf\ufdf0-\uffef\U00010000-\U0003fffd"
_DOT_STRING = re.compile(rf"[{_UTEXT}{_ATEXT}]+(?:\.[{_UTEXT}{_ATEXT}]+)*")
_QUOTED = re.compile(rf'"((?:[ !#-\[\]-~{_UTEXT}]|\\[ -~])*)"')
_LABEL = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_PAIR = re.compile(r"\\(.)")
_DOT = re.compile("[.\u3002\uff0e\uff61]")
# Letters of their own since IDNA2008; Python's codec is older, and would name another's domain.
_OWN_LETTER = re.compile("([\u00df\u03c2])")
_JOINERS = re.compile("[\u200c\u200d]")
# Legal in an address, and to many a reader another address: he decodes it (RFC 2047 5 forbids it).
_DISGUISED = re.compile(r"=\?[^?]*\?[BbQq]\?[^?]*\?=")
_LOWER = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "abcdefghijklmnopqrstuvwxyz")
_BAD_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp"}

LOCAL_PART_MAX = 64
DOMAIN_MAX = 255
PATH_MAX = 256


@dataclass(frozen=True, slots=True, eq=False)
class Mailbox:
    """An address: `local_part` as it was written, unquoted; `domain` as lower-case A-labels."""

    local_part: str
    domain: str

    @property
    def key(self) -> str:
        """What two spellings of one mailbox have in common; the store compares by it."""
        return f"{_fold(self.local_part)}@{self.domain}"

    @property
    def is_ascii(self) -> bool:
        """Whether it can travel without SMTPUTF8 (RFC 6531)."""
        return self.local_part.isascii()

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Mailbox) or self.domain != other.domain:
            return False
        return self.local_part == other.local_part or _fold(self.local_part) == _fold(
            other.local_part
        )

    def __hash__(self) -> int:
        return hash(self.key)

    def __str__(self) -> str:
        local = self.local_part
        if not _DOT_STRING.fullmatch(local):
            local = '"' + re.sub(r'(["\\])', r"\\\1", local) + '"'
        return f"{local}@{self.domain}"


@dataclass(frozen=True, slots=True)
class Author:
    """Who a From line says wrote a mail; `name` is "" when it names nobody."""

    name: str
    mailbox: Mailbox


def parse_mailbox(text: str) -> Mailbox:
    """Read `local@domain`, nothing around it; BadAddress when it is not one (RFC 5321 4.1.2)."""
    mailbox = _parse(text) if len(text) <= PATH_MAX + 64 else None
    if mailbox is None:
        raise BadAddress(_shown(text))
    return mailbox


def known_mailbox(address: str) -> Mailbox:
    """The mailbox of an address that was read before and written by `str`: the quick way."""
    if address.startswith('"'):
        return parse_mailbox(address)
    local_part, _, domain = address.rpartition("@")
    return Mailbox(local_part, domain)


def known_key(address: str) -> str:
    """The key of such an address, quicker still: for those who compare a hundred thousand."""
    if address.isascii() and not address.startswith('"'):
        return address.lower()
    return known_mailbox(address).key


def parse_path(text: str) -> Mailbox | None:
    """Read `<local@domain>`; None is the null path `<>`. A source route is dropped (RFC 5321 C)."""
    if not (text.startswith("<") and text.endswith(">")):
        raise BadAddress(_shown(text))
    inner = text[1:-1]
    if not inner:
        return None
    if inner.startswith("@"):
        route, colon, inner = inner.partition(":")
        hops = route.split(",")
        if not colon or not all(h[:1] == "@" and _domain(h[1:]) for h in hops):
            raise BadAddress(_shown(text))
    return parse_mailbox(inner)


@lru_cache(maxsize=4096)
def _parse(text: str) -> Mailbox | None:
    quoted = _QUOTED.match(text)
    if quoted:
        local, rest = _PAIR.sub(r"\1", quoted[1]), text[quoted.end() :]
        if not rest.startswith("@"):
            return None
        domain = _domain(rest[1:])
    else:
        local, at, host = text.rpartition("@")
        if not at or not _DOT_STRING.fullmatch(local):
            return None
        domain = _domain(host)
    if domain is None or not local or len(local.encode()) > LOCAL_PART_MAX:
        return None
    if (not local.isascii() and not _is_clean(local)) or _DISGUISED.search(local):
        return None
    if len(local.encode()) + 1 + len(domain) > PATH_MAX:
        return None
    return Mailbox(local, domain)


def _domain(text: str) -> str | None:
    """The domain as lower-case A-labels, None when it is none; address literals are none here."""
    if not text.isascii():
        try:
            text = ".".join(_a_labels(unicodedata.normalize("NFC", text)))
        except UnicodeError:
            return None
    if not text or len(text) > DOMAIN_MAX:
        return None
    if not all(_LABEL.fullmatch(label) for label in text.split(".")):
        return None
    return text.translate(_LOWER)


def _a_labels(text: str) -> Iterator[str]:
    """The labels of an international domain in ASCII; UnicodeError where one cannot be said so."""
    for label in _DOT.split(text):
        if _JOINERS.search(label):
            raise UnicodeError("a joiner, which would be dropped without a word")
        if not _OWN_LETTER.search(label):
            yield ToASCII(label).decode("ascii")
            continue
        kept = "".join(
            piece if _OWN_LETTER.fullmatch(piece) else nameprep(piece)
            for piece in _OWN_LETTER.split(label)
        )
        yield f"xn--{kept.encode('punycode').decode('ascii')}"


def _is_clean(local: str) -> bool:
    return unicodedata.normalize("NFC", local) == local and not any(
        unicodedata.category(c) in _BAD_CATEGORIES for c in local if not c.isascii()
    )


def _fold(local: str) -> str:
    if local.isascii():
        return local.lower()
    return unicodedata.normalize("NFC", local).translate(_LOWER)


def _shown(text: str) -> str:
    """A bad address as an error may quote it: short, printable, on one line."""
    return "".join(c if c.isprintable() else "?" for c in text[:80])


# The From field (RFC 5322 3.4), read with our own eyes: a verifier in front of us may have looked
# at another address than a lenient reader would, so anything but one plain mailbox is nobody.
_QUOTED_WORD = r'"(?:[^"\\\r\n\x00]|\\[^\r\n\x00])*"'
# In front of the bracket real names carry comments, `[EXT]`, and encoded words with any marks.
_ENCODED_WORD = r"=\?[A-Za-z0-9*_-]+\?[BbQq]\?[^\s?<>@\"]*\?="
_NAME_WORD = rf"{_ENCODED_WORD}|[\[\].{_UTEXT}{_ATEXT}]+|\([^()<>@\"\\]*\)"
_WORD = re.compile(rf"[ \t]*(?:({_QUOTED_WORD})|({_NAME_WORD}))")
_BLANK = re.compile(r"[ \t]*")
FROM_MAX = 2000


def read_author(value: str) -> Author | None:
    """Read the one mailbox of an unfolded From value; None is nobody.

    Groups, routes, comments in the address, several mailboxes and encoded words in the address are
    nobody. The name is as it was written, without its quotes.
    """
    if len(value) > FROM_MAX:
        return None
    value = value.strip(" \t")
    name, angle, rest = _phrase(value)
    if angle:
        inner, closed, tail = rest.partition(">")
        if not closed or not _is_comment_or_blank(tail):
            return None
        mailbox = _parse(inner.strip(" \t"))
        return Author(name, mailbox) if mailbox else None
    bare, comment = _bare(value)
    mailbox = _parse(bare)
    return Author(comment, mailbox) if mailbox else None


def readdressed(value: str, address: str) -> str:
    """An unfolded From value that `read_author` can read, with another address in it."""
    value = value.strip(" \t")
    _, angle, rest = _phrase(value)
    if angle:
        _, closed, tail = rest.partition(">")
        return value[: len(value) - len(rest)] + address + closed + tail
    return address + value[len(_bare(value)[0]) :]


def _phrase(value: str) -> tuple[str, bool, str]:
    """The display name in front of `<`: (name, whether `<` follows it, what stands behind `<`)."""
    words: list[str] = []
    at = 0
    while found := _WORD.match(value, at):
        if found.end() == at:
            break
        words.append(_PAIR.sub(r"\1", found[1][1:-1]) if found[1] else found[2])
        at = found.end()
    blank = _BLANK.match(value, at)
    at = blank.end() if blank else at
    if at < len(value) and value[at] == "<":
        return " ".join(words), True, value[at + 1 :]
    return "", False, ""


def _bare(value: str) -> tuple[str, str]:
    """`a@b.org (Name)` as (address, name); the old form of RFC 822."""
    if value.endswith(")") and value.count("(") == 1:
        address, _, comment = value[:-1].partition("(")
        if ")" not in comment and address.endswith((" ", "\t")):
            return address.strip(" \t"), comment.strip(" \t")
    return value, ""


def _is_comment_or_blank(text: str) -> bool:
    text = text.strip(" \t")
    return not text or (
        text.startswith("(") and text.endswith(")") and not set("<>@()") & set(text[1:-1])
    )
