"""An empty database for each test, copied: to make one takes longer than most tests do.

It is made once in each process, by the code under test; what it is made from is tested in
`store/test_store_open.py`.
"""

import functools
import tempfile
from pathlib import Path

from listserv_py.store.open import FILE, MARKER, open_database


def put_database(folder: Path) -> Path:
    """An up-to-date database in a folder, unless there is one; where it is."""
    if not (folder / FILE).exists():
        for name, content in _files():
            (folder / name).write_bytes(content)
    return folder / FILE


@functools.cache
def _files() -> tuple[tuple[str, bytes], ...]:
    with tempfile.TemporaryDirectory() as name:
        open_database(Path(name)).close()
        return tuple((each, (Path(name) / each).read_bytes()) for each in (FILE, MARKER))
