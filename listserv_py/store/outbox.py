"""The outbox: all mail that leaves is a row here first, written in the transaction that decides.

What is written here goes out by itself; `sending.py` is what the engine reads and records.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from sqlite_utils import Database

from listserv_py.lists.options import COLLECTED, NO_MAIL, OWN_HOUR
from listserv_py.mail.listheaders import ListFacts
from listserv_py.mail.mailbox import Mailbox
from listserv_py.store import progress, queue_view
from listserv_py.store.queue_view import Detail, Retried, Waiting
from listserv_py.store.reach import Reach
from listserv_py.store.recipients import Recipients, Row
from listserv_py.store.times import stamp


class Kind(StrEnum):
    """What a mailing is."""

    POST = "post"
    DIGEST = "digest"
    """An issue of a list's digest, to those who have DIGEST or INDEX; or one for some of them."""
    JOB = "job"
    """A mail that DISTRIBUTE sends to people who are on no list."""
    REPLY = "reply"
    CONFIRMATION = "confirmation"
    APPROVAL = "approval"
    NOTICE = "notice"
    FORWARD = "forward"
    PASSED_ON = "passed-on"
    """Another's mail as it came; the only single mail that we do not sign."""


_HIGHEST = (
    f"SELECT coalesce(max(id), 0) FROM subscriber WHERE list_id = ? AND options & {COLLECTED}"  # noqa: S608 - numbers of ours
    f" AND NOT options & {NO_MAIL | OWN_HOUR}"
)


