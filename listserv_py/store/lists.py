"""The lists: a row each, whose header text is the truth that everything else is read from."""

from datetime import datetime
from functools import lru_cache

from sqlite_utils import Database

from listserv_py.errors import ListExists, UnknownList
from listserv_py.lists.header import Header, read_header
from listserv_py.lists.holding import STORM
from listserv_py.lists.model import MailingList
from listserv_py.store.times import stamp

KNOWN_MAX = 1000

_COLUMNS = "SELECT id, name, header, held FROM list"


@lru_cache(maxsize=KNOWN_MAX)
def _parsed(text: str) -> Header:
    # Faults were refused when it was stored; a later version's new rule must not lose the list.
    return read_header(text)[0]


class Lists:
    """The table `list`; names are compared in upper case, ASCII only."""

    def __init__(self, db: Database, domain: str) -> None:
        self._db = db
        self.domain = domain
        self._known: dict[str, MailingList] | None = None
        self.is_changed = False
        """Whether a list was made, changed or removed here since somebody set this to False."""

    def remember(self) -> None:
        """From now on, until it is called again, what was found is not read a second time.

        Called at the beginning of each job of the writing thread, in which nobody else writes; a
        turn asks six times for the same list. Where the loop looks, it is called when a list has
        been changed, by the writing thread: what is being read meanwhile goes where none looks.
        """
        self._known = {}

    def find(self, name: str) -> MailingList | None:
        """The list of that name, or None."""
        if not name.isascii():
            return None
        name, known = name.upper(), self._known
        if known is None:
            return self._find(name)
        found = known.get(name) or self._find(name)
        if found is not None and len(known) < KNOWN_MAX:
            known[name] = found
        return found

    def _find(self, name: str) -> MailingList | None:
        row = self._db.execute(f"{_COLUMNS} WHERE name = ?", (name,)).fetchone()
        return self._read(row) if row else None

    def get(self, name: str) -> MailingList:
        """The list of that name; UnknownList when there is none."""
        found = self.find(name)
        if found is None:
            raise UnknownList(name)
        return found

    def by_id(self, list_id: int) -> MailingList | None:
        """The list with that id, or None."""
        row = self._db.execute(f"{_COLUMNS} WHERE id = ?", (list_id,)).fetchone()
        return self._read(row) if row else None

    def all(self) -> list[MailingList]:
        """Every list, by name."""
        return [self._read(row) for row in self._db.execute(f"{_COLUMNS} ORDER BY name")]

    def saying(self, keyword: str) -> list[MailingList]:
        """The lists whose header has this word in it, by name: few of many need be read then."""
        rows = self._db.execute(
            f"{_COLUMNS} WHERE instr(lower(header), ?) ORDER BY name", (keyword.lower(),)
        )
        return [self._read(row) for row in rows]

    def add(self, name: str, header_text: str, now: datetime) -> MailingList:
        """A new list; ListExists when the name is taken."""
        if self.find(name) is not None:
            raise ListExists(name.upper())
        self._forget()
        self._db.execute(
            "INSERT INTO list (name, header, created_at, changed_at) VALUES (?, ?, ?, ?)",
            (name.upper(), header_text, stamp(now), stamp(now)),
        )
        return self.get(name)

    def update(self, mailing_list: MailingList, header_text: str, now: datetime) -> None:
        """Put another header in place of the list's own."""
        self._forget()
        self._db.execute(
            "UPDATE list SET header = ?, changed_at = ? WHERE id = ?",
            (header_text, stamp(now), mailing_list.id),
        )
        # Its digests may be due at other hours now; what is due already stays due.
        self._db.execute(
            "UPDATE digest SET since = iif(next_at <= ?1, since, ?1), next_at = 0"
            " WHERE list_id = ?2",
            (stamp(now), mailing_list.id),
        )

    def hold(self, mailing_list: MailingList, reason: str) -> None:
        """Stop the list's posts until `free`; `reason` is what people are told."""
        self._forget()
        self._db.execute("UPDATE list SET held = ? WHERE id = ?", (reason, mailing_list.id))

    def number_post(self, mailing_list: MailingList) -> int:
        """The number of the post that is about to go out, from 1."""
        self._db.execute("UPDATE list SET posts = posts + 1 WHERE id = ?", (mailing_list.id,))
        row = self._db.execute("SELECT posts FROM list WHERE id = ?", (mailing_list.id,)).fetchone()
        return int(row[0])

    def free(self, mailing_list: MailingList) -> None:
        """Let posts pass again; those that waited for it are taken up."""
        self._forget()
        self._db.execute("UPDATE list SET held = '' WHERE id = ?", (mailing_list.id,))

    def held_for(self, reason: str) -> list[MailingList]:
        """The lists that are held for just this reason."""
        rows = self._db.execute(f"{_COLUMNS} WHERE held = ? ORDER BY name", (reason,))
        return [self._read(row) for row in rows]

    def remove(self, mailing_list: MailingList) -> None:
        """Forget a list, its subscribers, and all that is kept for it but its change log."""
        self._forget()
        self._db.execute("DELETE FROM list WHERE id = ?", (mailing_list.id,))

    def _forget(self) -> None:
        self.is_changed = True
        if self._known:
            self._known.clear()

    def _read(self, row: tuple[int, str, str, str]) -> MailingList:
        list_id, name, header, held = row
        return MailingList(
            id=list_id,
            name=name,
            header=_parsed(header),
            held=bool(held),
            domain=self.domain,
            by_storm=held == STORM,
        )
