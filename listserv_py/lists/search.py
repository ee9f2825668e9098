"""A search of an archive, as its line says it: `text IN list SINCE date WHERE SUBJECT CONTAINS …`.

Pure: a line is read into a tree, and it is the tree that the store makes a query of, so that
nothing of what a stranger wrote is ever taken for the language of the database.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from itertools import pairwise, zip_longest

from listserv_py.lists.addresses import is_listname
from listserv_py.lists.searchdates import read_date

TERMS_MAX = 20
DEPTH_MAX = 10
TEXT_MAX = 500

EXTRACT_BEFORE, EXTRACT_BEHIND = 60, 120
SPELLINGS_MAX = 8

_A_WORD = re.compile(r"[^\W_]+")
_UNSEEN = "\u200b"
# Thai, Lao, Burmese, Khmer; Kana; the ideographs.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3005-\u30ff\u3400-\u9fff\uf900-\ufaff"
_UNSPACED += "\U00020000-\U0003ffff"
_BESIDE = re.compile(f"(?<=[{_UNSPACED}])(?=[^\\W_])|(?<=[^\\W_])(?=[{_UNSPACED}])")
_SHARP = re.compile(r"(?:ss|[ßẞ])", re.IGNORECASE)
_DOUBTFUL = re.compile(r"(ss|[ßẞ]|[\u03c3\u03c2]\b)", re.IGNORECASE)
_SIGMAS = ("\u03c3", "\u03c2")
_TOKEN = re.compile(r"""(?:"([^"]*)"?|(?<![^\s(])'([^']*)'(?=[\s)]|$))|([()])|([^\s()"]+)""")
_QUOTES = str.maketrans(
    dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb\uff02", '"')
    | dict.fromkeys("\u2018\u2019\u201a\u201b", "'")
)
"""Mail programs make these of plain quotes; one for one, so that places in a line stay."""
_VERBS = frozenset({"CONTAINS", "IS"})
_WHERE = "behind WHERE stands SENDER or SUBJECT, CONTAINS or IS, and a text"
_CLAUSES = frozenset({"FROM", "SINCE", "TO", "UNTIL", "WHERE"})


class BadSearch(ValueError):
    """The line cannot be read; the text says where."""


class Part(StrEnum):
    """What of a post WHERE looks at."""

    SENDER = "sender"
    SUBJECT = "subject"


@dataclass(frozen=True, slots=True)
class Words:
    """Words that stand one behind the other; `begins`: the last may go on."""

    text: str
    begins: bool = False


@dataclass(frozen=True, slots=True)
class Holds:
    """`WHERE SUBJECT CONTAINS text`, folded; `whole`: it is all that stands there (`IS`)."""

    part: Part
    text: str
    whole: bool = False


@dataclass(frozen=True, slots=True)
class All:
    """All of these."""

    of: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Any:
    """One of these at least."""

    of: tuple[Tree, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """What this is not true of."""

    of: Tree


Tree = Words | Holds | All | Any | Not


@dataclass(frozen=True, slots=True)
class Search:
    """What to look for; `text` and `where` None: anything. `until` is the first moment too late."""

    text: Tree | None = None
    where: Tree | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    quoted: bool = False

    @property
    def word(self) -> str:
        """In capitals, where it may be a word of the language; "" in quotes."""
        return "" if self.quoted else self.text.upper() if self.text.isascii() else self.text


def split(line: str) -> tuple[str, str, str]:
    """A line as (the text to look for, the list's name, the clauses behind it).

    The old order, `listname text`, has no clauses. The name is "" where there is none.
    """
    named = _named(line)
    if named is not None:
        start, name, end = named
        return line[:start].strip(), name, line[end:].strip()
    first, _, rest = line.strip().partition(" ")
    return rest.strip(), first, ""


def _spans(line: str) -> list[tuple[_Token, re.Match[str]]]:
    return [(_token(found), found) for found in _TOKEN.finditer(line.translate(_QUOTES))]


def _token(found: re.Match[str]) -> _Token:
    double, single, mark, word = found.groups()
    quoted = single if double is None else double
    return _Token(mark or word) if quoted is None else _Token(quoted, quoted=True)


def _named(line: str) -> tuple[int, str, int] | None:
    """Where `IN listname` begins, the name, and where it ends."""
    spans = _spans(line)
    for at in range(len(spans) - 1):
        (token, found), (name, named) = spans[at], spans[at + 1]
        behind = spans[at + 2][0].word if at + 2 < len(spans) else ""
        ends = at + 2 == len(spans) or behind in _CLAUSES
        if token.word == "IN" and is_listname(name.text) and not name.quoted and ends:
            return found.start(), name.text, named.end()
    return None


def placed(line: str, listname: str) -> str:
    """The same line with its list in it, where it names none: for the list's own address.

    FROM and TO begin a clause in front of a date only: a search may have the words.
    """
    if _named(line) is not None:
        return line
    for (token, found), (behind, _) in pairwise(_spans(line)):
        is_date = behind.text[:1].isdigit() or behind.word in ("TODAY", "YESTERDAY")
        if token.word in ("SINCE", "WHERE") or (token.word in _CLAUSES and is_date):
            return f"{line[: found.start()]}IN {listname} {line[found.start() :]}"
    return f"{line} IN {listname}"


def read(text: str, clauses: str, now: datetime) -> Search:
    """The search that a line means; BadSearch says what of it cannot be read."""
    if len(text) + len(clauses) > TEXT_MAX:
        raise BadSearch(f"it is longer than {TEXT_MAX} characters")
    since = until = where = None
    for name, tokens in _clauses(_tokens(clauses)):
        if name in ("FROM", "SINCE"):
            since, _ = _date(tokens, now)
        elif name in ("TO", "UNTIL"):
            _, until = _date(tokens, now)
        else:
            where = _Reader(tokens, in_where=True).read()
    said = _tokens(text)
    is_all = not said or (len(said) == 1 and said[0].text == "*")
    tree = None if is_all else _Reader(said, in_where=False).read()
    return Search(tree, where, since, until)


def folded(text: str) -> str:
    """A text as it is compared: no case, no diacritics."""
    if text.isascii():
        return text.lower()
    apart = unicodedata.normalize("NFKD", text)
    return "".join(one for one in apart if not unicodedata.combining(one)).casefold()


def apart(text: str) -> str:
    """A text as it is indexed: where no blanks stand between words, each letter is one.

    What is put between them nobody sees, and `extract` takes it out.
    """
    return text if text.isascii() else _BESIDE.sub(_UNSEEN, text)


def terms_of(tree: Tree) -> tuple[Words, ...]:
    """The words that a post has for which the tree is true."""
    if isinstance(tree, Words):
        return (tree,)
    if isinstance(tree, (All, Any)):
        return tuple(word for one in tree.of for word in terms_of(one))
    return ()


def spellings(text: str) -> tuple[str, ...]:
    """The ways in which an index that folds letter by letter may have these words.

    `ss` and `ß` are one, and so are the two small sigmas.
    """
    found = [""]
    for piece in _DOUBTFUL.split(text):
        ways = ("ss", "ß") if _SHARP.fullmatch(piece) else _SIGMAS
        may_be = ways if _DOUBTFUL.fullmatch(piece) and len(found) < SPELLINGS_MAX else (piece,)
        found = [before + way for before in found for way in may_be]
    return tuple(found)


def extract(text: str, terms: Sequence[Words]) -> str:
    """The words of a text around the first that is looked for, it between stars; "" without."""
    wanted = [(folded(_A_WORD.findall(apart(one.text))[0]), one) for one in terms]
    for found in _A_WORD.finditer(text):
        word = folded(found[0])
        if any(_begins(word, first, one) for first, one in wanted):
            before = text[max(0, found.start() - EXTRACT_BEFORE) : found.start()]
            if found.start() > EXTRACT_BEFORE:
                before = before.partition(" ")[2]
            behind = text[found.end() : found.end() + EXTRACT_BEHIND]
            if len(behind) == EXTRACT_BEHIND:
                behind = behind.rpartition(" ")[0]
            said = f"{before}*{found[0]}*{behind}"
            return " ".join(said.replace(_UNSEEN, "").split())
    return ""


def _begins(word: str, first: str, one: Words) -> bool:
    return word.startswith(first) if one.begins else word == first


def _tokens(text: str) -> list[_Token]:
    return [token for token, _ in _spans(text)]


def _clauses(tokens: Sequence[_Token]) -> list[tuple[str, list[_Token]]]:
    found: list[tuple[str, list[_Token]]] = []
    for token, behind in zip_longest(tokens, tokens[1:]):
        is_part = behind is not None and behind.word in _VERBS
        begins = token.word in _CLAUSES and not is_part
        if begins and (token.word == "WHERE" or not _in_where(found)):
            found.append((token.word, []))
        elif not found:
            raise BadSearch(
                f'"{token.text[:40]}" stands behind the list, where FROM, SINCE, TO or WHERE begin'
            )
        else:
            found[-1][1].append(token)
    return found


def _in_where(found: list[tuple[str, list[_Token]]]) -> bool:
    """Whether a WHERE waits for its value, so that FROM or TO may be that."""
    return bool(found) and found[-1][0] == "WHERE" and _wants_value(found[-1][1])


def _wants_value(tokens: list[_Token]) -> bool:
    return bool(tokens) and tokens[-1].word in _VERBS


def _date(tokens: Sequence[_Token], now: datetime) -> tuple[datetime, datetime]:
    said = " ".join(token.text for token in tokens)
    if not said:
        raise BadSearch("a date is missing behind FROM, SINCE or TO")
    found = read_date(said.upper().split(), now)
    if found is None:
        raise BadSearch(
            f'"{said[:40]}" is no date: 2026-01-12, 12-Jan-2026, 2026 or "30 days ago" is one'
        )
    return found


class _Reader:
    """Reads `a b OR NOT (c "d e")`: words side by side are all wanted, AND goes before OR."""

    def __init__(self, tokens: Sequence[_Token], *, in_where: bool) -> None:
        self._tokens = list(tokens)
        self._in_where = in_where
        self._at = 0
        self._terms = 0

    def read(self) -> Tree:
        """The whole of it."""
        found = self._either(0)
        if self._at < len(self._tokens):
            raise BadSearch(f'"{self._tokens[self._at].text[:40]}" is one too many')
        return found

    def _next(self) -> str:
        return self._tokens[self._at].word if self._at < len(self._tokens) else ""

    def _ended(self) -> bool:
        return self._at >= len(self._tokens) or self._next() in (")", "OR")

    def _either(self, depth: int) -> Tree:
        if depth > DEPTH_MAX:
            raise BadSearch("its parentheses are nested too deep")
        found = [self._both(depth)]
        while self._next() == "OR":
            self._at += 1
            found.append(self._both(depth))
        return found[0] if len(found) == 1 else Any(tuple(found))

    def _both(self, depth: int) -> Tree:
        found = [self._one(depth)]
        while not self._ended():
            if self._next() == "AND":
                self._at += 1
            found.append(self._one(depth))
        return found[0] if len(found) == 1 else All(tuple(found))

    def _one(self, depth: int) -> Tree:
        if self._ended() or self._next() == "AND":
            if self._in_where:
                raise BadSearch(_WHERE)
            raise BadSearch("a word is missing at its end, or beside AND, OR or a parenthesis")
        token = self._tokens[self._at]
        self._at += 1
        if token.word == "NOT":
            if depth > DEPTH_MAX:
                raise BadSearch("too many NOT")
            return Not(self._one(depth + 1))
        if token.word == "(":
            found = self._either(depth + 1)
            if self._next() != ")":
                raise BadSearch("a parenthesis is not closed")
            self._at += 1
            return found
        self._terms += 1
        if self._terms > TERMS_MAX:
            raise BadSearch(f"it has more than {TERMS_MAX} words")
        return self._holds(token) if self._in_where else _words(token)

    def _holds(self, token: _Token) -> Holds:
        parts = {part.name: part for part in Part} | {"FROM": Part.SENDER}
        verb = self._next()
        if token.word not in parts or verb not in _VERBS:
            raise BadSearch(_WHERE)
        if self._at + 1 >= len(self._tokens):
            raise BadSearch(f"behind {verb} stands a text")
        text = folded(self._tokens[self._at + 1].text)
        self._at += 2
        return Holds(parts[token.word], text, whole=verb == "IS")


def _words(token: _Token) -> Words:
    begins = not token.quoted and token.text.endswith("*")
    text = token.text.rstrip("*") if begins else token.text
    letters = sum(one.isalnum() for one in text)
    if not letters or (begins and letters < 3):
        raise BadSearch(f'"{token.text[:40]}" has too few letters to look for')
    return Words(text, begins)
