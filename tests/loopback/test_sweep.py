import pytest
from issue_sweep import run_issues
from mail_sweep import run_mails
from sweep import SYNCING, at_call, run_point


@pytest.mark.parametrize("number", [3, 6, 9])
def test_a_kill_at_a_commit_loses_nothing(number: int) -> None:
    report = run_point(at_call(SYNCING, number))
    assert report.is_good, report
    assert not report.untouched


@pytest.mark.parametrize("number", [6])
def test_a_kill_while_issues_fill_up_leaves_each_post_in_one(number: int) -> None:
    report = run_issues(at_call(SYNCING, number))
    assert report.is_good, report
    assert not report.untouched


@pytest.mark.parametrize("number", [11])
def test_a_kill_between_a_mail_and_its_answers_costs_neither(number: int) -> None:
    report = run_mails(at_call(SYNCING, number))
    assert report.is_good, report
    assert not report.untouched
