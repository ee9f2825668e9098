import pytest
from sweep import SYNCING, at_call, run_point


@pytest.mark.parametrize("number", [4, 8, 12])
def test_a_kill_at_a_commit_loses_nothing(number: int) -> None:
    report = run_point(at_call(SYNCING, number))
    assert report.is_good, report
    assert not report.untouched
