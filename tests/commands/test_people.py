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


def test_an_answer_to_an_address_beyond_ascii_names_it_in_the_envelope_alone(
    stage: Stage,
) -> None:
    """An encoded word is no address (RFC 2047 5): strict hosts refuse a To that is one."""
    who = "jürgen@example.net"
    head = f"From: {who}\r\nTo: listserv@lists.example.org\r\nMessage-ID: <1@x>\r\n"
    stage.take(f"{head}\r\nTHANKS\r\n".encode())
    (answer,) = stage.outgoing()
    assert f"RCPT TO:<{who}>\r\n".encode() in answer
    assert b"\r\nTo: undisclosed-recipients:;\r\n" in answer


def test_for_somebody_a_line_may_be_written_as_his_own(stage: Stage) -> None:
    said, _ = run_job(stage.turn(), ADMIN, f"FOR {JOE} REVIEW TEST-L BY NAME F=MAIL")
    assert "too much on this line" not in said
