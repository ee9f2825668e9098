from datetime import UTC, datetime
from pathlib import Path

from listserv_py.mail.mailbox import parse_mailbox
from listserv_py.store.erasures import LEFT, Erasures
from tests.ceiling import ceiling

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ANN = parse_mailbox("ann@example.net")


def test_a_torn_line_is_ended_before_the_next(tmp_path: Path) -> None:
    logs = Erasures(tmp_path)
    (tmp_path / LEFT).write_bytes(b"1700000000 torn")
    logs.note_left("TEST-L", ANN, NOW)
    assert logs.has_left("TEST-L", ANN, logs.left_since(NOW))
    assert len((tmp_path / LEFT).read_bytes().splitlines()) == 2


def test_a_log_of_all_who_ever_left_is_not_read_for_one_more(tmp_path: Path) -> None:
    with (tmp_path / LEFT).open("wb") as log:
        log.truncate(1 << 38)  # a hole: only who reads it all would notice
        log.seek(0, 2)
        log.write(b"\n")
    with ceiling():
        Erasures(tmp_path).note_left("TEST-L", ANN, NOW)
    assert (tmp_path / LEFT).stat().st_size > 1 << 38
