"""`init` and `dkim`: what a new server needs, and what its operator publishes in the DNS."""

import json
import shlex
import socket
from pathlib import Path

import click

from listserv_py.cli import dnsrecords
from listserv_py.cli.keyfile import Kind, PublicKey, make_key, public_key
from listserv_py.cli.operator import Operator, note, operator
from listserv_py.cli.settings_text import commented_toml
from listserv_py.config import DEFAULT_FILE, Settings, load
from listserv_py.errors import ConfigError
from listserv_py.units import address, mail_domain

CONFIGURATION = "listserv.toml"
EXAMPLE = "lists.example.org"


@click.command
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option("--domain", default="", help="The host part of the server's addresses.")
@click.option("--postmaster", "postmasters", multiple=True, metavar="ADDRESS")
@operator
def init(asked: Operator, folder: Path | None, domain: str, postmasters: tuple[str, ...]) -> None:
    """Write a configuration, make the data folder and a DKIM key, print the DNS records.

    With DIR everything lies in there; a configuration that stands there already is kept.
    """
    path = folder / CONFIGURATION if folder else asked.config
    if path.exists():
        note(f"{path}: kept as it is")
    else:
        _write(path, _values(path, _domain(domain), _postmasters(postmasters)))
        check = shlex.join(["listserv-py", "--config", str(path), "check"])
        note(f"{path}: written; look it through, then say `{check}`")
    settings = load(path)
    site = settings.site
    fresh = not site.data_dir.exists()
    Operator(path).make_folder()
    note(f"{site.data_dir}: {'made' if fresh else 'there already'}")
    if settings.dkim.key_file is None:
        note("dkim.key_file is not set: nothing will be signed")
    _make_keys(settings)
    click.echo(dnsrecords.all_records(settings, socket.gethostname(), _public(settings)))


@click.command
@operator
def dkim(asked: Operator) -> None:
    """Make a key at dkim.key_file, unless one stands there, and print its DNS record.

    The same for dkim.ed25519_key_file, where that is set.
    """
    settings = asked.settings
    if settings.dkim.key_file is None:
        raise ConfigError(str(asked.config), "dkim.key_file", "not set; allowed: a file to write")
    _make_keys(settings)
    for selector, key in _public(settings).items():
        click.echo(dnsrecords.dkim_record(settings, selector, key))


def _domain(said: str) -> str:
    """The domain to write: what was said, else this machine's name where it is a whole one."""
    name = said or socket.gethostname()
    if not said and "." not in name:
        note(f"site.domain is set to {EXAMPLE}: put your own there")
        return EXAMPLE
    try:
        return mail_domain(name)
    except ValueError as exc:
        raise click.BadParameter(f"{name!r} {exc}", param_hint="--domain") from exc


def _postmasters(said: tuple[str, ...]) -> tuple[str, ...]:
    try:
        return tuple(map(address, said))
    except ValueError as exc:
        raise click.BadParameter(str(exc), param_hint="--postmaster") from exc


def _make_keys(settings: Settings) -> None:
    named = ((settings.dkim.key_file, Kind.RSA), (settings.dkim.ed25519_key_file, Kind.ED25519))
    for key_file, kind in named:
        if key_file is None:
            continue
        if key_file.exists():
            note(f"{key_file}: a key stands there and is kept; for another, set another file")
            continue
        make_key(key_file, settings.site.data_dir, kind)
        note(f"{key_file}: a new key")


def _public(settings: Settings) -> dict[str, PublicKey]:
    """The keys that there are, by their selectors."""
    dkim = settings.dkim
    named = ((dkim.selector, dkim.key_file), (dkim.ed25519_selector, dkim.ed25519_key_file))
    return {selector: public_key(file) for selector, file in named if file and file.exists()}


def _values(path: Path, domain: str, postmasters: tuple[str, ...]) -> dict[str, str]:
    """What `init` fills in; folders only where they are not the default ones."""
    values = {
        "site.domain": _quoted(domain),
        "site.postmasters": f"[{', '.join(map(_quoted, postmasters))}]",
    }
    data_dir = Path("/var/lib/listserv-py")
    if path.absolute() != DEFAULT_FILE:
        data_dir = path.absolute().parent / "data"
        values["site.data_dir"] = _quoted(str(data_dir))
    values["dkim.key_file"] = _quoted(str(data_dir / "dkim.pem"))
    return values


def _quoted(text: str) -> str:
    """A TOML string; JSON's are the same but for what it says of characters beyond U+FFFF."""
    return json.dumps(text, ensure_ascii=False)


def _write(path: Path, values: dict[str, str]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(commented_toml(values))
