"""The options that SET knows, as one table: words, abbreviations, effects.

What a word means stands in templates/, as the form `OPTION_` and the word: a new option needs one.
The bitmask is what the store keeps and selects by: bit 0 says "gets single posts" (MAIL, and
neither DIGEST nor INDEX), so that a mailing finds its subscribers without decoding. Bits are never
given a new meaning; all of them 0 but bit 0 is a subscriber with our defaults. What `until` and
`at` say stands in a row of its own, `own_time`; the bits only say that there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any

from listserv_py.errors import OwnerOnlyOption, UnknownOption
from listserv_py.lists.digests import OwnHour
from listserv_py.lists.timing import timing
from listserv_py.lists.topics import BITS, EVERYTHING, take


class Mode(StrEnum):
    """How posts come to a subscriber who has MAIL."""

    NONE = "NONE"
    DIGEST = "DIGEST"
    INDEX = "INDEX"


class HeaderStyle(StrEnum):
    """Which header a copy has; the values are the SET words."""

    FULL = "FULLHDR"
    SUBJECT = "SUBJECTHDR"
    SHORT = "SHORTHDR"
    IETF = "IETFHDR"
    DUAL = "DUALHDR"
    FULL822 = "FULL822"
    SHORT822 = "SHORT822"


@dataclass(frozen=True, slots=True)
class Options:
    """One subscriber's options; `html` None means that he never chose HTML or NOHTML."""

    mail: bool = True
    mode: Mode = Mode.NONE
    mime: bool = False
    html: bool | None = None
    ack: bool = False
    repro: bool = True
    conceal: bool = False
    header: HeaderStyle = HeaderStyle.FULL
    renew: bool = True
    post: bool = True
    editor: bool = False
    review: bool = False
    no_topics: int = 0
    """The topics that he does not want, see `topics.py`."""
    max_a_day: int = 0
    """So many posts of a day come by themselves, the others in one digest; 0: all do."""
    until: date | None = None
    """The day on which NOMAIL ends by itself; None: it does not."""
    at: OwnHour | None = None
    """When his digests or indexes come; None: when the list's do."""

    @property
    def gets_single_posts(self) -> bool:
        """Whether each post is sent to him as a mail of its own."""
        return self.mail and self.mode is Mode.NONE

    def encode(self) -> int:
        """The bitmask that the store keeps; `decode` is its twin."""
        bits = sum(bit for bit, is_set in _BITS if is_set(self))
        numbers = self.no_topics << TOPICS_SHIFT | self.max_a_day << MAX_SHIFT
        return bits | _STYLES.index(self.header) << _STYLE_SHIFT | numbers

    @classmethod
    def decode(cls, bits: int, until: date | None = None, at: OwnHour | None = None) -> Options:
        """Read a bitmask of `encode`; `until` and `at` stand beside it."""
        html = bool(bits & _HTML) if bits & _HTML_CHOSEN else None
        mode = Mode.DIGEST if bits & _DIGEST else Mode.INDEX if bits & _INDEX else Mode.NONE
        return cls(
            mail=not bits & _NOMAIL,
            mode=mode,
            mime=bool(bits & _MIME),
            html=html,
            ack=bool(bits & _ACK),
            repro=not bits & _NOREPRO,
            conceal=bool(bits & _CONCEAL),
            header=_STYLES[bits >> _STYLE_SHIFT & 7],
            renew=not bits & _NORENEW,
            post=not bits & _NOPOST,
            editor=bool(bits & _EDITOR),
            review=bool(bits & _REVIEW),
            no_topics=bits >> TOPICS_SHIFT & EVERYTHING,
            max_a_day=max_of(bits),
            until=until,
            at=at,
        )


SINGLE_POSTS = 1 << 0
_NOMAIL, _DIGEST, _INDEX, _MIME, _HTML_CHOSEN, _HTML = (1 << n for n in range(1, 7))
_ACK, _NOREPRO, _CONCEAL, _NORENEW, _NOPOST, _EDITOR, _REVIEW = (1 << n for n in range(7, 14))
_STYLE_SHIFT = 14
OWN_HOUR, _UNTIL = 1 << 17, 1 << 18
OWN_TIME = OWN_HOUR | _UNTIL
COLLECTED = _DIGEST | _INDEX
NO_MAIL = _NOMAIL
TOPICS_SHIFT = 20
MAX_SHIFT = TOPICS_SHIFT + BITS

_STYLES = tuple(HeaderStyle)
_BITS: tuple[tuple[int, Callable[[Options], bool]], ...] = (
    (SINGLE_POSTS, lambda o: o.gets_single_posts),
    (_NOMAIL, lambda o: not o.mail),
    (_DIGEST, lambda o: o.mode is Mode.DIGEST),
    (_INDEX, lambda o: o.mode is Mode.INDEX),
    (_MIME, lambda o: o.mime),
    (_HTML_CHOSEN, lambda o: o.html is not None),
    (_HTML, lambda o: bool(o.html)),
    (_ACK, lambda o: o.ack),
    (_NOREPRO, lambda o: not o.repro),
    (_CONCEAL, lambda o: o.conceal),
    (_NORENEW, lambda o: not o.renew),
    (_NOPOST, lambda o: not o.post),
    (_EDITOR, lambda o: o.editor),
    (_REVIEW, lambda o: o.review),
    (OWN_HOUR, lambda o: o.at is not None),
    (_UNTIL, lambda o: o.until is not None),
)


def max_of(bits: int) -> int:
    """MAX as it stands in a bitmask, 0 for none."""
    return bits >> MAX_SHIFT & 1023


