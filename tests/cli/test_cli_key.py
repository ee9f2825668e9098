import pytest
from cli_site import Site, process


@pytest.mark.parametrize("command", ["check", "serve"])
def test_a_key_that_cannot_sign_is_named(site: Site, command: str) -> None:
    key = site.folder / "dkim.pem"
    key.write_text("no key\n")
    done = process(site, command)
    assert done.returncode == 2
    assert "dkim.key_file" in done.stderr
    assert str(key) in done.stderr
