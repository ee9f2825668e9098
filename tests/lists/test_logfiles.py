"""Which time the name of a change log's file means."""

from datetime import UTC, datetime

import pytest

from listserv_py.lists.logfiles import current, read_name
from listserv_py.lists.values import Rotation

NOW = datetime(2028, 2, 29, 12, 0, tzinfo=UTC)

NAMES = [
    ("CHANGELOG-2028", "2028-01-01", "2029-01-01"),
    ("CHANGELOG-202802", "2028-02-01", "2028-03-01"),
    ("CHANGELOG-202712", "2027-12-01", "2028-01-01"),
    ("CHANGELOG-20280229", "2028-02-29", "2028-03-01"),
    ("CHANGELOG-202802A", "2028-02-01", "2028-02-08"),
    ("CHANGELOG-202802E", "2028-02-29", "2028-03-01"),
    ("CHANGELOG-202812E", "2028-12-29", "2029-01-01"),
]


@pytest.mark.parametrize(("name", "since", "until"), NAMES, ids=[row[0] for row in NAMES])
def test_a_name_means_a_time(name: str, since: str, until: str) -> None:
    found = read_name(name, Rotation.SINGLE, NOW)
    assert found is not None
    assert (f"{found.since:%Y-%m-%d}", f"{found.until:%Y-%m-%d}") == (since, until)


@pytest.mark.parametrize(
    "name",
    [
        *("CHANGELOG-", "CHANGELOG-28", "CHANGELOG-0000", "CHANGELOG-9999", "CHANGELOG-202813"),
        *("CHANGELOG-999912", "CHANGELOG-999912A", "CHANGELOG-99991231"),
        *("CHANGELOG-20280230", "CHANGELOG-202802F", "CHANGELOG-2028A", "CHANGELOGS", "LIST"),
        *("CHANGELOG-../../X", "CHANGELOG-\uff12\uff10\uff12\uff18", "CHANGELOG-2028\n"),
    ],
)
def test_other_names_mean_none(name: str) -> None:
    assert read_name(name, Rotation.SINGLE, NOW) is None


@pytest.mark.parametrize(
    ("rotation", "name"),
    [
        (Rotation.SINGLE, "CHANGELOG"),
        (Rotation.YEARLY, "CHANGELOG-2028"),
        (Rotation.MONTHLY, "CHANGELOG-202802"),
        (Rotation.WEEKLY, "CHANGELOG-202802E"),
    ],
)
def test_the_file_of_today_has_today_in_it(rotation: Rotation, name: str) -> None:
    found = current(rotation, NOW)
    assert found.name == name
    assert found.since <= NOW < found.until
    assert read_name("CHANGELOG", rotation, NOW) == found


@pytest.mark.parametrize("day", range(1, 29))
def test_the_weeks_of_a_month_have_each_day_once(day: int) -> None:
    when = datetime(2027, 2, day, tzinfo=UTC)
    files = [read_name(f"CHANGELOG-202702{week}", Rotation.WEEKLY, when) for week in "ABCD"]
    assert [one.since <= when < one.until for one in files if one].count(True) == 1
