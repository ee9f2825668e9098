"""Follows copies: what became of one reader's, and which of a post's were not taken.

One reader is found without reading a post's ledger: `ledger_span` leads to the few rows that may
have him, and only those are unpacked. Lists of copies are cut at so many.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import islice

from sqlite_utils import Database

from listserv_py.lists.options import COLLECTED, NO_MAIL, OWN_HOUR, SINGLE_POSTS, Options
from listserv_py.lists.topics import wants
from listserv_py.mail.listheaders import ListFacts, decode
from listserv_py.store.bounces import BY_MAIL
from listserv_py.store.digests import mark_of
from listserv_py.store.outcomes import Fate, unpack
from listserv_py.store.reach import Reach

UNTAKEN_MAX = 100
PAGES_MAX = 50
COPIES_MAX = 50
LOOKED_AT = 1000
ISSUES_MAX = 500
"""So many digests that have a post are looked through for one reader."""
BEFORE_MAX = 1000
"""A post that fills an issue is in it, and the issue's mailing is made first, one for each list."""
ID_MAX = 998

QUEUED = "queued"
DEFERRED = "deferred"
RETURNED = "returned"
"""Taken over first, and sent back later."""
WAITS_FOR_ISSUE = "collected"
"""Kept for a digest or index that has not gone out yet."""


@dataclass(frozen=True, slots=True)
class Line:
    """What became of a copy.

    `fate` is QUEUED, DEFERRED, RETURNED, WAITS_FOR_ISSUE or a Fate's name in small letters. `at` is
    when, or for one that waits when it is tried next; None: not yet. `tries` counts those that put
    it off. `in_issue`: the copy is a digest or index that has the post.
    """

    rcpt: str
    fate: str
    at: int | None = None
    tries: int = 0
    reply: str = ""
    in_issue: bool = False


@dataclass(frozen=True, slots=True)
class Page:
    """Copies whose outcomes were recorded together; `reply` is the relay's to one of them."""

    at: int
    copies: int
    sent: int
    reply: str


@dataclass(frozen=True, slots=True)
class Waits:
    """A mail that is in the spool still, where the host that brought it is known."""

    spool_id: int
    state: str
    reason: str
    rcpt: str
    reverse_path: str | None
    client: str
    helo: str
    received_at: int
    failed: int


_WAITS = (
    "SELECT s.id, s.state, s.reason, s.rcpt, s.reverse_path, s.client, s.helo, s.received_at,"
    " s.failed FROM spool s"
)
_NAMED = (
    " JOIN message m ON m.id = s.message_id"
    " WHERE s.id IN (SELECT id FROM spool ORDER BY id LIMIT ?)"
    " AND instr(substr(m.raw, 1, 16384), ?) LIMIT 20"
)
_BOUNCE = "SELECT address, at, code, status, text FROM bounce"
_SPAN = (
    "SELECT at, outcomes, reply FROM ledger WHERE mailing_id = ? AND first_id <= ? AND last_id >= ?"
)


def parts(db: Database, post_id: int) -> list[int]:
    """The mailings of a post, a list each: mostly one; what is no longer kept is left out."""
    rows = db.execute(
        "SELECT id FROM mailing WHERE id = ?1 OR id IN"
        " (SELECT mailing_id FROM reach WHERE post_id = ?1) ORDER BY id LIMIT 300",
        (post_id,),
    )
    return [row[0] for row in rows.fetchall()]


def list_of(db: Database, mailing_id: int) -> int | None:
    """The list that a mailing is of."""
    row = db.execute("SELECT list_id FROM mailing WHERE id = ?", (mailing_id,)).fetchone()
    return int(row[0]) if row and row[0] is not None else None


def line_of(db: Database, mailing_id: int, subscriber_id: int) -> Line | None:
    """What became of one reader's copy; None when the post was not for him."""
    found = _single(db, mailing_id, subscriber_id)
    return found or _collected(db, mailing_id, subscriber_id)


def copies_of(
    db: Database, list_id: int, subscriber_id: int, span: tuple[int, int]
) -> list[tuple[int, int, Line]]:
    """What a list sent to one reader in a time, the newest first: mailing, its time, and his copy.

    As long as outcomes are kept; he may have left since.
    """
    rows = db.execute(
        "SELECT id, created_at FROM mailing WHERE list_id = ? AND kind IN ('post', 'digest')"
        " AND created_at >= ? AND created_at < ? ORDER BY id DESC LIMIT ?",
        (list_id, *span, LOOKED_AT),
    ).fetchall()
    found = ((number, at, _single(db, number, subscriber_id)) for number, at in rows)
    some = ((number, at, line) for number, at, line in found if line is not None)
    return list(islice(some, COPIES_MAX))


