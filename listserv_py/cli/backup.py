"""`backup` and `restore`: all state as one file, and back."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

import click

from listserv_py.cli.operator import Operator, as_owner, note, operator
from listserv_py.config import Settings
from listserv_py.control.operation import Refused
from listserv_py.errors import ConfigError
from listserv_py.store import backup as copies
from listserv_py.store.erasures import LOGS
from listserv_py.store.lock import lock
from listserv_py.store.open import FILE


@click.command
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@operator
def backup(asked: Operator, file: Path) -> None:
    """Write a consistent copy of all state to FILE, while the server runs or not."""
    settings = asked.settings
    data_dir = settings.site.data_dir
    if not (data_dir / FILE).exists():
        raise Refused(f"{data_dir}: there is no database yet")
    keys = {name: file.read_bytes() for name, file in _key_files(settings).items() if file.exists()}
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as target:
            with as_owner(data_dir), copies.folder_beside(data_dir) as folder:
                path = copies.make_copy(data_dir, folder, keys, datetime.now(UTC))
                with path.open("rb") as source:
                    shutil.copyfileobj(source, target, 1024 * 1024)
            target.flush()
            os.fsync(descriptor)
    except BaseException:
        file.unlink()
        raise
    note(f"{file}: {file.stat().st_size} bytes; it holds addresses and keys, keep it safe")


@click.command
@click.argument("file", type=click.File("rb"))
@operator
def restore(asked: Operator, file: BinaryIO) -> None:
    """Put the state of FILE in the place of what is there; the server must not run."""
    data_dir = asked.enter_folder()
    settings = asked.settings
    with lock(data_dir), copies.folder_beside(data_dir) as folder:
        with (folder / FILE).open("xb") as target:
            shutil.copyfileobj(file, target, 1024 * 1024)
        (folder / FILE).chmod(0o600)
        try:
            found = copies.bring_back(data_dir, folder, settings.site.domain, _key_files(settings))
        except ConfigError as exc:
            if Path(exc.file).parent != folder:
                raise
            raise Refused(f"{file.name}: {exc.text}") from exc
    note(f"the state of {found.made_at:%Y-%m-%d %H:%M:%S} UTC is back")
    if found.erased:
        note(f"{found.erased} erased since then: erased again")
    if found.left:
        note(f"{found.left} had left a list since then: taken off again")
    if found.is_blind:
        note(
            "nothing here says who was erased or has left since then: they are back. Where the old"
            f" folder is at hand, copy {', '.join(LOGS)} from it to {data_dir}, take"
            f" {FILE} out of that, and restore again"
        )
    for named in found.named:
        note(f"was erased since then, but {named}; then erase again")
    if found.held:
        note(f"{found.held} waited to go out or to be worked off: held until `queue retry`")


def _key_files(settings: Settings) -> dict[str, Path]:
    """Where the keys of our signatures lie, by their names in a backup."""
    dkim, arc = settings.dkim, settings.arc
    named = {"dkim.pem": dkim.key_file, "dkim-ed25519.pem": dkim.ed25519_key_file}
    if arc.key_file != dkim.key_file:
        named["arc.pem"] = arc.key_file
    return {name: file for name, file in named.items() if file}
