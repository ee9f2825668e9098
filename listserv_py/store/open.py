"""Opening the server's database with care: a damaged, newer or vanished one is never touched.

A file `VERSION` beside the database says that there has been one; when it stands there alone, the
database was lost, and an empty one must not quietly take its place.
"""

import os
from pathlib import Path

from sqlite_utils import Database

from listserv_py.errors import ConfigError
from listserv_py.store.connect import SqliteError, connect
from listserv_py.store.schema import migrations

FILE = "listserv.db"
MARKER = "VERSION"
_QUICK_CHECK_BELOW = 256 * 1024 * 1024


def open_database(data_dir: Path) -> Database:
    """The writing connection to an up-to-date database; ConfigError says why there is none."""
    path = data_dir / FILE
    examine_folder(data_dir)
    if not path.exists():
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    try:
        db = connect(path, write=True)
        migrations.apply(db)
    except SqliteError as exc:
        raise ConfigError(str(path), "", f"the database cannot be opened: {exc}") from exc
    if not (data_dir / MARKER).exists():
        _mark(data_dir)
    return db


def examine_folder(data_dir: Path) -> None:
    """Refuse a folder whose database cannot be used; an empty or absent folder may be filled."""
    path = data_dir / FILE
    _refuse_vanished(data_dir, path)
    if path.exists():
        examine(path)


def examine(path: Path) -> None:
    """Refuse what is no database of ours, is damaged, or was written by a newer version."""
    try:
        db = connect(path, write=False)
        try:
            _refuse_newer(db, path)
            if path.stat().st_size < _QUICK_CHECK_BELOW:
                _refuse_damaged(db, path)
        finally:
            db.close()
    except (SqliteError, UnicodeError) as exc:
        # What the driver tells of a damaged table may be no text, and fails as that.
        raise ConfigError(str(path), "", f"damaged, nothing was changed: {exc}") from exc


def _refuse_newer(db: Database, path: Path) -> None:
    known = {migration.name for migration in migrations.pending(Database(memory=True))}
    newer = [applied.name for applied in migrations.applied(db) if applied.name not in known]
    if newer:
        raise ConfigError(
            str(path), "", f"written by a newer version ({newer[0]}); nothing was changed"
        )


def _refuse_damaged(db: Database, path: Path) -> None:
    found = db.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        raise ConfigError(str(path), "", f"damaged, nothing was changed: {found}")
    broken = db.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise ConfigError(str(path), "", f"damaged, nothing was changed: table {broken[0]}")


def _refuse_vanished(data_dir: Path, path: Path) -> None:
    if (data_dir / MARKER).exists() and not (path.exists() and path.stat().st_size):
        raise ConfigError(
            str(path), "", f"the database is gone; restore it, or remove {MARKER} to begin anew"
        )


def _mark(data_dir: Path) -> None:
    marker = data_dir / MARKER
    marker.write_text("1\n", encoding="ascii")
    folder = os.open(data_dir, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
