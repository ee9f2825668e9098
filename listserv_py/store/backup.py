"""A copy of all state in one file, and its way back.

A backup is itself an SQLite database: the server's own, packed, with one table more that holds the
time, the DKIM keys and the site's own forms. On its way back erasures made since are repeated, who
has left since by his own word is taken off again, what waited is held, and no id is given out
twice: bounces and files of the time between must not hit somebody else.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import mkdtemp

from sqlite_utils import Database

from listserv_py.errors import ConfigError
from listserv_py.store.changelog import Verb
from listserv_py.store.connect import SqliteError, connect
from listserv_py.store.erasures import Erasures
from listserv_py.store.open import FILE, MARKER, examine, open_database
from listserv_py.store.people import People, StillNamed
from listserv_py.store.store import Tx
from listserv_py.texts import site

LEAP = 1_000_000
"""So far ids leap when the database that a backup replaces cannot say how far it had come."""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a backup brought back; `named` are erased people whom list headers of it still name.

    `left`: how many times somebody had left a list since by his own word. `is_blind`: nothing
    stood there that could say who was erased or has left since.
    """

    made_at: datetime
    erased: int
    left: int
    held: int
    named: tuple[str, ...]
    is_blind: bool = False


def make_copy(data_dir: Path, folder: Path, keys: Mapping[str, bytes], now: datetime) -> Path:
    """Write a backup into `folder` while others go on writing; returns its path."""
    path = folder / FILE
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
    source = connect(data_dir / FILE, write=False)
    try:
        # It forbids VACUUM INTO as well; the connection itself still cannot write its own file.
        source.execute("PRAGMA query_only=OFF")
        source.execute("VACUUM INTO ?", (str(path),))
    finally:
        source.close()
    copy = connect(path, write=True)
    try:
        copy.execute("CREATE TABLE backup (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT")
        copy.execute("INSERT INTO backup VALUES ('made_at', ?)", (now.isoformat().encode(),))
        for name, content in {**keys, **_site_forms(data_dir)}.items():
            copy.execute("INSERT INTO backup VALUES (?, ?)", (name, content))
        copy.execute("PRAGMA journal_mode=DELETE")
    finally:
        copy.close()
    return path


def bring_back(
    data_dir: Path, folder: Path, domain: str, key_files: Mapping[str, Path]
) -> Restored:
    """Put the backup that lies in `folder` in the place of the database; the lock is ours.

    `key_files`: where its keys go, by their names in it; one that stands there is kept.

    ConfigError when it is damaged, newer than this version, or no backup: nothing was changed then.
    """
    path, erasures = folder / FILE, Erasures(data_dir)
    if (key := erasures.missing_key) is not None:
        text = "is missing: without it the logs beside it cannot say who was erased or has left"
        raise ConfigError(str(key), "", text)
    examine(path)
    made_at, keys = _read_extras(path)
    is_blind = erasures.is_empty and not (data_dir / FILE).exists()
    db = open_database(folder)
    try:
        with _transaction(db):
            db.execute("DROP TABLE backup")
            _leap(db, _ids(data_dir / FILE))
            tx = Tx(db, domain)
            left = _take_off(tx, erasures, made_at, _members(data_dir / FILE))
            restored = _repeat(tx, erasures, made_at, left)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    finally:
        db.close()
    _replace(data_dir, path)
    for name, key_file in key_files.items():
        if name in keys and not key_file.exists():
            _write_key(key_file, keys[name])
    if site.PLACE in keys:
        _put_site_forms(data_dir, keys[site.PLACE])
    return replace(restored, is_blind=is_blind)


@contextmanager
def folder_beside(data_dir: Path) -> Iterator[Path]:
    """A folder in the data folder that is gone afterwards."""
    sweep(data_dir)
    folder = Path(mkdtemp(prefix=f"backup-{os.getpid()}-", suffix=".tmp", dir=data_dir))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def sweep(data_dir: Path) -> None:
    """Remove what runs that were killed left behind: it may name people erased since."""
    for left in data_dir.glob("backup-*-*.tmp"):
        try:
            os.kill(int(left.name.split("-")[1]), 0)
        except ProcessLookupError:
            shutil.rmtree(left, ignore_errors=True)
        except (PermissionError, ValueError):
            continue


def _read_extras(path: Path) -> tuple[datetime, dict[str, bytes]]:
    db = connect(path, write=False)
    try:
        found = db.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if found != "ok":
            raise ConfigError(str(path), "", f"damaged, nothing was changed: {found}")
        extras = dict(db.execute("SELECT name, value FROM backup").fetchall())
        return datetime.fromisoformat(bytes(extras.pop("made_at")).decode()), extras
    except (SqliteError, KeyError, ValueError) as exc:
        raise ConfigError(str(path), "", "is no backup made by `listserv-py backup`") from exc
    finally:
        db.close()


