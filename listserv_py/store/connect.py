"""Opening the database file: what every connection of ours has in common.

`synchronous=FULL` is what makes a 250 true (WAL with NORMAL does not fsync at COMMIT), and only the
writing connection ever checkpoints: SQLite before 3.51.3 can corrupt a WAL database otherwise.
"""

from pathlib import Path

from sqlite_utils import Database
from sqlite_utils.utils import sqlite3  # type: ignore[attr-defined]  # its driver, as it says

SQLITE_VERSION: str = sqlite3.sqlite_version
SqliteError = sqlite3.Error
BUSY_MS = 5000


def connect(path: Path, *, write: bool) -> Database:
    """A connection for the thread that calls; the writing one creates the file if it is absent."""
    conn = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode={'rwc' if write else 'ro'}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_MS / 1000,
        cached_statements=512,
        check_same_thread=False,
    )
    db = Database(conn, execute_plugins=False)
    # Its own looks for a transaction to commit around each statement; here none begins by itself.
    db.execute = conn.execute  # type: ignore[assignment,method-assign]  # one method for another
    conn.execute(f"PRAGMA busy_timeout={BUSY_MS}")
    conn.execute("PRAGMA foreign_keys=ON")
    if write:
        db.enable_wal()
        conn.execute("PRAGMA synchronous=FULL")
        conn.execute("PRAGMA secure_delete=ON")
        conn.execute("PRAGMA journal_size_limit=67108864")
        conn.execute("PRAGMA cache_size=-16000")
    else:
        conn.execute("PRAGMA query_only=ON")
        conn.execute("PRAGMA wal_autocheckpoint=0")
    return db
