"""docs/threats.md: each test that it names is there, and so is each test of this folder in it."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "threats.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(test_\w+)`")
STORIES = re.compile(r"`(tests/stories/\w+/\w+)`")


def names_in(path: Path) -> set[str]:
    return set(
        re.findall(r"^(?:async )?def (test_\w+)\(", path.read_text(encoding="utf-8"), re.MULTILINE)
    )


def test_each_test_that_it_names_is_there() -> None:
    named = NAMED.findall(PAGE)
    assert len(named) > 60
    gone = [f"{file}::{name}" for file, name in named if name not in names_in(ROOT / file)]
    assert gone == []
    stories = STORIES.findall(PAGE)
    assert stories
    assert all((ROOT / story / "before.toml").exists() for story in stories)


def test_each_row_names_one() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")]
    bare = [
        row
        for row in rows
        if not (
            NAMED.search(row) or STORIES.search(row) or row.startswith(("| Attack", "| Promise"))
        )
    ]
    assert bare == []


def test_each_file_of_this_folder_is_named() -> None:
    files = {f"tests/threats/{path.name}" for path in Path(__file__).parent.glob("test_*.py")}
    assert files - {file for file, _ in NAMED.findall(PAGE)} <= {
        f"tests/threats/{Path(__file__).name}"
    }
