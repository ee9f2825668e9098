"""`Auto-Delete=` and `Errors-To=` as they are written and read."""

from __future__ import annotations

import pytest

from listserv_py.lists.header import read_header
from listserv_py.lists.values import AutoDelete, AutoDeleteMode, ErrorsTo
from listserv_py.mail.mailbox import parse_mailbox


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", AutoDelete(AutoDeleteMode.SEMI, 4, 100, 0)),
        ("Auto-Delete= No", AutoDelete(AutoDeleteMode.NO)),
        ("Auto-Delete= Yes", AutoDelete()),
        ("Auto-Delete= Yes,Full-Auto,Delay(0)", AutoDelete(AutoDeleteMode.FULL, 0)),
        ("Auto-Delete= yes,manual,Max(7)", AutoDelete(AutoDeleteMode.MANUAL, 4, 7)),
        ("Auto-Delete= Yes,Probe(30)", AutoDelete(probe=30)),
    ],
)
def test_auto_delete(said: str, expected: AutoDelete) -> None:
    header, faults = read_header(f"* A list\n*\n* {said}\n* Owner= olga@example.org\n")
    assert (header.keywords.auto_delete, list(faults)) == (expected, [])


@pytest.mark.parametrize(
    "said",
    [
        "Auto-Delete= Yes,Delay(91)",
        "Auto-Delete= Yes,Max(0)",
        "Auto-Delete= Yes,Manual,Full-Auto",
        "Auto-Delete= Perhaps",
        "Errors-To= nobody",
    ],
)
def test_what_is_not_allowed(said: str) -> None:
    _, faults = read_header(f"* A list\n*\n* {said}\n* Owner= olga@example.org\n")
    assert len(list(faults)) == 1


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("", ErrorsTo()),
        ("Errors-To= Owners", ErrorsTo()),
        ("Errors-To= Postmaster", ErrorsTo(owners=False, postmaster=True)),
        (
            "Errors-To= eva@example.org,Owner",
            ErrorsTo(people=(parse_mailbox("eva@example.org"),)),
        ),
    ],
)
def test_errors_to(said: str, expected: ErrorsTo) -> None:
    header, _ = read_header(f"* A list\n*\n* {said}\n* Owner= olga@example.org\n")
    assert header.keywords.errors_to == expected
