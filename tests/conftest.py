"""What all tests share: `--update-golden` writes golden files anew instead of comparing.

Compiled modules are kept, whatever the machine's habit: a hundred processes are started here, and
each would compile the whole house again, which takes longer than what it is started for.
"""

import os
import sys

import pytest
from hypothesis import HealthCheck, settings

# No example is timed: a slow machine is no fault. More of them: `--hypothesis-profile=default`.
settings.register_profile(
    "suite", max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("suite")

sys.dont_write_bytecode = False
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)

# Postfix, and whom root becomes, have to enter folders of these tests.
os.umask(0o022)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="write golden files anew; read the diff"
    )


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update-golden"))