@contextmanager
def _transaction(db: Database) -> Iterator[None]:
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        db.execute("ROLLBACK")
        raise
    db.execute("COMMIT")


def _repeat(tx: Tx, erasures: Erasures, made_at: datetime, left: int) -> Restored:
    """Erase again who was erased since, and hold what waited to go out or to be worked off."""
    since = erasures.since(made_at)
    people = People(tx)
    erased, named = 0, []
    for mailbox in people.everybody():
        if erasures.is_among(mailbox, since):
            try:
                people.erase(mailbox)
                erased += 1
            except StillNamed as exc:
                named.append(f"{mailbox} is {exc}")
    held = tx.outbox.hold_all() + tx.spool.set_all_aside("it came back from a backup")
    return Restored(made_at.astimezone(UTC), erased, left, held, tuple(named))


def _take_off(
    tx: Tx, erasures: Erasures, made_at: datetime, members: frozenset[tuple[str, str]]
) -> int:
    """Take off again who has left since by his own word; says how often somebody was.

    An owner's DELETE is not repeated: it may be what the backup is to undo.
    """
    left, many = erasures.left_since(made_at), 0
    for found in tx.lists.all() if left else ():
        for own in list(tx.subscribers.on_list(found.id)):
            came_again = (found.name, own.mailbox.key) in members
            if not came_again and erasures.has_left(found.name, own.mailbox, left):
                tx.subscribers.remove(own)
                tx.changelog.note(found, Verb.SIGNOFF, own.mailbox, "", made_at)
                many += 1
    return many


def _members(path: Path) -> frozenset[tuple[str, str]]:
    """Who is on which list in the database that stands there, as far as it can be read."""
    if not path.exists():
        return frozenset()
    try:
        db = connect(path, write=False)
        try:
            rows = db.execute(
                "SELECT l.name, s.address_key FROM subscriber s JOIN list l ON l.id = s.list_id"
            ).fetchall()
        finally:
            db.close()
    except SqliteError:
        return frozenset()
    return frozenset((str(name), str(key)) for name, key in rows)


def _ids(path: Path) -> dict[str, int] | None:
    """How far each table's ids have come, or None when the database cannot say."""
    if not path.exists():
        return None
    try:
        db = connect(path, write=False)
        try:
            return dict(db.execute("SELECT name, seq FROM sqlite_sequence").fetchall())
        finally:
            db.close()
    except SqliteError:
        return None


def _leap(db: Database, came_to: dict[str, int] | None) -> None:
    for name, seq in db.execute("SELECT name, seq FROM sqlite_sequence").fetchall():
        least = seq + LEAP if came_to is None else max(seq, came_to.get(name, 0))
        db.execute("UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (least, name))
    for name, seq in (came_to or {}).items():
        db.execute(
            "INSERT INTO sqlite_sequence (name, seq) SELECT ?, ?"
            " WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = ?)",
            (name, seq, name),
        )


def _replace(data_dir: Path, path: Path) -> None:
    """Put `path` in the database's place: first the old one's log goes, then the name changes."""
    old = data_dir / FILE
    if old.exists():
        # The last to close writes the log back; a damaged file's log is of no use to anybody.
        with suppress(SqliteError):
            connect(old, write=True).close()
    for ending in ("-wal", "-shm"):
        (data_dir / (FILE + ending)).unlink(missing_ok=True)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
    path.replace(old)
    marker = data_dir / MARKER
    if not marker.exists():
        marker.write_text("1\n", encoding="ascii")
    _sync(data_dir)


def _site_forms(data_dir: Path) -> dict[str, bytes]:
    """The site's own forms by the name of their file, nothing where there are none."""
    try:
        return {site.PLACE: (data_dir / site.PLACE).read_bytes()}
    except FileNotFoundError:
        return {}


def _put_site_forms(data_dir: Path, text: bytes) -> None:
    """Bring the site's own forms back; other ones that stand there are kept beside them."""
    path = data_dir / site.PLACE
    if path.exists() and path.read_bytes() != text:
        path.replace(path.with_name(f"{path.name}.old"))
    if not path.exists():
        path.parent.mkdir(mode=0o700, exist_ok=True)
        _write_key(path, text)


def _write_key(key_file: Path, key: bytes) -> None:
    descriptor = os.open(key_file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key)
        file.flush()
        os.fsync(descriptor)
    _sync(key_file.parent)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
