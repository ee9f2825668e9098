"""REGISTER, and FOR: what a person is here beyond single lists."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from stage import Stage
from structlog.testing import capture_logs

from listserv_py.commands.interpreter import run_job
from listserv_py.mail.mailbox import parse_mailbox

JOE, ADMIN = parse_mailbox("joe@example.net"), parse_mailbox("admin@example.org")


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    made = Stage(tmp_path)
    made.create("TEST-L", {"subscribers": [f"{JOE} | Joe Doe"]})
    yield made
    made.close()


def test_what_a_postmaster_does_for_somebody_is_in_the_log(stage: Stage) -> None:
    with capture_logs() as lines:
        run_job(stage.turn(), ADMIN, f"FOR {JOE} SIGNOFF TEST-L")
    assert {
        "event": "commands.for",
        "log_level": "info",
        "by": str(ADMIN),
        "whom": str(JOE),
        "command": "SIGNOFF TEST-L",
    } in lines
    assert "subscribers = []" in stage.state()


def test_what_fails_for_somebody_is_said(stage: Stage) -> None:
    said, _ = run_job(stage.turn(), ADMIN, f"FOR {JOE} SET TEST-L EDITOR")
    assert "EDITOR" in said.splitlines()[1]
    assert "Joe Doe |" not in stage.state()


def test_registering_again_replaces_the_name(stage: Stage) -> None:
    for name in ("Joseph Doe", "J. Doe"):
        said, _ = run_job(stage.turn(), JOE, f"REGISTER {name}")
        assert "Subscriptions that have it now: 1" in said
    assert f"{JOE} | J. Doe" in stage.state()
    assert stage.tx.signup.name_of(JOE) == "J. Doe"
    said, _ = run_job(stage.turn(), JOE, "REGISTER off")
    assert "is forgotten" in said
    said, _ = run_job(stage.turn(), JOE, "REGISTER OFF")
    assert "nothing had to be changed" in said
    assert f"{JOE} | J. Doe" in stage.state()
