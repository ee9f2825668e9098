import pytest
from sweep import at_call, run_point


@pytest.mark.parametrize("number", [2, 5, 9, 13])
def test_a_kill_at_a_commit_loses_nothing(number: int) -> None:
    report = run_point(at_call("fdatasync", number))
    assert report.is_good, report
