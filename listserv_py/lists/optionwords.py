"""Options in words: those of SET that lead to them, and what QUERY says of them.

What a word means is a form of templates/: `describe` names it, and whoever shows it fills it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from listserv_py.lists.options import OPTIONS, Mode, Option, Options
from listserv_py.lists.topics import said, shown


def words(options: Options, default: Options, topics: Sequence[str] = ()) -> tuple[str, ...]:
    """The words that lead from `default` to `options` when they are applied in this order.

    NOMAIL stands last, because a digest or index word switches MAIL on again. That somebody never
    chose HTML or NOHTML has no word: where the default chose, he is shown as what he gets.
    """
    wanted = options
    if options.html is None and default.html is not None:
        wanted = replace(options, html=True)
    found: list[str] = []
    now = default
    for option in _ORDERED:
        if wanted.at is not None and option.word == _MODES.get(wanted.mode):
            continue  # it follows with its hour
        if option.holds(wanted) and not option.holds(now):
            now = option.effect(now)
            found.append(option.word)
    if wanted.max_a_day != now.max_a_day:
        found += ["MAX", f"{wanted.max_a_day}/DAY"] if wanted.max_a_day else ["NOMAX"]
    if wanted.at != now.at:
        found += [_MODES[wanted.mode], "AT", *str(wanted.at).split()]
        now = replace(now, mail=True, until=None)
    if wanted.mail != now.mail or wanted.until != now.until:
        found.append("MAIL" if wanted.mail else "NOMAIL")
    if wanted.until is not None:
        found += ["UNTIL", wanted.until.isoformat()]
    differ = bool(topics) and options.no_topics != default.no_topics
    return (*found, *said(options.no_topics, topics)) if differ else tuple(found)


_MODES = {Mode.DIGEST: "DIGESTS", Mode.INDEX: "INDEX"}
_LATER = {"MAIL", "NOMAIL", "MAX", "NOMAX"}
_ORDERED: Sequence[Option] = tuple(o for o in OPTIONS if o.word not in _LATER)


@dataclass(frozen=True, slots=True)
class Row:
    """What QUERY prints of one option: its word, and the form that says what it means."""

    word: str
    form: str
    slots: Mapping[str, str] = field(default_factory=dict)


def describe(options: Options, topics: Sequence[str] = ()) -> list[Row]:
    """What QUERY prints: each word that holds; owners' words where they matter.

    Whoever never chose HTML or NOHTML gets posts as HTML, so that is what he is shown.
    """
    usual, is_shown = Options(), replace(options, html=options.html is not False)
    found = [
        _timed(option, options)
        for option in OPTIONS
        if option.holds(is_shown) and not (option.owner_only and option.holds(usual))
    ]
    names = {"TOPICS": shown(options.no_topics, topics)}
    return [*found, Row("TOPICS:", "OPTION_TOPICS", names)] if topics else found


def _timed(option: Option, options: Options) -> Row:
    """The row of a word, with the times that its holder has chosen."""
    word, form = option.word, option.form
    if word == "MAX":
        many = str(options.max_a_day)
        return Row(f"MAX {many}/DAY", f"{form}_DAY", {"COUNT": many})
    if word in _MODES.values() and options.at is not None:
        return Row(word, f"{form}_AT", {"TIME": str(options.at)})
    if word == "NOMAIL" and options.until is not None:
        return Row(word, f"{form}_UNTIL", {"DATE": str(options.until)})
    return Row(word, form)
