"""The people of a list as rows of text, for REVIEW and SCAN: read, counted, and never held whole.

A row is not made into values: of a hundred thousand that would take a second of the writing thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlite_utils import Database

from listserv_py.lists.options import SINGLE_POSTS, TOPICS_SHIFT, Options
from listserv_py.store.patterns import like

CONCEALED = Options(conceal=True).encode() & ~Options().encode()
"""The bit of CONCEAL."""
PAGE = 2000

_FROM = "FROM subscriber WHERE"
_ROWS = f"SELECT address, name, subscribed_at, id {_FROM}"

Row = tuple[str, str, int]
"""An address, a name, and the second of joining."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which people of a list: without concealed ones, with a text, or only who gets posts."""

    list_id: int
    visible: bool = False
    reading: bool = False
    text: str = ""

    @property
    def where(self) -> str:
        """The condition in SQL."""
        said = ["list_id = :list"]
        said += [f"NOT options & {CONCEALED}"] if self.visible else []
        said += [f"options & {SINGLE_POSTS}"] if self.reading else []
        if self.text:
            said += ["(address_key LIKE :text ESCAPE '\\' OR name LIKE :text ESCAPE '\\')"]
        return " AND ".join(said)

    @property
    def values(self) -> dict[str, int | str]:
        """What it asks for."""
        return {"list": self.list_id, "text": like(f"*{self.text}*")}


class Roll:
    """The table `subscriber`, read only."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def rows(self, wanted: Wanted) -> Iterator[Row]:
        """The people in the order of joining, read page by page."""
        after = 0
        sql = f"{_ROWS} {wanted.where} AND id > :after ORDER BY id LIMIT :page"
        while found := self._db.execute(
            sql, {**wanted.values, "after": after, "page": PAGE}
        ).fetchall():
            for address, name, since, _ in found:
                yield address, name, since
            after = found[-1][3]

    def count(self, wanted: Wanted) -> int:
        """How many they are."""
        row = self._db.execute(f"SELECT count(*) {_FROM} {wanted.where}", wanted.values).fetchone()
        return int(row[0])

    def by_topic(self, wanted: Wanted, topics: int) -> list[int]:
        """How many want each of so many topics, Other first."""
        sums = ", ".join(
            f"total(NOT options & {1 << TOPICS_SHIFT + bit})" for bit in range(topics + 1)
        )
        row = self._db.execute(f"SELECT {sums} {_FROM} {wanted.where}", wanted.values).fetchone()
        return [int(one) for one in row]

    def by_options(self, list_id: int) -> list[tuple[Options, int]]:
        """How many have each set of options that somebody has."""
        rows = self._db.execute(
            f"SELECT options, count(*) {_FROM} list_id = ? GROUP BY options", (list_id,)
        )
        return [(Options.decode(options), int(count)) for options, count in rows.fetchall()]

    def by_domain(self, list_id: int, at_most: int) -> list[tuple[str, int]]:
        """How many have an address in each domain, the greatest first."""
        rows = self._db.execute(
            f"SELECT {_behind('@')}, count(*) {_FROM} list_id = ?"
            " GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT ?",
            (list_id, at_most),
        )
        return [(str(name), int(count)) for name, count in rows.fetchall()]

    def by_country(self, wanted: Wanted) -> list[tuple[str, int]]:
        """How many have an address in each top-level domain, the greatest first."""
        rows = self._db.execute(
            f"SELECT upper({_behind('.')}), count(*) {_FROM} {wanted.where}"
            " GROUP BY 1 ORDER BY 2 DESC, 1",
            wanted.values,
        )
        return [(str(name), int(count)) for name, count in rows.fetchall()]

    def by_month(self, list_id: int) -> list[tuple[str, int]]:
        """How many have joined in each month and are there still, the latest first."""
        rows = self._db.execute(
            f"SELECT strftime('%Y-%m', subscribed_at, 'unixepoch'), count(*) {_FROM} list_id = ?"
            " GROUP BY 1 ORDER BY 1 DESC",
            (list_id,),
        )
        return [(str(month), int(count)) for month, count in rows.fetchall()]


def _behind(sign: str) -> str:
    """What of an address is behind the last such sign, in SQL.

    All that is none, cut off from the right, leaves what is not.
    """
    before = f"rtrim(address_key, replace(address_key, '{sign}', ''))"
    return f"substr(address_key, 1 + length({before}))"
