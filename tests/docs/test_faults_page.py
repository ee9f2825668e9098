"""docs/faults.md: each row names its tests, and each test that it names is there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "faults.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")


def test_each_test_that_it_names_is_there() -> None:
    gone = []
    for file, name in NAMED.findall(PAGE):
        text = (ROOT / file).read_text(encoding="utf-8")
        if not re.search(rf"^(?:async )?def {name}\(", text, re.MULTILINE):
            gone.append(f"{file}::{name}")
    assert gone == []


def test_each_row_names_one() -> None:
    rows = [line for line in PAGE.splitlines() if re.match(r"\| (F\d+|poison) ", line)]
    assert [row for row in rows if not NAMED.search(row)] == []
    numbers = [int(found[1]) for row in rows if (found := re.match(r"\| F(\d+) ", row))]
    # 24 is of a broker, which there is none of.
    assert numbers == [number for number in range(1, 31) if number != 24]