@dataclass(frozen=True, slots=True)
class Option:
    """One SET word: `syntax` has its shortest abbreviation in capitals.

    `holds` says whether it is true of somebody, for QUERY and export; a word without effect of its
    own holds for nobody.
    """

    syntax: str
    effect: Callable[[Options], Options]
    holds: Callable[[Options], bool]
    owner_only: bool = False

    @property
    def word(self) -> str:
        """The whole word, in capitals."""
        return self.syntax.upper()

    @property
    def form(self) -> str:
        """The name of the form that says what it means."""
        return f"OPTION_{self.word}"

    @property
    def shortest(self) -> int:
        """How many letters of it are enough."""
        return sum(1 for letter in self.syntax if not letter.islower())


def _mail(options: Options) -> Options:
    """MAIL when delivery is already on cancels DIGEST and INDEX (LISTSERV 1.8a and later)."""
    if options.mail:
        return replace(options, mode=Mode.NONE, at=None)
    return replace(options, mail=True, until=None)


def _mode(mode: Mode) -> Callable[[Options], Options]:
    return lambda o: replace(o, mail=True, until=None, mode=mode, at=None)


def _no_mode(mode: Mode) -> Callable[[Options], Options]:
    return lambda o: replace(o, mode=Mode.NONE, at=None) if o.mode is mode else o


def _same(options: Options) -> Options:
    return options


def _never(_: Options) -> bool:
    return False


def _style(syntax: str) -> Option:
    style = HeaderStyle(syntax.upper())
    return Option(syntax, lambda o: replace(o, header=style), lambda o: o.header is style)


def _owners(syntax: str, name: str, value: bool) -> Option:
    change: dict[str, Any] = {name: value}
    return Option(
        syntax,
        lambda o: replace(o, **change),
        lambda o: getattr(o, name) is value,
        owner_only=True,
    )


OPTIONS: tuple[Option, ...] = (
    Option("Mail", _mail, lambda o: o.mail),
    Option(
        "NOMail",
        lambda o: replace(o, mail=False, until=None),
        lambda o: not o.mail,
    ),
    Option(
        "DIGests",
        _mode(Mode.DIGEST),
        lambda o: o.mode is Mode.DIGEST,
    ),
    Option(
        "NODIGests",
        _no_mode(Mode.DIGEST),
        lambda o: o.mode is not Mode.DIGEST,
    ),
    Option(
        "INDex",
        _mode(Mode.INDEX),
        lambda o: o.mode is Mode.INDEX,
    ),
    Option(
        "NOINDex",
        _no_mode(Mode.INDEX),
        lambda o: o.mode is not Mode.INDEX,
    ),
    Option(
        "MIME",
        lambda o: replace(o, mime=True),
        lambda o: o.mime,
    ),
    Option(
        "NOMIME",
        lambda o: replace(o, mime=False),
        lambda o: not o.mime,
    ),
    Option(
        "HTML",
        lambda o: replace(o, html=True),
        lambda o: o.html is True,
    ),
    Option(
        "NOHTML",
        lambda o: replace(o, html=False),
        lambda o: o.html is False,
    ),
    Option(
        "ACK",
        lambda o: replace(o, ack=True),
        lambda o: o.ack,
    ),
    Option(
        "NOACK",
        lambda o: replace(o, ack=False),
        lambda o: not o.ack,
    ),
    Option(
        "MSGack",
        lambda o: replace(o, ack=False),
        _never,
    ),
    Option(
        "REPro",
        lambda o: replace(o, repro=True),
        lambda o: o.repro,
    ),
    Option(
        "NOREPro",
        lambda o: replace(o, repro=False),
        lambda o: not o.repro,
    ),
    Option(
        "CONceal",
        lambda o: replace(o, conceal=True),
        lambda o: o.conceal,
    ),
    Option(
        "NOCONceal",
        lambda o: replace(o, conceal=False),
        lambda o: not o.conceal,
    ),
    _style("FULLhdr"),
    _style("SUBJecthdr"),
    _style("SHORThdr"),
    _style("IETFhdr"),
    _style("DUALhdr"),
    _style("FULL822"),
    _style("SHORT822"),
    Option(
        "MAX",
        _same,
        lambda o: bool(o.max_a_day),
    ),
    Option(
        "NOMAX",
        lambda o: replace(o, max_a_day=0),
        _never,
    ),
    Option("FILEs", _same, _never),
    Option("NOFILEs", _same, _never),
    _owners("RENEW", "renew", True),
    _owners("NORENEW", "renew", False),
    _owners("POST", "post", True),
    _owners("NOPOST", "post", False),
    _owners("EDITor", "editor", True),
    _owners("NOEDITor", "editor", False),
    _owners("REView", "review", True),
    _owners("NOREView", "review", False),
)

_WORD = re.compile(r"[A-Za-z0-9]{1,20}", re.ASCII)


def find_option(word: str) -> Option | None:
    """The option that a word or its abbreviation names."""
    if not _WORD.fullmatch(word):
        return None
    said = word.upper()
    for option in OPTIONS:
        if option.word.startswith(said) and len(said) >= option.shortest:
            return option
    return None


def apply_words(
    options: Options, words: Iterable[str], *, by_owner: bool, topics: Sequence[str] = ()
) -> Options:
    """The options after SET with these words, the later of two opposites winning."""
    given = tuple(words)
    if not given:
        return options
    unwanted, rest = take(given, topics, options.no_topics)
    options = replace(options, no_topics=unwanted)
    while rest:
        word = rest.pop(0)
        option = find_option(word)
        if option is None:
            raise UnknownOption(word[:60])
        if option.owner_only and not by_owner:
            raise OwnerOnlyOption(option.word)
        changes = timing(option.word, rest)
        options = replace(option.effect(options), **changes)
    return options
