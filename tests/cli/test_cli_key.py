import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_key_that_cannot_sign_is_named(tmp_path: Path, command: str) -> None:
    key = tmp_path / "dkim.pem"
    key.write_text("no key\n")
    config = tmp_path / "listserv.toml"
    config.write_text(
        f'[site]\ndomain = "lists.example.org"\ndata_dir = "{tmp_path}/data"\n'
        f'[delivery]\ntransport = "maildir"\n[dkim]\nkey_file = "{key}"\n'
    )
    done = subprocess.run(
        [sys.executable, "-m", "listserv_py", "--config", str(config), command],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "dkim.key_file" in done.stderr
    assert str(key) in done.stderr
