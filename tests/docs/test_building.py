"""docs/building.md names files that there are."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_that_it_names_is_there() -> None:
    text = (ROOT / "docs/building.md").read_text(encoding="utf-8")
    named = set(
        re.findall(r"`([a-z]+/(?:[a-z_./]*)|[a-z]+\.py|[a-z_]+/[a-z_/]+\.(?:py|toml))`", text)
    )
    assert len(named) > 30
    there = [
        name for name in named if (ROOT / name).exists() or (ROOT / "listserv_py" / name).exists()
    ]
    assert sorted(named) == sorted(there)
