"""Writes the generated files, or with `--check` says which of them are not current.

`python -m listserv_py.cli.generate`, run by `make docs` and `make check` in the repository's
folder.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

from listserv_py.cli import compatibility, settings_text
from listserv_py.commands import reference
from listserv_py.lists import keywords
from listserv_py.texts import page as forms

PAGES: Mapping[str, Callable[[], str]] = {
    "config/listserv.toml": settings_text.commented_toml,
    "docs/commands.md": reference.page,
    "docs/forms.md": forms.page,
    "docs/keywords.md": keywords.page,
    "docs/settings.md": settings_text.settings_page,
}
PARTLY: Mapping[str, Callable[[str], str]] = {
    "docs/compatibility.md": compatibility.filled,
}
"""Pages of which people write the rest."""


def stale(folder: Path) -> list[str]:
    """The generated files that are missing or not what would be written now."""
    whole = [name for name, page in PAGES.items() if _stands(folder / name) != page()]
    partly = []
    for name, filled in PARTLY.items():
        text = _stands(folder / name)
        if text is None or text != filled(text):
            partly.append(name)
    return whole + partly


def write(folder: Path) -> None:
    """Write every generated file, and what is generated of the others."""
    for name, page in PAGES.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(page(), encoding="utf-8")
    for name, filled in PARTLY.items():
        text = _stands(folder / name)
        if text is not None:
            (folder / name).write_text(filled(text), encoding="utf-8")


def _stands(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def main(arguments: list[str]) -> int:
    """Write, or check; the exit status."""
    if arguments != ["--check"]:
        write(Path())
        return 0
    found = stale(Path())
    for name in found:
        sys.stderr.write(f"{name} is not current: run `make docs`\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
