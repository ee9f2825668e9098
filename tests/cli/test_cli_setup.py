import base64
import re
from pathlib import Path

import pytest
from cli_site import Site
from click.testing import CliRunner
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from listserv_py.cli import dnsrecords
from listserv_py.cli.main import program
from listserv_py.config import Settings


def published_key(printed: str) -> rsa.RSAPublicKey:
    line = next(line for line in printed.splitlines() if "_domainkey" in line)
    value = "".join(re.findall(r'"([^"]*)"', line))
    assert value.startswith("v=DKIM1; k=rsa; p=")
    assert all(len(one) <= 255 for one in re.findall(r'"([^"]*)"', line))
    key = serialization.load_der_public_key(base64.b64decode(value.partition("p=")[2]))
    assert isinstance(key, rsa.RSAPublicKey)
    return key


def test_init_makes_all_that_a_server_needs(tmp_path: Path) -> None:
    folder = tmp_path / "the server"
    words = ["init", str(folder), "--domain", "Lists.Example.net", "--postmaster", "a@b.example"]
    result = CliRunner().invoke(program, words)
    assert result.exit_code == 0, result.stderr
    assert f"--config '{folder}/listserv.toml' check`" in result.stderr
    for record in ("MX", "v=spf1", "v=DMARC1", "lists._domainkey.lists.example.net. "):
        assert record in result.stdout
    assert published_key(result.stdout).key_size == 2048
    key_file = folder / "data" / "dkim.pem"
    assert key_file.stat().st_mode & 0o777 == 0o600
    assert key_file.parent.stat().st_mode & 0o777 == 0o700
    checked = Site(folder).run("check")
    assert checked.exit_code == 0
    assert "not signed" not in checked.output
    assert "# relay" in (folder / "listserv.toml").read_text()


def test_init_keeps_what_stands(tmp_path: Path) -> None:
    words = ["init", str(tmp_path), "--domain", "lists.example.net"]
    first = CliRunner().invoke(program, words)
    before = (tmp_path / "listserv.toml").read_bytes()
    again = CliRunner().invoke(program, ["init", str(tmp_path), "--domain", "other.example"])
    assert again.exit_code == 0
    assert "kept" in again.stderr
    assert (tmp_path / "listserv.toml").read_bytes() == before
    assert (
        published_key(first.stdout).public_numbers() == published_key(again.stdout).public_numbers()
    )


def test_init_refuses_what_is_no_domain(tmp_path: Path) -> None:
    result = CliRunner().invoke(program, ["init", str(tmp_path), "--domain", "no domain"])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_init_refuses_what_is_no_address(tmp_path: Path) -> None:
    result = CliRunner().invoke(program, ["init", str(tmp_path), "--postmaster", "nobody"])
    assert result.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_dkim_makes_a_key_once(site: Site) -> None:
    first = published_key(site.ok("dkim"))
    assert (site.folder / "dkim.pem").stat().st_mode & 0o777 == 0o600
    again = site.run("dkim")
    assert "kept" in again.stderr
    assert published_key(again.stdout).public_numbers() == first.public_numbers()


def test_dkim_without_a_place_for_the_key(site: Site) -> None:
    site.config.write_text(f'[site]\ndomain = "a.example"\ndata_dir = "{site.data}"\n')
    assert "dkim.key_file" in site.refused("dkim", status=2)


def test_dkim_with_a_file_that_is_no_key(site: Site) -> None:
    (site.folder / "dkim.pem").write_text("nothing")
    assert "PEM" in site.refused("dkim")


def test_check_says_what_is_not_signed_and_which_sqlite(site: Site) -> None:
    result = site.run("check")
    assert result.exit_code == 0
    assert "not signed" in result.stderr
    assert re.search(r"SQLite \d+\.\d+", result.stdout)


def test_check_names_every_fault(site: Site) -> None:
    site.config.write_text('[site]\ndomain = 5\nblue = "x"\n[delivery]\nrelay = "nowhere"\n')
    lines = site.refused("check", status=2).splitlines()
    assert len(lines) == 3
    for line, key in zip(lines, ("site.domain", "site.blue", "delivery.relay"), strict=True):
        assert f"{site.config}:" in line
        assert key in line
    for words in (("serve",), ("queue",), ("export", "X")):
        assert "site.blue" in site.refused(*words, status=2)


def test_no_configuration(tmp_path: Path) -> None:
    assert "listserv.toml" in Site(tmp_path).refused("check", status=2)


def test_a_data_folder_that_cannot_be_made(site: Site) -> None:
    site.data.write_text("a file")
    for words in (("check",), ("serve",), ("create", "X", "--owner", "a@b.example")):
        assert "data" in site.refused(*words, status=2)


@pytest.mark.parametrize(
    ("relay", "spf"),
    [
        ("", "v=spf1 mx -all"),
        ("127.0.0.1:25", "v=spf1 mx -all"),
        ("smart.example.net:25", "v=spf1 mx a:smart.example.net -all"),
        ("[2a00:1450::1]:25", "v=spf1 mx ip6:2a00:1450::1 -all"),
    ],
)
def test_spf_names_the_smarthost(relay: str, spf: str) -> None:
    settings = Settings.model_validate(
        {"site": {"domain": "lists.example.org"}, "delivery": {"relay": relay}}
    )
    assert f'"{spf}"' in dnsrecords.all_records(settings, "mail.example.org", {})


def add_to_dkim(site: Site, lines: str) -> None:
    config = site.folder / "listserv.toml"
    config.write_text(config.read_text().replace("[dkim]\n", f"[dkim]\n{lines}"))


def test_a_second_key_is_made_and_published_where_one_is_named(site: Site) -> None:
    add_to_dkim(site, 'ed25519_key_file = "two.pem"\ned25519_selector = "second"\n')
    assert "does not exist; there is no second signature" in site.run("check").output
    printed = site.run("dkim").stdout
    assert published_key(printed.splitlines()[0]).key_size == 2048
    [value] = re.findall(r'second\._domainkey\..* "v=DKIM1; k=ed25519; p=(.*)"', printed)
    key = serialization.load_pem_private_key((site.folder / "two.pem").read_bytes(), None)
    assert isinstance(key, ed25519.Ed25519PrivateKey)
    assert base64.b64decode(value) == key.public_key().public_bytes_raw()
    assert (site.folder / "two.pem").stat().st_mode & 0o777 == 0o600
    assert "no second" not in site.run("check").output
    assert site.run("dkim").stdout == printed


def test_one_name_for_two_keys_is_a_fault(site: Site) -> None:
    add_to_dkim(site, 'selector = "x"\ned25519_selector = "x"\ned25519_key_file = "two.pem"\n')
    assert "dkim.ed25519_selector" in site.refused("check", status=2)


def test_a_key_of_the_other_kind_is_a_fault(site: Site) -> None:
    add_to_dkim(site, 'ed25519_key_file = "dkim.pem"\n')
    site.run("dkim")
    assert "ed25519_key_file" in site.refused("check", status=2)
