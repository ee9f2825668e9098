"""Who is to be asked whether he wants to stay, by the time he was last active."""

from datetime import UTC, datetime, timedelta

import pytest

from listserv_py.lists.renewal import inactive_since, is_period, removed_if_asked_before
from listserv_py.lists.values import Renewal

NOW = datetime(2027, 3, 31, 12, 0, tzinfo=UTC)

SINCE = [
    ("Yearly", "2026-03-31"),
    ("2-yearly", "2025-03-31"),
    ("Monthly", "2027-02-28"),
    ("6-Monthly", "2026-09-30"),
    ("15-Daily", "2027-03-16"),
    ("Weekly", "2027-03-24"),
    ("999-Yearly", "1970-03-31"),
    ("Yearly,6-Monthly", "2026-09-30"),
    ("03/31", "2027-03-31"),
    ("03/02", "2027-03-02"),
    ("2027/03/20", "2027-03-20"),
    ("Yearly,03/15", "2027-03-15"),
]


@pytest.mark.parametrize(("said", "since"), SINCE, ids=[row[0] for row in SINCE])
def test_a_period_means_a_time(said: str, since: str) -> None:
    found = inactive_since(Renewal(tuple(said.split(","))), NOW)
    assert f"{found:%Y-%m-%d}" == since


@pytest.mark.parametrize("said", ["", "04/01", "03/01", "01/15", "2026/03/20", "2028/03/20"])
def test_on_some_days_nobody_is_asked(said: str) -> None:
    assert inactive_since(Renewal(tuple(filter(None, said.split(",")))), NOW) is None


def test_a_date_of_last_year_counts_over_new_year() -> None:
    found = inactive_since(Renewal(("12/20",)), datetime(2027, 1, 5, tzinfo=UTC))
    assert found == datetime(2026, 12, 20, tzinfo=UTC)


def test_a_leap_day_comes_round_in_leap_years() -> None:
    assert inactive_since(Renewal(("02/29",)), NOW) is None
    assert inactive_since(Renewal(("02/29",)), NOW.replace(year=2028, day=5)) == datetime(
        2028, 2, 29, tzinfo=UTC
    )


@pytest.mark.parametrize(("delay", "days"), [(7, 7), (14, 14), (0, 1)])
def test_everybody_has_a_day_at_least(delay: int, days: int) -> None:
    found = removed_if_asked_before(Renewal(("Yearly",), delay), NOW)
    assert found == NOW - timedelta(days=days)


@pytest.mark.parametrize("text", ["Yearly", "6-MONTHLY", "15-Daily", "02/29", "2028/02/29"])
def test_periods(text: str) -> None:
    assert is_period(text)


@pytest.mark.parametrize(
    "text", ["", "0-Yearly", "-Daily", "1000-Daily", "13/01", "02/30", "2027/02/29", "0000/01/01"]
)
def test_no_periods(text: str) -> None:
    assert not is_period(text)
