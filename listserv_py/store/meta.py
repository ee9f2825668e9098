"""The server's own secrets and marks."""

from sqlite_utils import Database

from listserv_py.errors import Broken


class Meta:
    """Named values that belong to no list and no person."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def secret(self, name: str) -> bytes:
        """32 bytes that only this server knows."""
        row = self._db.execute(
            "SELECT value FROM meta WHERE name = ?", (f"secret.{name}",)
        ).fetchone()
        if row is None:
            raise Broken(f"the secret {name} is missing")
        return bytes(row[0])
