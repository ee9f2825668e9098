"""`edit`: the header in the operator's editor, which here is a small script."""

from __future__ import annotations

import stat
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cli_site import OWNER, Site

from listserv_py.mail.mailbox import parse_mailbox


@pytest.fixture
def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    script = tmp_path / "editor"
    monkeypatch.delenv("VISUAL", raising=False)
    monkeypatch.setenv("EDITOR", str(script))
    return script


def does(editor: Path, *commands: str) -> None:
    """The editor's first, second, … run; `$1` is the file."""
    count = editor.with_suffix(".count")
    cases = "".join(f"{at}) {command};;\n" for at, command in enumerate(commands, 1))
    editor.write_text(
        f'#!/bin/sh\necho x >> "{count}"\ncase $(wc -l < "{count}" | tr -d " ") in\n{cases}esac\n'
    )
    editor.chmod(editor.stat().st_mode | stat.S_IXUSR)


def header(site: Site) -> str:
    return site.store(lambda tx: str(tx.lists.get("TEST-L").header))


def is_free(site: Site) -> bool:
    now = datetime.now(UTC)
    return site.store(lambda tx: tx.headers.locked(tx.lists.get("TEST-L").id, now)) is None


def test_the_header_is_stored_and_the_owners_are_told(with_list: Site, editor: Path) -> None:
    does(editor, r'sed -i "s/Send= .*/Send= Public/;\$a* Translate= Yes" "$1"')
    said = with_list.run("edit", "test-l")
    assert said.exit_code == 0
    assert "- * Send= Private\n+ * Send= Public" in said.stdout
    assert "Translate= accepted, no effect here" in said.stderr
    assert "* Send= Public\n" in header(with_list)
    assert is_free(with_list)
    assert OWNER in with_list.ok("queue")


def test_what_is_left_as_it_is_changes_nothing(with_list: Site, editor: Path) -> None:
    before = header(with_list)
    does(editor, "true", 'touch "$1"')
    for _ in range(2):
        assert "nothing was changed" in with_list.run("edit", "TEST-L").stderr
    assert (header(with_list), with_list.ok("queue"), is_free(with_list)) == (before, "", True)


def test_faults_are_told_and_the_same_text_is_edited_again(with_list: Site, editor: Path) -> None:
    does(
        editor,
        'sed -i "s/Send= .*/Send= Pubic/;s/Notify= No/Notify= Yes/" "$1"',
        'sed -i "s/Pubic/Public/" "$1"',
    )
    result = with_list.run("edit", "TEST-L", stdin="y\n")
    assert result.exit_code == 0
    assert '"Pubic" is not known here' in result.stderr
    assert "Edit it again?" in result.stderr
    assert "Send= Public\n" in header(with_list)
    assert "Notify= Yes\n" in header(with_list)


@pytest.mark.parametrize("answer", ["n\n", None])
def test_whoever_gives_up_changes_nothing_and_loses_nothing(
    with_list: Site,
    editor: Path,
    answer: str | None,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    before = header(with_list)
    does(editor, 'sed -i "s/Send= .*/Send= Pubic/" "$1"')
    result = with_list.run("edit", "TEST-L", stdin=answer)
    assert result.exit_code == 1
    kept = list(tmp_path.glob("listserv-py-*.list"))
    assert [("Send= Pubic" in one.read_text()) for one in kept] == [True]
    assert (header(with_list), is_free(with_list)) == (before, True)


def test_who_has_it_open_is_told(with_list: Site, editor: Path) -> None:
    does(editor, "true")
    until = datetime.now(UTC) + timedelta(hours=1)
    with_list.store(lambda tx: tx.headers.lock(1, parse_mailbox(OWNER), until))
    said = with_list.refused("edit", "TEST-L")
    assert OWNER in said
    assert "cmd UNLOCK TEST-L" in said
    assert not editor.with_suffix(".count").exists()
    with_list.ok("cmd", "UNLOCK", "TEST-L")
    with_list.ok("edit", "TEST-L")


def test_what_another_stores_meanwhile_stays(with_list: Site, editor: Path) -> None:
    other = f"PUT TEST-L LIST\n* Another title\n* Owner= {OWNER}\n"
    commands = with_list.folder / "put.txt"
    commands.write_text(f"UNLOCK TEST-L\n{other}")
    program = f'"{sys.executable}" -m listserv_py --config "{with_list.config}"'
    does(editor, f'{program} cmd - < "{commands}" >&2 && echo "* more" >> "$1"')
    said = with_list.refused("edit", "TEST-L")
    assert "somebody else has changed" in said
    assert "Another title" in header(with_list)


def test_there_is_no_such_list(site: Site, editor: Path) -> None:
    does(editor, "true")
    assert "NOPE" in site.refused("edit", "NOPE")
