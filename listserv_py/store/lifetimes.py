"""How long everything that is stored is kept: one table, which the sweeper goes by and docs show.

Every table of the schema has its row in `TABLES`; whoever adds a table adds a row, and what may
grow without end gets a `Sweep`. A sweep takes at most so many rows in a turn, so that a lifetime
that was made shorter, or a server that stood still for a year, stops nobody's mail.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlite_utils import Database

from listserv_py.config import Settings
from listserv_py.store import jobreturns
from listserv_py.store.times import stamp
from listserv_py.units import write_duration

AT_ONCE = 2000


@dataclass(frozen=True, slots=True)
class Sweep:
    """Rows that go: `gone` is SQL, in which `:before` is so long ago and `:now` is now.

    `after` is a span, or the setting that says it. `key` names a row; `at_once` is less where
    much hangs on one.
    """

    gone: str
    after: timedelta | str = timedelta()
    key: str = "rowid"
    at_once: int = AT_ONCE


@dataclass(frozen=True, slots=True)
class Lifetime:
    """What a table holds and for how long, in words; settings stand in them as {table.name}."""

    what: str
    lasts: str
    sweeps: tuple[Sweep, ...] = ()


_LIST = "as long as the list"
_SUBSCRIPTION = "as long as the subscription"
_SERVER = "as long as this server"
_POST = "as its row in `mailing`"
_WAITS = "until it has gone out, for at most {delivery.max_message_age} from when it came"

_OVER = (
    "state IN ('done', 'refused', 'expired', 'dropped') AND created_at < :before AND NOT EXISTS"
    " (SELECT 1 FROM copy WHERE mailing_id = mailing.id) AND NOT EXISTS (SELECT 1 FROM reach r"
    " JOIN mailing m ON m.id = r.mailing_id WHERE r.post_id = mailing.id"
    " AND m.state IN ('running', 'waiting'))"
)
_TRAILED = (
    "received_at < :before AND NOT EXISTS (SELECT 1 FROM spool s WHERE s.id = trail.spool_id)"
)
_ANSWERED = (
    "made_at < :before AND NOT EXISTS (SELECT 1 FROM mailing m WHERE m.id = trail_mail.mailing_id)"
)

_CLOSED = (
    "NOT EXISTS (SELECT 1 FROM digest_post p WHERE p.list_id = digest_had.list_id"
    " AND p.issue IS NULL AND p.id <= digest_had.seen)"
)

TABLES: Mapping[str, Lifetime] = {
    "meta": Lifetime("the keys of this server", _SERVER),
    # Lists.
    "list": Lifetime("lists, their headers", "until the list is dropped"),
    "old_header": Lifetime(
        "a header before its last change",
        "{retention.changes}",
        (Sweep("replaced_at < :before", "retention.changes"),),
    ),
    "header_lock": Lifetime(
        "who has a header open", "an hour", (Sweep("until <= :now"),)
    ),
    "template": Lifetime("what owners have written", _LIST),
    "list_file": Lifetime("files of lists", _LIST),
    "list_stats": Lifetime("counts for STATS, of nobody in particular", _LIST),
    "change_log": Lifetime("who joined, left and was changed", "{retention.changes}"),
    "change_chain": Lifetime("the ends of the change log's chain", _SERVER),
    # People.
    "subscriber": Lifetime("subscriptions", "until the person leaves or is removed"),
    "consent": Lifetime("how a subscription was confirmed", _SUBSCRIPTION),
    "own_time": Lifetime("hours and limits that people have chosen", _SUBSCRIPTION),
    "renewal_day": Lifetime("how many were asked to renew on a day", _LIST),
    "signup": Lifetime("registered names", "until REGISTER OFF"),
    "password": Lifetime("passwords, hashed", "until PW RESET"),
    "service": Lifetime(
        "invalid commands in a row, and who is not served",
        "a count: 7 days; who was shut out for faults: {retention.changes}; whom a postmaster has"
        " shut out: until he lifts it",
        (
            Sweep("off = '' AND changed_at < :before", timedelta(days=7), "address_key, proven"),
            Sweep(
                "off = 'faults' AND changed_at < :before",
                "retention.changes",
                "address_key, proven",
            ),
        ),
    ),
    "alias": Lifetime(
        "aliases of authors",
        "{dmarc.alias_age} from the last post",
        (Sweep("posted_at < :before", "dmarc.alias_age", "alias"),),
    ),
    "cookie": Lifetime(
        "codes that can be answered",
        "{limits.confirmation_age}, those for a held post as long as it is held, and what was"
        " decided 7 days more; the way back after a removal 30 days",
        (Sweep("expires_at < :now"),),
    ),
    "proof": Lifetime(
        "which signed mails have proved their author",
        "5 days",
        (Sweep("until <= :now", key="key"),),
    ),
    "answer": Lifetime(
        "how often somebody was answered, keyed hashes",
        "a day, or {limits.confirmation_age} where that is longer",
        (Sweep("at < min(:before, :now - 86400)", "limits.confirmation_age"),),
    ),
    # Mail that came in.
    "spool": Lifetime(
        "mail that is not decided on",
        "a held post: as long as its list says; what was set aside: {retention.aside}",
    ),
    "message": Lifetime("the bytes of that mail", "as its row in `spool`"),
    "seen": Lifetime(
        "which mails have come, keyed hashes", "7 days", (Sweep("until <= :now", key="key"),)
    ),
    "posted": Lifetime(
        "which posts a list has had, keyed hashes",
        "7 days",
        (Sweep("at < :before", timedelta(days=7), "list_id, key"),),
    ),
    "post_count": Lifetime(
        "how often somebody posted on a day, keyed hashes",
        "2 days",
        (
            Sweep(
                "day < strftime('%Y-%m-%d', :before, 'unixepoch')",
                timedelta(days=2),
                "list_id, day, person",
            ),
        ),
    ),
    "storm_sign": Lifetime(
        "short posts, keyed hashes",
        "2 days",
        (Sweep("at < :before", timedelta(days=2), "list_id, person, thread"),),
    ),
    "storm": Lifetime(
        "lists that a storm has stopped", "2 days", (Sweep("at < :before", timedelta(days=2)),)
    ),
    # Mail that goes out.
    "copy": Lifetime("copies that wait", f"{_WAITS}; when held: {{retention.aside}}"),
    "content": Lifetime("the bytes of mail that goes out", "until no copy waits for them"),
    "delivered": Lifetime("copies of a page half done", "until the page is done"),
    "recipient": Lifetime(
        "whom a DISTRIBUTE job goes to",
        "until the job is done, addresses for 7 days more",
        (Sweep(jobreturns.DONE_WITH, jobreturns.KEPT, "id"),),
    ),
    "job_report": Lifetime("when the next report on a job is due", "until it is sent"),
    "mailing": Lifetime(
        "posts and jobs that went out",
        "{retention.outcomes} after the last copy",
        (Sweep(_OVER, "retention.outcomes", at_once=50),),
    ),
    "ledger": Lifetime("what became of each copy", _POST),
    "progress": Lifetime("how far a post has come", _POST),
    "reach": Lifetime("which lists a post goes to", _POST),
    "host": Lifetime(
        "hosts that do not take mail now",
        "{retention.outcomes} after the last try",
        (Sweep("next_at < :before", "retention.outcomes", "name"),),
    ),
    "trail": Lifetime(
        "which mails came, by keyed hashes",
        "{retention.outcomes}",
        (Sweep(_TRAILED, "retention.outcomes"),),
    ),
    "trail_step": Lifetime("how they were decided on", "as their row in `trail`"),
    "trail_mail": Lifetime(
        "what became of answers",
        "{retention.outcomes}",
        (Sweep(_ANSWERED, "retention.outcomes"),),
    ),
    # What came back.
    "bounce": Lifetime(
        "what came back",
        "against a subscriber: {retention.failures}; else {retention.outcomes}; never longer than"
        " the subscription",
        (
            Sweep("charge = 'person' AND at < :before", "retention.failures"),
            Sweep("charge <> 'person' AND at < :before", "retention.outcomes"),
        ),
    ),
    "bounce_told": Lifetime(
        "what owners were told about a post",
        "{retention.outcomes}",
        (Sweep("at < :before", "retention.outcomes", "mailing_id, about"),),
    ),
    "bounce_report": Lifetime("when an owner's next report is due", "until it is sent"),
    "probe": Lifetime(
        "probes that were sent",
        "{retention.failures}, and never longer than the subscription",
        (Sweep("state <> 'out' AND sent_at < :before", "retention.failures"),),
    ),
    # Digests and archives.
    "digest": Lifetime("a list's issue in the making", _LIST),
    "digest_post": Lifetime("posts that wait for an issue", "until all have had it"),
    "digest_content": Lifetime("their bytes", "as the last row in `digest_post`"),
    "digest_had": Lifetime(
        "how much of an issue in the making somebody has had",
        "until the issue is closed, and never longer than the subscription",
        (Sweep(_CLOSED, key="subscriber_id"),),
    ),
    "digest_issue": Lifetime(
        "numbers of issues",
        "{retention.issues}",
        (Sweep("closed_at < :before", "retention.issues"),),
    ),
    "issue_posts": Lifetime("which posts went out in a digest", _POST),
    "archive": Lifetime(
        "posts in archives", "as long as the list, or for a time: {retention.archive}"
    ),
    "archive_content": Lifetime("their bytes", "as the last row in `archive`"),
    "archive_day": Lifetime("how many posts a day has", "as the last row in `archive`"),
    "archive_text": Lifetime("what SEARCH reads of them", "as the row in `archive`"),
}  # fmt: skip


def sweep(db: Database, settings: Settings, now: datetime) -> bool:
    """Forget what has had its time; whether there may be more."""
    more = False
    for table, lifetime in TABLES.items():
        for one in lifetime.sweeps:
            more = _swept(db, table, one, now, span(settings, one.after)) or more
    return more


def span(settings: Settings, after: timedelta | str) -> timedelta:
    """So long, as the settings say it."""
    if isinstance(after, timedelta):
        return after
    found = setting(settings, after)
    if not isinstance(found, timedelta):
        raise TypeError(f"{after} is no duration")
    return found


def setting(settings: Settings, key: str) -> object:
    """What a setting is, by its name with its table's."""
    table, _, name = key.partition(".")
    return getattr(getattr(settings, table), name)


def rows(settings: Settings) -> Iterator[tuple[str, str, str]]:
    """Each table's name, what it holds and for how long, for people."""
    for table, one in TABLES.items():
        yield table, one.what, _in_words(settings, one.lasts)


def _in_words(settings: Settings, lasts: str) -> str:
    parts = lasts.replace("}", "{").split("{")
    return "".join(
        f"`{part}` ({_written(setting(settings, part))})" if at % 2 else part
        for at, part in enumerate(parts)
    )


def _written(value: object) -> str:
    return write_duration(value) if isinstance(value, timedelta) else str(value or "empty")


def _swept(db: Database, table: str, one: Sweep, now: datetime, after: timedelta) -> bool:
    gone = db.execute(
        f"DELETE FROM {table} WHERE ({one.key}) IN"  # noqa: S608 - words of ours
        f" (SELECT {one.key} FROM {table} WHERE {one.gone} LIMIT :most)",
        {"before": stamp(now - after), "now": stamp(now), "most": one.at_once},
    )
    return int(gone.rowcount) == one.at_once
