from pathlib import Path

import pytest

from listserv_py.errors import ConfigError
from listserv_py.store.connect import connect
from listserv_py.store.open import FILE, open_database


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    open_database(tmp_path).close()


def test_secrets_stay_the_same(tmp_path: Path) -> None:
    def secrets() -> list[tuple[str, bytes]]:
        db = open_database(tmp_path)
        rows = db.execute("SELECT name, value FROM meta ORDER BY name").fetchall()
        db.close()
        return list(rows)

    first = secrets()
    assert len({value for _, value in first}) == len(first) >= 4
    assert secrets() == first


def test_a_newer_database_is_not_touched(tmp_path: Path) -> None:
    db = open_database(tmp_path)
    db.execute(
        "INSERT INTO _sqlite_migrations (migration_set, name, applied_at)"
        " VALUES ('listserv_py', 'from_the_future', '')"
    )
    db.close()
    before = (tmp_path / FILE).read_bytes()
    with pytest.raises(ConfigError, match="newer version"):
        open_database(tmp_path)
    assert (tmp_path / FILE).read_bytes() == before


@pytest.mark.parametrize("junk", [b"", b"not a database" * 1000])
def test_what_is_no_database_is_not_touched(tmp_path: Path, junk: bytes) -> None:
    open_database(tmp_path).close()
    (tmp_path / FILE).write_bytes(junk)
    with pytest.raises(ConfigError, match=r"damaged|gone"):
        open_database(tmp_path)
    assert (tmp_path / FILE).read_bytes() == junk


def test_a_damaged_page_is_noticed(tmp_path: Path) -> None:
    db = open_database(tmp_path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    raw = bytearray((tmp_path / FILE).read_bytes())
    raw[4096 * 3 : 4096 * 3 + 200] = b"\xff" * 200
    (tmp_path / FILE).write_bytes(raw)
    with pytest.raises(ConfigError, match="damaged"):
        open_database(tmp_path)
    assert (tmp_path / FILE).read_bytes() == raw


def test_a_fault_that_cannot_even_be_named_is_noticed(tmp_path: Path) -> None:
    db = open_database(tmp_path)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
    db.close()
    raw = (tmp_path / FILE).read_bytes().replace(b"INTEGER NOT", b"INT\xbaGER NOT")
    (tmp_path / FILE).write_bytes(raw)
    with pytest.raises(ConfigError, match="damaged"):
        open_database(tmp_path)
    assert (tmp_path / FILE).read_bytes() == raw


def test_a_lost_database_is_not_replaced_by_an_empty_one(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    (tmp_path / FILE).unlink()
    with pytest.raises(ConfigError, match="gone"):
        open_database(tmp_path)
    assert not (tmp_path / FILE).exists()


def test_a_reader_changes_nothing(tmp_path: Path) -> None:
    open_database(tmp_path).close()
    reader = connect(tmp_path / FILE, write=False)
    with pytest.raises(Exception, match="attempt to write"):
        reader.execute("DELETE FROM meta")
    reader.close()
