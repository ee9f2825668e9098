"""What is wrong with the folders and files that a configuration names.

`config.load` looks at no disk: the file may be checked on another machine, or as another user.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from listserv_py import tomlfaults
from listserv_py.config import Settings
from listserv_py.errors import ConfigError
from listserv_py.tomlfaults import Location


def folder_faults(settings: Settings, path: Path) -> tuple[ConfigError, ...]:
    """What is wrong with the folders and files that the configuration at `path` names."""
    found = [*_data_dir_faults(settings.site.data_dir), *_file_faults(settings)]
    try:
        written = path.read_text(encoding="utf-8")
    except (OSError, ValueError):
        written = ""
    return tomlfaults.located(path, written, found)


def _data_dir_faults(data_dir: Path) -> Iterator[tuple[Location, str]]:
    folder = data_dir
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent
    where: Location = ("site", "data_dir")
    if not folder.is_dir():
        yield where, f"{folder} is not a folder; allowed: a folder that we can write"
    elif not _takes_folders(folder):
        made = "written" if folder == data_dir else f"made, as {folder} cannot be written"
        yield where, f"{data_dir} cannot be {made}; allowed: a folder that we can write"


def _takes_folders(folder: Path) -> bool:
    """Whether one can be made there; root is let in everywhere, even where nothing can be made."""
    if not os.access(folder, os.W_OK | os.X_OK):
        return False
    try:
        with TemporaryDirectory(prefix=".listserv-py-", dir=folder):
            return True
    except OSError:
        return False


def _file_faults(settings: Settings) -> Iterator[tuple[Location, str]]:
    tls, missing = settings.tls, False
    for location, file in (
        (("delivery", "password_file"), settings.delivery.password_file),
        (("tls", "certificate"), tls.certificate),
        (("tls", "key"), tls.key),
        (("dkim", "key_file"), settings.dkim.key_file),
        (("dkim", "ed25519_key_file"), settings.dkim.ed25519_key_file),
        (("arc", "key_file"), settings.arc.key_file),
    ):
        # A DKIM key that is absent is allowed: nothing is signed, and `remarks` says so.
        if file is None or (location[0] == "dkim" and not file.exists()):
            continue
        if not file.is_file() or not os.access(file, os.R_OK):
            missing = True
            yield location, f"{file} cannot be read; allowed: a file that we can read"
    if tls.certificate and tls.key and not missing:
        try:
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tls.certificate, tls.key)
        except (ssl.SSLError, OSError) as exc:
            yield ("tls", "certificate"), f"does not serve with its key: {exc}; allowed: a PEM pair"
