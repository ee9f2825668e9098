from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv_py.mail.verp import KEY_LENGTH, Verp, VerpKey, begin_of, month_of

NOW = datetime(2026, 11, 22, tzinfo=UTC)
VERP = Verp(b"k" * 32)


@given(st.integers(1, 2**40 - 1), st.datetimes(datetime(2020, 1, 1), datetime(2120, 1, 1)))  # noqa: DTZ001
def test_making_and_opening_are_twins(subscription_id: int, when: datetime) -> None:
    key = VERP.key_for(subscription_id, "TEST-L", when)
    assert VERP.open(key, "test-l") == VerpKey(subscription_id, month_of(when))
    assert VERP.open(key.upper(), "TEST-L") == VerpKey(subscription_id, month_of(when))


@given(st.integers(0, 5000))
def test_a_month_begins_with_its_first_second(month: int) -> None:
    begin = begin_of(month)
    assert month_of(begin) == month
    assert month_of(begin - timedelta(seconds=1)) == (month - 1) % (1 << 16)


def test_a_key_fits_into_a_local_part() -> None:
    key = VERP.key_for(2**40 - 1, "x" * 32, NOW)
    assert len(key) == KEY_LENGTH <= 25
    assert key.isalnum()


@given(st.text(alphabet="abcdefghijklmnopqrstuvwxyz234567", min_size=24, max_size=24))
def test_nobody_makes_a_key_up(text: str) -> None:
    assert VERP.open(text, "TEST-L") is None


@given(st.text(max_size=30))
def test_no_text_breaks_the_reader(text: str) -> None:
    VERP.open(text, "TEST-L")


@pytest.mark.parametrize("at", range(KEY_LENGTH))
def test_a_changed_letter_opens_nothing(at: int) -> None:
    key = VERP.key_for(7, "TEST-L", NOW)
    other = "b" if key[at] != "b" else "c"
    assert VERP.open(key[:at] + other + key[at + 1 :], "TEST-L") is None


def test_a_key_serves_one_list_and_one_server() -> None:
    key = VERP.key_for(7, "TEST-L", NOW)
    assert VERP.open(key, "OTHER-L") is None
    assert Verp(b"x" * 32).open(key, "TEST-L") is None


def test_neighbours_look_nothing_alike() -> None:
    one, two = (VERP.key_for(number, "TEST-L", NOW) for number in (1, 2))
    assert sum(a == b for a, b in zip(one, two, strict=True)) < KEY_LENGTH / 2
