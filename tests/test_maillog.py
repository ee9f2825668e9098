from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from listserv_py import maillog

log = maillog.get_logger("test")


@pytest.fixture(autouse=True)
def _root_as_it_was() -> Iterator[None]:
    root, raising = logging.getLogger(), logging.raiseExceptions
    level = root.level
    yield
    maillog.close()
    root.setLevel(level)
    logging.raiseExceptions = raising
    logging.getLogger("mail.log").setLevel(logging.NOTSET)


@pytest.fixture
def text(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log"
    with path.open("wb") as file:
        maillog.configure("text", output=file.fileno())
        yield path


@pytest.fixture
def as_json(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "log"
    with path.open("wb") as file:
        maillog.configure("json", output=file.fileno())
        yield path


def written(path: Path) -> list[str]:
    maillog.close()
    return path.read_text(encoding="utf-8").splitlines()


def test_an_event_is_one_line(text: Path) -> None:
    log.info("mail.accepted", spool=7, client="127.0.0.1:9", tls=True, note=None, subject_tag="a b")

    (line,) = written(text)
    assert line.partition(" ")[2] == (
        'info mail.accepted spool=7 client=127.0.0.1:9 tls=true subject_tag="a b"'
    )


def test_no_value_forges_a_line_or_moves_a_terminal(text: Path) -> None:
    log.info("a", value='x\r\n2026 info b\x1b[2J\u2028\u202e\x85" level=error y="\\', raw=b"\xff\n")

    (line,) = written(text)
    assert line.isprintable()
    assert r'\r\n2026 info b\x1b[2J\u2028\u202e\x85\" level=error y=\"\\"' in line


def test_a_value_is_bounded(text: Path) -> None:
    log.info("a", value="x" * 10_000)

    (line,) = written(text)
    assert len(line) < 400


@pytest.mark.parametrize("name", ["code", "cookie", "password", "body", "subject", "token", "key"])
def test_what_is_nobodys_business_is_withheld(text: Path, name: str) -> None:
    log.info("a", **{name: "0123456789ABCDEF"})

    (line,) = written(text)
    assert line.endswith(f"{name}=(withheld)")


def test_several_values_stand_in_a_row(text: Path) -> None:
    log.info("a", listening=["127.0.0.1:25", "unix:/run/x"])

    assert written(text)[0].endswith("listening=127.0.0.1:25,unix:/run/x")


def test_an_smtp_code_is_no_secret(text: Path) -> None:
    log.info("a", code=550)

    assert written(text)[0].endswith("code=550")


def test_json_is_one_object_a_line(as_json: Path) -> None:
    log.info("mail.accepted", spool=7, name="Zoë\n\ud800")

    (line,) = written(as_json)
    event = json.loads(line)
    assert line.isascii()
    assert list(event)[:3] == ["timestamp", "level", "event"]
    assert (event["spool"], event["name"]) == (7, r"Zoë\n\ud800")


def test_an_exception_is_one_line_too(text: Path) -> None:
    try:
        raise ValueError("bad\nthing")  # noqa: TRY301 - to have a traceback
    except ValueError:
        log.exception("mail.broken", spool=3)

    (line,) = written(text)
    assert "mail.broken spool=3" in line
    assert r"ValueError: bad\nthing" in line


def test_other_libraries_come_out_the_same(text: Path) -> None:
    logging.getLogger("asyncio").warning("said %s\n", "this")
    logging.getLogger("mail.log").info("C: DATA")

    (line,) = written(text)
    assert line.endswith(r"warning said this\n")


@pytest.mark.parametrize("output", ["/dev/full", "/dev/null"])
def test_a_full_output_costs_only_lines(output: str) -> None:
    with Path(output).open("wb") as file:
        maillog.configure("text", output=file.fileno())
        log.info("a")
        maillog.close()


def test_a_closed_output_costs_only_lines() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    maillog.configure("text", output=writer)
    log.info("a")
    maillog.close()
    os.close(writer)


def test_a_stuck_output_holds_nobody_up_and_is_told_of_afterwards() -> None:
    reader, writer = os.pipe()
    maillog.configure("text", output=writer)
    for _ in range(12_000):  # more than may wait: who waited for the reader would wait for ever
        log.info("filler", text="x" * 200)

    with os.fdopen(reader, "rb") as pipe:
        seen = b""
        while b"log.dropped" not in seen:
            seen = seen[-200:] + pipe.read1(65536)
        maillog.close()
    os.close(writer)
