"""Topics: which of a list's topics a post is on, and which of them a subscriber wants.

Both are bits: bit 0 is `Other`, bit n the nth name of `Topics=`. What a subscriber does *not* want
is kept, so that nothing kept means all, with the topics that the list will have one day.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import reduce
from operator import or_

OTHER = 1
BITS = 24
"""Other, and at most 23 names."""
EVERYTHING = (1 << BITS) - 1

_LABEL = "TOPICS:"
_TAG = re.compile(r"\s*\[[^\]]{0,80}\]")
_NAMES = re.compile(r"\s*([^:]{1,300}):")
_ANSWER = re.compile(r"[^\W\d_]{1,10}(?:\[\d{1,3}\])?\s?")
_PREFIXES_MAX = 20


def topics_of(subject: str, topics: Sequence[str]) -> int:
    """What a post is on: `News: …`, `News,Jobs: …`, also behind `Re:` and tags; 0 on no topics."""
    if not topics:
        return 0
    at = 0
    for _ in range(_PREFIXES_MAX):
        tag = _TAG.match(subject, at)
        if tag:
            at = tag.end()
            continue
        named = _NAMES.match(subject, at)
        if named is None:
            break
        found = [_bit(name.strip(), topics) for name in named[1].split(",")]
        if all(found):
            return _union(found)
        if not _ANSWER.fullmatch(named[1]):
            break
        at = named.end()
    return OTHER


def wants(unwanted: int, on: int) -> bool:
    """Whether somebody gets a post that is on these topics: one that he wants is enough."""
    return not on or unwanted & on != on


def take(words: Sequence[str], topics: Sequence[str], unwanted: int) -> tuple[int, list[str]]:
    """SET's `TOPICS: …` carried out: what is unwanted then, and the words that are not its own.

    `ALL` and plain names say all that is wanted, `+name` adds one and `-name` takes one away.
    """
    rest: list[str] = []
    queue = list(words)
    while queue:
        word = queue.pop(0)
        if not word.upper().startswith(_LABEL):
            rest.append(word)
            continue
        queue[:0] = filter(None, [word[len(_LABEL) :]])
        said = 0
        while said < len(queue) and _is_topic(queue[said], topics):
            said += 1
        if not said:  # what follows names no topic: together they are no word of SET
            return unwanted, [*rest, " ".join((_LABEL, *queue[:1])), *queue[1:]]
        unwanted = chosen(queue[:said], topics, unwanted)
        del queue[:said]
    return unwanted, rest


def chosen(names: Sequence[str], topics: Sequence[str], unwanted: int) -> int:
    """What is unwanted after these names, with or without their `+` and `-`; unknown ones aside."""
    if any(name[:1] not in ("+", "-") for name in names):
        unwanted = EVERYTHING
    for name in names:
        bare = name.lstrip("+-")
        bits = EVERYTHING if bare.upper() == "ALL" else _bit(bare, topics)
        unwanted = unwanted | bits if name.startswith("-") else unwanted & ~bits
    return unwanted


def moved(unwanted: int, old: Sequence[str], new: Sequence[str]) -> int:
    """What is unwanted when other topics take the place of the old ones: names keep their readers.

    To a name that was not there somebody stands as to all that there may be one day.
    """
    later = unwanted >> min(len(old) + 1, BITS) & 1
    found = unwanted & OTHER
    for n in range(BITS - 1):
        was = _bit(new[n], old) if n < len(new) else 0
        is_unwanted = unwanted & was if was else later
        found |= (2 << n) if is_unwanted else 0
    return found


def said(unwanted: int, topics: Sequence[str]) -> tuple[str, ...]:
    """The words of SET that lead to it from anything, for a list with these topics."""
    names = [*topics, "Other"]
    out = [name for name in names if unwanted & _bit(name, topics)]
    known = _union(_bit(name, topics) for name in names)
    if not out:
        return (_LABEL, "ALL")
    if unwanted & ~known or (unwanted == EVERYTHING and known == EVERYTHING):
        kept = [name for name in names if name not in out]
        if kept:
            return (_LABEL, *kept)
    return (_LABEL, "ALL", *(f"-{name}" for name in out))


def shown(unwanted: int, topics: Sequence[str]) -> str:
    """The topics that somebody gets, as QUERY says it."""
    names = [name for name in (*topics, "Other") if not unwanted & _bit(name, topics)]
    return "All" if len(names) > len(topics) else ", ".join(names) or "None"


def _is_topic(word: str, topics: Sequence[str]) -> bool:
    bare = word.lstrip("+-")
    return bare.upper() == "ALL" or bool(_bit(bare, topics) & ~(0 if topics else OTHER))


def _bit(name: str, topics: Sequence[str]) -> int:
    """The bit of a topic's name in any case, 0 where the list has none of that name."""
    folded = name.upper()
    if folded == "OTHER":
        return OTHER
    return next((2 << n for n, topic in enumerate(topics) if topic.upper() == folded), 0)


def _union(bits: Iterable[int]) -> int:
    return reduce(or_, bits, 0)
