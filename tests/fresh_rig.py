"""An empty database for each test, copied: to make one takes longer than most tests do.

It is made once in each process, by the code under test; what it is made from is tested in
`store/test_store_open.py`.
"""

import functools
import tempfile
from pathlib import Path

from sqlite_utils import Database

from listserv_py.store.connect import connect
from listserv_py.store.open import FILE, MARKER, open_database
from listserv_py.store.thread import Store


def put_database(folder: Path) -> Path:
    """An up-to-date database in a folder, unless there is one; where it is."""
    if not (folder / FILE).exists():
        for name, content in _files():
            (folder / name).write_bytes(content)
    return folder / FILE


def fresh_database(folder: Path) -> Database:
    """The writing connection to it, which waits for no disk: nobody pulls its plug."""
    db = connect(put_database(folder), write=True)
    db.execute("PRAGMA synchronous=OFF")
    return db


def fresh_store(folder: Path, domain: str) -> Store:
    """The server's own store on it."""
    put_database(folder)
    return Store.open(folder, domain)


@functools.cache
def _files() -> tuple[tuple[str, bytes], ...]:
    with tempfile.TemporaryDirectory() as name:
        open_database(Path(name)).close()
        return tuple((each, (Path(name) / each).read_bytes()) for each in (FILE, MARKER))