def _collected(db: Database, mailing_id: int, subscriber_id: int) -> Line | None:
    """The copy of somebody who has digests, or had when the post came."""
    row = db.execute(
        "SELECT s.address, s.options, m.list_id, m.created_at, m.facts"
        " FROM mailing m JOIN subscriber s ON s.list_id = m.list_id"
        " WHERE m.id = ? AND m.kind = 'post' AND s.id = ? AND s.id <= m.upto",
        (mailing_id, subscriber_id),
    ).fetchone()
    if row is None:
        return None
    address, options, list_id, at, facts = row
    post = _Post(mailing_id, list_id, at, decode(facts).of_day)
    if (found := _in_issue(db, post, subscriber_id)) is not None:
        return replace(found, in_issue=True)
    waits = not options & NO_MAIL and _waits(db, post, subscriber_id, options)
    return Line(address, WAITS_FOR_ISSUE) if waits else None


@dataclass(frozen=True, slots=True)
class _Post:
    mailing_id: int
    list_id: int
    at: int
    of_day: int


def _in_issue(db: Database, post: _Post, subscriber_id: int) -> Line | None:
    """What became of his copy of a digest that has the post; None: there is none."""
    for (issue,) in db.execute(
        "SELECT mailing_id FROM issue_posts WHERE list_id = ? AND mailing_id > ?"
        " AND EXISTS (SELECT 1 FROM json_each(posts) WHERE value = ?)"
        " ORDER BY mailing_id LIMIT ?",
        (
            post.list_id, post.mailing_id - BEFORE_MAX, mark_of(post.at, post.of_day), ISSUES_MAX,
        ),
    ).fetchall():  # fmt: skip
        if (found := _single(db, issue, subscriber_id)) is not None:
            return found
    return None


def _waits(db: Database, post: _Post, subscriber_id: int, options: int) -> bool:
    """Whether the post is kept for the list's issue, for his hour, or for the end of the day."""
    by_list = bool(options & COLLECTED) and not options & OWN_HOUR
    row = db.execute(
        "SELECT 1 FROM digest_post p LEFT JOIN own_time o ON o.subscriber_id = :reader"
        " WHERE p.list_id = :list AND p.at = :at AND p.of_day = :of_day"
        " AND iif(:by_list, p.issue IS NULL, p.id > o.seen"
        " AND (o.at <> '' OR (o.most AND p.of_day > o.most))"
        " AND (p.topics = 0 OR :unwanted & p.topics <> p.topics))",
        {
            "reader": subscriber_id,
            "list": post.list_id,
            "at": post.at,
            "of_day": post.of_day,
            "by_list": by_list,
            "unwanted": Options.decode(options).no_topics,
        },
    ).fetchone()
    return row is not None


def _single(db: Database, mailing_id: int, subscriber_id: int) -> Line | None:
    row = db.execute(
        "SELECT state, rcpt, next_at, tries, last_reply FROM copy"
        " WHERE mailing_id = ? AND subscriber_id = ?",
        (mailing_id, subscriber_id),
    ).fetchone()
    if row is not None:
        return _waiting(*row)
    found = _settled(db, mailing_id, subscriber_id)
    if found is not None:
        return found
    return _to_come(db, mailing_id, subscriber_id)


def _waiting(state: str, rcpt: str, at: int, tries: int, reply: str) -> Line:
    if state == "hold":
        return Line(rcpt, _name(Fate.HELD), at, tries, reply)
    return Line(rcpt, DEFERRED if tries else QUEUED, at, tries, reply)


def _to_come(db: Database, mailing_id: int, subscriber_id: int) -> Line | None:
    """A reader whose page has not been recorded."""
    row = db.execute(
        "SELECT s.address, s.options, m.kind, m.facts, (SELECT 1 FROM delivered d"
        " WHERE d.mailing_id = m.id AND d.subscriber_id = s.id)"
        " FROM mailing m JOIN subscriber s ON s.list_id = m.list_id"
        " WHERE m.id = ? AND s.id = ? AND m.state = 'running'"
        " AND s.id > m.cursor AND s.id <= m.upto AND s.options & iif(m.kind = 'digest', ?, ?)",
        (mailing_id, subscriber_id, COLLECTED, SINGLE_POSTS),
    ).fetchone()
    if row is None or not _is_served(db, mailing_id, subscriber_id):
        return None
    address, options, kind, facts, is_sent = row
    if kind == "post" and not _comes_by_itself(Options.decode(options), decode(facts)):
        return None
    return Line(address, _name(Fate.SENT) if is_sent else QUEUED)


def _comes_by_itself(options: Options, facts: ListFacts) -> bool:
    """Whether his topics and his MAX let the post through."""
    is_within = not options.max_a_day or facts.of_day <= options.max_a_day
    return is_within and wants(options.no_topics, facts.topics)


