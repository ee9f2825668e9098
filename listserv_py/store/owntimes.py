"""What of a subscriber's options has a row of its own: NOMAIL UNTIL, DIGEST AT, MAX.

`note` is called wherever options are stored, and before they are, for what somebody has had already
goes by how he was served until now.
"""

from datetime import date
from functools import lru_cache

from sqlite_utils import Database

from listserv_py.lists.digests import OwnHour, read_hour
from listserv_py.lists.options import COLLECTED, NO_MAIL, OWN_HOUR, OWN_TIME, Options

SAID = (
    f"iif(options & {OWN_TIME}, (SELECT o.until || ' ' || o.at FROM own_time o"  # noqa: S608 - a number of ours
    " WHERE o.subscriber_id = subscriber.id), '')"
)
"""A column beside the options: what `with_times` reads."""


def with_times(bits: int, said: str | None) -> Options:
    """The options of a row, with the times that stand beside them."""
    return _timed(bits, said or "") if bits & OWN_TIME else _decoded(bits)


def times_of(options: Options) -> str:
    """What `with_times` reads, for whoever keeps options elsewhere."""
    return f"{options.until.isoformat() if options.until else ''} {options.at or ''}"


def has_times(options: Options) -> bool:
    """Whether the options have a row of their own."""
    return bool(options.until or options.at or options.max_a_day)


def note(db: Database, subscriber_id: int, options: Options) -> None:
    """Store the times of options that are about to be stored."""
    if not has_times(options):
        db.execute("DELETE FROM own_time WHERE subscriber_id = ?", (subscriber_id,))
        return
    until, _, at = times_of(options).partition(" ")
    db.execute(
        "INSERT INTO own_time (subscriber_id, list_id, until, at, most, seen)"
        " SELECT s.id, s.list_id, :until, :at, :most, coalesce(iif(s.options & :collected"
        " AND NOT s.options & :others, (SELECT max(min(p.id) - 1, coalesce((SELECT h.seen"
        " FROM digest_had h WHERE h.subscriber_id = s.id), 0)) FROM digest_post p"
        " WHERE p.list_id = s.list_id AND p.issue IS NULL), NULL),"
        " (SELECT max(p.id) FROM digest_post p WHERE p.list_id = s.list_id), 0)"
        " FROM subscriber s WHERE s.id = :id"
        " ON CONFLICT (subscriber_id) DO UPDATE SET until = excluded.until, at = excluded.at,"
        " most = excluded.most, next_at = 0 WHERE until <> excluded.until OR at <> excluded.at"
        " OR most <> excluded.most",
        {
            "until": until,
            "at": at,
            "most": options.max_a_day,
            "collected": COLLECTED,
            "others": NO_MAIL | OWN_HOUR,
            "id": subscriber_id,
        },
    )


def read_at(text: str) -> OwnHour | None:
    """An hour as it is stored."""
    clock, _, zone = text.partition(" ")
    found = read_hour(clock)
    return OwnHour(*found, zone) if found else None


# Few choices are made by many people.
_decoded = lru_cache(maxsize=4096)(Options.decode)


@lru_cache(maxsize=4096)
def _timed(bits: int, said: str) -> Options:
    until, _, at = said.partition(" ")
    return Options.decode(bits, date.fromisoformat(until) if until else None, read_at(at))
