"""Posts that go to several lists: a mailing for each list, and each person one copy.

The first mailing is the super-list's own, and the content is kept under its id until the last of
them is over. Who gets a copy is asked page by page: whoever is served by an earlier list of the
same post is left out, so nobody's name is held in memory. A post to one list has no row here.
"""

import json
from collections.abc import Sequence

from sqlite_utils import Database

from listserv_py.lists.options import SINGLE_POSTS, TOPICS_SHIFT

Row = tuple[int, str, str, int]


# A subscription to the super-list itself has the last word about its posts, whatever it says.
_READERS = """
 FROM reach r JOIN subscriber s ON s.list_id = r.list_id
 WHERE r.mailing_id = :mailing AND s.id > :after AND s.id <= r.upto AND s.options & :single
   AND (r.topics = 0 OR s.options >> :topics_at & r.topics <> r.topics)
   AND NOT EXISTS (
     SELECT 1 FROM subscriber o CROSS JOIN reach e
     WHERE o.address_key = s.address_key AND e.post_id = r.post_id AND e.list_id = o.list_id
       AND e.mailing_id < r.mailing_id AND o.id <= e.upto
       AND (e.mailing_id = e.post_id OR (o.options & :single
            AND (e.topics = 0 OR o.options >> :topics_at & e.topics <> e.topics))))
"""
_BITS = {"single": SINGLE_POSTS, "topics_at": TOPICS_SHIFT}


class Reach:
    """The table `reach`, for those who write, read and forget mailings."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def add(self, mailing_id: int, post_id: int, topics: int) -> None:
        """Note that a mailing is one list's part of a post."""
        self._db.execute(
            "INSERT INTO reach SELECT id, ?, list_id, upto, ? FROM mailing WHERE id = ?",
            (post_id, topics, mailing_id),
        )

    def is_later(self, mailing_id: int) -> bool:
        """Whether the mailing leaves out whom another one serves."""
        row = self._db.execute(
            "SELECT 1 FROM reach WHERE mailing_id = ? AND post_id < mailing_id", (mailing_id,)
        ).fetchone()
        return row is not None

    def page(self, mailing_id: int, after: int, limit: int) -> list[Row]:
        """The next readers of a mailing that is a later one of its post."""
        rows: list[Row] = self._db.execute(
            f"SELECT s.id, s.address, s.address_key, s.options {_READERS} ORDER BY s.id LIMIT :n",
            {"mailing": mailing_id, "after": after, "n": limit, **_BITS},
        ).fetchall()
        return rows

    def receivers(self, post_id: int) -> int:
        """How many people the later mailings of a post reach."""
        later = self._db.execute(
            "SELECT mailing_id FROM reach WHERE post_id = ? AND mailing_id > post_id", (post_id,)
        ).fetchall()
        return sum(self.count(row[0]) for row in later)

    def expected(self, list_ids: Sequence[int]) -> list[int]:
        """How many people each of the lists would reach beside those before it, all topics alike.

        The first is the super-list itself.
        """
        # The readers' own query, over a post that is only thought of.
        post = (
            "WITH reach (mailing_id, post_id, list_id, upto, topics) AS"
            " (SELECT key, 0, value, 9223372036854775807, 0 FROM json_each(:lists))"
        )
        lists = json.dumps(list_ids)
        return [
            int(
                self._db.execute(
                    f"{post} SELECT count(*) {_READERS}",
                    {"mailing": place, "after": 0, "lists": lists, **_BITS},
                ).fetchone()[0]
            )
            for place in range(len(list_ids))
        ]

    def forget_content(self, mailing_id: int) -> None:
        """Let go of a mailing's content, unless others of the same post still need it."""
        self._db.execute(
            "DELETE FROM content WHERE mailing_id ="
            " coalesce((SELECT post_id FROM reach WHERE mailing_id = ?1), ?1)"
            " AND NOT EXISTS (SELECT 1 FROM reach r JOIN mailing m ON m.id = r.mailing_id"
            " WHERE r.post_id = content.mailing_id AND m.state IN ('running', 'waiting'))",
            (mailing_id,),
        )

    def forget_post(self, mailing_id: int) -> None:
        """Delete a mailing, and those of the same post to other lists."""
        self._db.execute(
            "DELETE FROM mailing WHERE id = ?1"
            " OR id IN (SELECT mailing_id FROM reach WHERE post_id = ?1)",
            (mailing_id,),
        )

    def count(self, mailing_id: int) -> int:
        """How many people a mailing that is a later one of its post reaches."""
        row = self._db.execute(
            f"SELECT count(*) {_READERS}", {"mailing": mailing_id, "after": 0, **_BITS}
        ).fetchone()
        return int(row[0])