def _is_served(db: Database, mailing_id: int, subscriber_id: int) -> bool:
    """Whether he gets it by this mailing, and not by another of the same post."""
    reach = Reach(db)
    if not reach.is_later(mailing_id):
        return True
    return [row[0] for row in reach.page(mailing_id, subscriber_id - 1, 1)] == [subscriber_id]


def _settled(db: Database, mailing_id: int, subscriber_id: int) -> Line | None:
    """What the ledger says of a copy."""
    address = db.execute("SELECT address FROM subscriber WHERE id = ?", (subscriber_id,)).fetchone()
    rcpt = address[0] if address else ""
    for at, outcomes, reply in db.execute(
        _SPAN, (mailing_id, subscriber_id, subscriber_id)
    ).fetchall():
        for reader, fate in unpack(bytes(outcomes)):
            if reader == subscriber_id:
                if fate.is_failure:
                    return _refused(db, mailing_id, rcpt, fate, at)
                if (back := _returned(db, mailing_id, subscriber_id)) is not None:
                    return back
                return Line(rcpt, _name(fate), at, 0, reply if fate is Fate.SENT else "")
    return None


def _returned(db: Database, mailing_id: int, subscriber_id: int) -> Line | None:
    """A copy that was taken over and came back."""
    row = db.execute(
        f"{_BOUNCE} WHERE subscriber_id = ? AND mailing_id = ? AND code = ?",
        (subscriber_id, mailing_id, BY_MAIL),
    ).fetchone()
    return Line(row[0], RETURNED, row[1], 0, _reply(*row[2:])) if row else None


def count_returned(db: Database, mailing_id: int) -> int:
    """How many copies were taken over and came back."""
    row = db.execute(
        "SELECT count(*) FROM bounce WHERE mailing_id = ? AND code = ?", (mailing_id, BY_MAIL)
    ).fetchone()
    return int(row[0])


def _refused(db: Database, mailing_id: int, rcpt: str, fate: Fate, at: int) -> Line:
    row = db.execute(
        f"{_BOUNCE} WHERE mailing_id = ? AND address = ? ORDER BY id DESC LIMIT 1",
        (mailing_id, rcpt),
    ).fetchone()
    return Line(rcpt, _name(fate), at, 0, _reply(*row[2:]) if row else "")


def untaken(db: Database, mailing_id: int) -> list[Line]:
    """The copies that were put off, refused or returned; at most UNTAKEN_MAX of each."""
    waiting = db.execute(
        "SELECT state, rcpt, next_at, tries, last_reply FROM copy WHERE mailing_id = ?"
        " ORDER BY state, next_at LIMIT ?",
        (mailing_id, UNTAKEN_MAX),
    ).fetchall()
    failed = db.execute(
        f"{_BOUNCE} WHERE mailing_id = ? ORDER BY id LIMIT ?", (mailing_id, UNTAKEN_MAX)
    ).fetchall()
    return [
        *(_waiting(*row) for row in waiting),
        *(
            Line(address, _of_status(code, status), at, 0, _reply(code, status, text))
            for address, at, code, status, text in failed
        ),
    ]


def pages(db: Database, mailing_id: int) -> list[Page]:
    """The first of a post's pages, as they were recorded."""
    rows = db.execute(
        "SELECT at, outcomes, reply FROM ledger WHERE mailing_id = ? ORDER BY first_id LIMIT ?",
        (mailing_id, PAGES_MAX),
    ).fetchall()
    found = []
    for at, outcomes, reply in rows:
        fates = [fate for _, fate in unpack(bytes(outcomes))]
        found.append(Page(at, len(fates), fates.count(Fate.SENT), reply))
    return found


def count_pages(db: Database, mailing_id: int) -> int:
    """How many pages there are."""
    row = db.execute("SELECT count(*) FROM ledger WHERE mailing_id = ?", (mailing_id,)).fetchone()
    return int(row[0])


def in_spool(db: Database, said: int | str) -> list[Waits]:
    """Mails in the spool, by their number, or by a name in the header of the oldest of them."""
    if isinstance(said, int):
        rows = db.execute(f"{_WAITS} WHERE s.id = ?", (said,))
    else:
        rows = db.execute(f"{_WAITS}{_NAMED}", (LOOKED_AT, said.encode()[:ID_MAX]))
    return [Waits(*row) for row in rows.fetchall()]


def _of_status(code: int, status: str) -> str:
    if status.startswith("4.4.7"):
        return _name(Fate.EXPIRED)
    return RETURNED if code == BY_MAIL else _name(Fate.REFUSED)


def _reply(code: int, status: str, text: str) -> str:
    shown = "" if code == BY_MAIL and status in text else status
    return " ".join(filter(None, (str(code) if code > 0 else "", shown, text)))


def _name(fate: Fate) -> str:
    return fate.name.lower()
