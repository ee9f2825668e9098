"""A clock that leaps is not believed at once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from listserv_py.clock import BELIEVED_AFTER, PAUSE_MAX, SLACK, SteadyClock

NOW = datetime(2026, 6, 1, 10, 0, tzinfo=UTC).timestamp()
DAY, YEAR = 86_400.0, 365 * 86_400.0


@dataclass
class Machine:
    """Its counter, and what somebody sets its clock to."""

    count: float = 1000.0
    ahead: float = 0.0
    began: float = NOW

    def date(self) -> float:
        return self.began + self.count - 1000.0 + self.ahead

    def clock(self) -> SteadyClock:
        return SteadyClock(self.date, lambda: self.count)


@pytest.mark.parametrize("leap", [PAUSE_MAX + DAY, -DAY, 10 * YEAR, -YEAR / 4])
def test_a_leap_that_is_taken_back_leaves_no_trace(leap: float) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.ahead = leap
    for _ in range(59):
        machine.count += 60
        assert clock() == machine.date() - leap
        assert clock.is_astray
    machine.ahead = 0
    assert clock() == machine.date()
    assert not clock.is_astray
    assert clock.setbacks == 0


@pytest.mark.parametrize(("leap", "setbacks"), [(YEAR, 0), (-DAY, 1)])
def test_one_that_lasts_is_believed(leap: float, setbacks: int) -> None:
    machine = Machine()
    clock = machine.clock()
    machine.ahead = leap
    clock()
    machine.count += BELIEVED_AFTER
    assert clock() == machine.date()
    assert (clock.is_astray, clock.setbacks) == (False, setbacks)


def test_a_pause_is_believed_at_once_and_so_is_its_end() -> None:
    machine = Machine()
    clock = machine.clock()
    machine.ahead = 2 * DAY
    assert clock() == machine.date()
    assert (clock.is_astray, clock.setbacks) == (False, 0)
    machine.count += 60
    machine.ahead = 0
    assert clock() == machine.date()
    assert (clock.is_astray, clock.setbacks) == (False, 1)


def test_a_clock_that_cannot_make_up_its_mind_is_not_believed() -> None:
    machine = Machine()
    clock = machine.clock()
    for number in range(100):
        machine.count += BELIEVED_AFTER / 2
        machine.ahead = YEAR * (1 + number % 2)
        assert clock() == machine.date() - machine.ahead


def test_small_steps_are_followed() -> None:
    machine = Machine()
    clock = machine.clock()
    for step in (SLACK, -SLACK, SLACK / 2):
        machine.ahead += step
        assert clock() == machine.date()
    assert clock.now().timestamp() == machine.date()


def test_a_machine_that_started_in_1970_finds_out_at_once() -> None:
    machine = Machine(began=10.0)
    clock = machine.clock()
    assert clock() == 10
    machine.ahead = NOW
    clock()
    assert clock() == machine.date()
    assert not clock.is_astray