class Outbox:
    """The tables `mailing`, `content` and `copy`, for those who decide and for the operator."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._reach = Reach(db)
        self._recipients = Recipients(db)

    def send(  # noqa: PLR0913 - all but two by name
        self,
        to: Mailbox,
        content: bytes,
        *,
        kind: Kind,
        now: datetime,
        list_id: int | None = None,
        reverse_path: str = "",
        about: int | None = None,
    ) -> int:
        """One mail to one address, sent as it is, but signed; returns the mailing's id.

        `about` is the spool's id of the mail that it answers or passes on.
        """
        found = self._db.execute(
            "INSERT INTO mailing (kind, list_id, state, reverse_path, created_at)"
            " VALUES (?, ?, 'waiting', ?, ?)",
            (kind, list_id, reverse_path, stamp(now)),
        )
        mailing_id = int(found.lastrowid or 0)
        self._keep(mailing_id, content)
        self._db.execute(
            "INSERT INTO copy (mailing_id, rcpt, domain, urgent, next_at) VALUES (?, ?, ?, 1, ?)",
            (mailing_id, str(to), to.domain, stamp(now)),
        )
        self._db.execute(
            "INSERT INTO trail_mail (mailing_id, spool_id, kind, list_id, made_at)"
            " VALUES (?, ?, ?, ?, ?)",
            (mailing_id, about, kind, list_id, stamp(now)),
        )
        return mailing_id

    def distribute(self, list_id: int, content: bytes, facts: ListFacts, now: datetime) -> int:
        """A post to all who are on the list now and get single posts; `content` as it came in."""
        mailing_id, reaches = self._post(list_id, facts, now)
        if reaches:
            self._keep(mailing_id, content)
        return mailing_id

    def distribute_to_all(
        self, lists: Sequence[tuple[int, ListFacts]], content: bytes, now: datetime
    ) -> int:
        """A post to several lists: as above, but to whom an earlier of them serves no second copy.

        The id is that of the first list's mailing.
        """
        made = [(*self._post(list_id, facts, now), facts.topics) for list_id, facts in lists]
        first = made[0][0]
        for mailing_id, _, topics in made:
            self._reach.add(mailing_id, first, topics)
        for mailing_id, _, _ in made[1:]:
            progress.expect(self._db, mailing_id, self._reach.count(mailing_id))
        if any(reaches for _, reaches, _ in made):
            self._keep(first, content)
        return first

    def distribute_job(
        self,
        content: bytes,
        facts: ListFacts,
        recipients: Sequence[Row],
        *,
        sender: str,
        now: datetime,
    ) -> int:
        """A mail to people who are on no list, bounces to `sender`; the mailing's id."""
        found = self._db.execute(
            "INSERT INTO mailing (kind, state, reverse_path, facts, created_at)"
            " VALUES (?, 'running', ?, ?, ?)",
            (Kind.JOB, sender, facts.encode(), stamp(now)),
        )
        mailing_id = int(found.lastrowid or 0)
        cursor, upto = self._recipients.add(mailing_id, recipients)
        self._db.execute(
            "UPDATE mailing SET cursor = ?, upto = ? WHERE id = ?", (cursor, upto, mailing_id)
        )
        progress.expect(self._db, mailing_id, len(recipients))
        self._keep(mailing_id, content)
        return mailing_id

    def collect(
        self,
        list_id: int,
        content: bytes,
        facts: ListFacts,
        now: datetime,
        people: Sequence[int] | None = None,
    ) -> int:
        """An issue to all who go by the list's hours, or to some people."""
        row = self._db.execute(_HIGHEST, (list_id,)).fetchone()
        upto = row[0] if people is None else 0
        found = self._db.execute(
            "INSERT INTO mailing (kind, list_id, state, facts, created_at, upto)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (
                Kind.DIGEST, list_id, "done" if people is None and not upto else
                "waiting" if people is not None else "running", facts.encode(), stamp(now), upto,
            ),
        )  # fmt: skip
        mailing_id = int(found.lastrowid or 0)
        if upto or people is not None:
            self._keep(mailing_id, content)
        if people is not None:
            self._copies(mailing_id, people, now)
        return mailing_id

    def _copies(self, mailing_id: int, people: Sequence[int], now: datetime) -> None:
        """Copies that wait on their own, to those of the people who are still on a list."""
        readers = self._db.execute(
            "SELECT id, address FROM subscriber WHERE id IN (SELECT value FROM json_each(?))",
            (json.dumps(list(people)),),
        ).fetchall()
        self._db.conn.executemany(
            "INSERT INTO copy (mailing_id, subscriber_id, rcpt, domain, urgent, next_at)"
            " VALUES (?, ?, ?, ?, 0, ?) ON CONFLICT DO NOTHING",
            [(mailing_id, one, rcpt, rcpt.rpartition("@")[2], stamp(now)) for one, rcpt in readers],
        )

    def add_reader(self, list_id: int, subscriber_id: int, now: datetime) -> None:
        """Somebody who stops collecting gets those issues that were on their way to him."""
        for (mailing_id,) in self._db.execute(
            "SELECT id FROM mailing WHERE list_id = ? AND kind = ? AND state = 'running'"
            " AND cursor < ? AND upto >= ?",
            (list_id, Kind.DIGEST, subscriber_id, subscriber_id),
        ).fetchall():
            self._copies(mailing_id, [subscriber_id], now)

    def _post(self, list_id: int, facts: ListFacts, now: datetime) -> tuple[int, bool]:
        """The row of a post, and whether there is anybody on the list."""
        upto = self._db.execute(
            "SELECT coalesce(max(id), 0) FROM subscriber WHERE list_id = ?", (list_id,)
        ).fetchone()[0]
        state = "running" if upto else "done"
        found = self._db.execute(
            "INSERT INTO mailing (kind, list_id, state, facts, created_at, upto)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (Kind.POST, list_id, state, facts.encode(), stamp(now), upto),
        )
        mailing_id = int(found.lastrowid or 0)
        progress.expect(self._db, mailing_id, progress.readers(self._db, list_id, facts.topics))
        return mailing_id, bool(upto)

    def _keep(self, mailing_id: int, content: bytes) -> None:
        self._db.execute("INSERT INTO content VALUES (?, ?)", (mailing_id, content))

    def view(self, limit: int = 1000) -> list[Waiting]:
        """What waits to go out, why, and when it is tried next; one row a mailing."""
        return queue_view.view(self._db, limit)

    def show(self, mailing_id: int) -> Detail | None:
        """All about one mailing that waits; None when there is none of that id."""
        return queue_view.show(self._db, mailing_id)

    def retry(self, mailing_id: int | None = None) -> int:
        """Free and try at once one mailing or all, whatever pause was set; how many mailings."""
        first = found = queue_view.retry(self._db, mailing_id)
        while found.after:
            found = queue_view.retry(self._db, mailing_id, found.after)
        return first.mailings

    def retry_some(self, mailing_id: int | None, after: int) -> Retried:
        """The same, a slice of the copies behind `after`."""
        return queue_view.retry(self._db, mailing_id, after)

    def clear_dropped(self) -> bool:
        """Take some of the copies whose mailings were given up; whether there may be more."""
        return queue_view.clear(self._db)

    def drop(self, mailing_id: int) -> bool:
        """Give up what of a mailing is not sent; False when nothing of that id waits."""
        return queue_view.drop(self._db, mailing_id)

    def held(self, before: datetime, limit: int) -> list[int]:
        """What is held, or of which only held copies are left, and was written before then."""
        rows = self._db.execute(
            "SELECT id FROM mailing WHERE (state IN ('running', 'waiting') AND held = 1"
            " OR state = 'waiting' AND NOT EXISTS"
            " (SELECT 1 FROM copy WHERE mailing_id = mailing.id AND state = 'waiting'))"
            " AND created_at < ? ORDER BY id LIMIT ?",
            (stamp(before), limit),
        )
        return [int(row[0]) for row in rows]

    def drop_posts(self, list_id: int) -> None:
        """Give up what of a list's posts is not sent."""
        for (mailing_id,) in self._db.execute(
            "SELECT id FROM mailing WHERE list_id = ? AND kind IN ('post', 'digest')"
            " AND state IN ('running', 'waiting')",
            (list_id,),
        ).fetchall():
            self.drop(mailing_id)

    def hold_all(self) -> int:
        """Hold all that waits until `retry`: what a restored backup needs; how many mailings."""
        return queue_view.hold_all(self._db)

    def list_of(self, mailing_id: int) -> int | None:
        """The list that a mailing is from, None when it is from none or long over."""
        row = self._db.execute("SELECT list_id FROM mailing WHERE id = ?", (mailing_id,)).fetchone()
        return row[0] if row else None

    def call(self, mailing_id: int, own_id: str) -> None:
        """Note what the Message-IDs of a mailing's copies begin with, where they are ours."""
        self._db.execute("UPDATE mailing SET own_id = ? WHERE id = ?", (own_id, mailing_id))

    def called(self, message_id: str) -> int:
        """The mailing whose copies have that Message-ID of ours, 0 when there is none.

        An issue has one for each of its forms, which stands behind the last dot.
        """
        local = message_id.strip("<>").rpartition("@")[0]
        row = self._db.execute(
            "SELECT id FROM mailing WHERE own_id IN (?, ?)", (local, local.rpartition(".")[0])
        ).fetchone()
        return int(row[0]) if row else 0

    def newest(self) -> int:
        """The id of the mailing that was written last, 0 when there was none."""
        row = self._db.execute("SELECT max(id) FROM mailing").fetchone()
        return int(row[0] or 0)

    def hold(self, mailing_id: int) -> None:
        """Set one mailing aside until the operator retries or drops it."""
        self._db.execute("UPDATE mailing SET held = 1 WHERE id = ?", (mailing_id,))
        self._db.execute("UPDATE copy SET state = 'hold' WHERE mailing_id = ?", (mailing_id,))

    def erase(self, mailbox: Mailbox) -> None:
        """Forget a person: mail that waits for him, and records of its bounces."""
        address = (str(mailbox),)
        single = "DELETE FROM mailing WHERE kind NOT IN ('post', 'job', 'digest') AND id IN"
        same = "(SELECT mailing_id FROM copy WHERE rcpt = ? COLLATE NOCASE)"
        self._db.execute(f"{single} {same}", address)
        self._db.execute("DELETE FROM copy WHERE rcpt = ? COLLATE NOCASE", address)
        self._db.execute("DELETE FROM bounce WHERE address = ? COLLATE NOCASE", address)
