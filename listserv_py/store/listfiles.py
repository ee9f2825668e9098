"""The files that a list keeps for its people: rows by a name that was checked, never paths."""

from dataclasses import dataclass
from datetime import datetime

from sqlite_utils import Database

from listserv_py.store.times import moment, stamp

_COLUMNS = "SELECT name, get_code, content_type, length(content), changed_at FROM list_file"


@dataclass(frozen=True, slots=True)
class ListFile:
    """What INDEX says of a file; `name` is `FILENAME FILETYPE`, `content_type` "" a text's."""

    name: str
    get_code: str
    content_type: str
    size: int
    changed_at: datetime


class ListFiles:
    """The table `list_file`."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def find(self, list_id: int, name: str) -> ListFile | None:
        """The file of that name, or None."""
        found = self._read("WHERE list_id = ? AND name = ?", (list_id, name))
        return found[0] if found else None

    def all(self, list_id: int) -> list[ListFile]:
        """The list's files, by name."""
        return self._read("WHERE list_id = ? ORDER BY name", (list_id,))

    def content(self, list_id: int, name: str) -> bytes:
        """What stands in a file."""
        row = self._db.execute(
            "SELECT content FROM list_file WHERE list_id = ? AND name = ?", (list_id, name)
        ).fetchone()
        return bytes(row[0]) if row else b""

    def put(  # the code, the type and the content are what a file is
        self, list_id: int, name: str, code: str, content_type: str, content: bytes, now: datetime
    ) -> None:
        """Store a file in place of the one before; an empty one deletes it."""
        if not content:
            self._db.execute(
                "DELETE FROM list_file WHERE list_id = ? AND name = ?", (list_id, name)
            )
            return
        self._db.execute(
            "INSERT OR REPLACE INTO list_file (list_id, name, get_code, put_code, content_type,"
            " content, changed_at) VALUES (?, ?, ?, 'OWN', ?, ?, ?)",
            (list_id, name, code, content_type, content, stamp(now)),
        )

    def _read(self, where: str, values: tuple[str | int, ...]) -> list[ListFile]:
        rows = self._db.execute(f"{_COLUMNS} {where}", values).fetchall()
        return [
            ListFile(name, code, content_type, size, moment(at))
            for name, code, content_type, size, at in rows
        ]
