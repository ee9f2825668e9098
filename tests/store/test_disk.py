"""A disk that is full, and one that fails: nobody goes on with the second."""

import errno
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from forked import Forked

from listserv_py.store.disk import has_no_room, is_failing, is_full
from listserv_py.store.store import Tx
from listserv_py.store.thread import Store, StoreFailed


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    opened = Store.open(tmp_path, "lists.test")
    yield opened
    await opened.close()


def test_what_the_system_says_of_the_disk() -> None:
    for number in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
        assert (is_full(OSError(number, "")), is_failing(OSError(number, ""))) == (True, False)
    for number in (errno.EIO, errno.EROFS):
        assert (is_full(OSError(number, "")), is_failing(OSError(number, ""))) == (False, True)
    for other in (OSError(errno.EMFILE, ""), ValueError(), OSError()):
        assert not is_full(other)
        assert not is_failing(other)


def _looks(folder: Path, limit: int) -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    raise SystemExit(3 if has_no_room(folder) else 4)


@pytest.mark.parametrize(("limit", "status"), [(100_000_000, 4), (1_500_000, 3)])
def test_a_limit_to_the_size_of_files_is_a_full_disk(
    tmp_path: Path, limit: int, status: int
) -> None:
    (tmp_path / "database").write_bytes(bytes(1_000_000))
    said = tmp_path / "said"
    assert Forked(_looks, tmp_path, limit, output=said, errors=said).wait(30) == status


def test_where_there_is_room_a_write_that_failed_was_not_for_want_of_it(tmp_path: Path) -> None:
    assert not has_no_room(tmp_path)
    assert list(tmp_path.iterdir()) == []


async def test_who_writes_to_a_disk_that_failed_hears_so(store: Store) -> None:
    await store.run(_note)
    store.fail()
    for work in (store.run, store.note):
        with pytest.raises(StoreFailed):
            await work(_note)
    assert await store.read(_many) == 1


def _note(tx: Tx) -> None:
    tx.db.execute("INSERT INTO message (raw) VALUES (zeroblob(1))")


def _many(tx: Tx) -> int:
    return int(tx.db.execute("SELECT count(*) FROM message").fetchone()[0])
