from pathlib import Path

import pytest
from story_runner import play

HERE = Path(__file__).parent
STORIES = sorted(path.parent for path in HERE.rglob("before.toml"))


@pytest.mark.parametrize("folder", STORIES, ids=lambda path: str(path.relative_to(HERE)))
def test_story(folder: Path, tmp_path: Path, update_golden: bool) -> None:
    play(folder, tmp_path, update=update_golden)
