"""An issue of a digest as it waits to go out: its posts whole, and the words around them.

Frozen when the issue is closed, so that each form of it is the same to the byte whenever it is
rendered: nothing but these bytes and the mailing's facts goes in.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from listserv_py.errors import Broken
from listserv_py.mail import listheaders
from listserv_py.mail.listheaders import ListFacts


@dataclass(frozen=True, slots=True)
class Entry:
    """One post: `raw` as the copies of it are made of, `number` the list's own for it.

    `at`: when it was distributed, in seconds; `lines`: how long its text is.
    """

    number: int
    at: int
    lines: int
    facts: ListFacts
    raw: bytes


@dataclass(frozen=True, slots=True)
class Bundle:
    """An issue; `token` names it in its Message-ID, `words` are filled forms by their names."""

    token: str
    stamp: int
    zone: str
    words: Mapping[str, str]
    entries: Sequence[Entry]

    def encode(self) -> bytes:
        """As bytes; `decode` is its twin."""
        head = {
            "token": self.token,
            "stamp": self.stamp,
            "zone": self.zone,
            "words": dict(self.words),
            "entries": [
                [one.number, one.at, one.lines, one.facts.encode(), len(one.raw)]
                for one in self.entries
            ],
        }
        said = json.dumps(head, ensure_ascii=False).encode("utf-8", "surrogatepass")
        return b"".join((b"%d\n" % len(said), said, *(one.raw for one in self.entries)))


def decode(raw: bytes) -> Bundle:
    """Read what `Bundle.encode` wrote."""
    try:
        size, _, _ = raw[:20].partition(b"\n")
        begin = len(size) + 1
        at = begin + int(size)
        head = json.loads(raw[begin:at].decode("utf-8", "surrogatepass"))
        entries = []
        for number, when, lines, facts, length in head.pop("entries"):
            content = raw[at : at + length]
            entries.append(Entry(number, when, lines, listheaders.decode(facts), content))
            at += length
        return Bundle(**head, entries=entries)
    except (ValueError, TypeError, KeyError) as exc:
        raise Broken("a stored digest that cannot be read") from exc


def without(raw: bytes, is_meant: Callable[[Entry], bool]) -> bytes | None:
    """The same issue without the posts that are meant; None: there is none of them in it."""
    bundle = decode(raw)
    kept = [one for one in bundle.entries if not is_meant(one)]
    return None if len(kept) == len(bundle.entries) else replace(bundle, entries=kept).encode()
