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
    assert "no private key in PEM form" in done.stderr


def test_two_keys_that_cannot_sign_are_two_faults(site: Site) -> None:
    (site.folder / "dkim.pem").write_text("no key\n")
    second = site.folder / "second.pem"
    second.write_text("no key\n")
    text = site.config.read_text().replace("[dkim]\n", f'[dkim]\ned25519_key_file = "{second}"\n')
    site.config.write_text(text)
    lines = process(site, "check").stderr.splitlines()
    assert [line.split(": ")[2] for line in lines] == ["dkim.ed25519_key_file", "dkim.key_file"]
