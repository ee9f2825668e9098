"""Who sits at the command line, and which configuration he means.

Run by root on somebody else's data folder, a command first becomes that folder's owner for good, so
that no file is left that the server cannot write. What only root may read or write is therefore
opened before: `become_owner` comes after the configuration and the named files.
"""

import encodings
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules

import click

from listserv_py.config import Settings, load
from listserv_py.control.client import ask
from listserv_py.control.operation import A, Operation, R
from listserv_py.errors import ConfigError
from listserv_py.texts.forms import Forms


@dataclass
class Operator:
    """Handed to every command; reads the configuration when it is first asked for."""

    config: Path

    @cached_property
    def settings(self) -> Settings:
        """The configuration; ConfigError with all its faults when it has any."""
        return load(self.config)

    def ask(self, operation: Operation[A, R], question: A) -> R:
        """Have the running server do it, or do it here when none runs."""
        self.enter_folder()
        return ask(self.settings, operation, question)

    def make_folder(self) -> Path:
        """The data folder, made if it is absent."""
        data_dir = self.settings.site.data_dir
        try:
            data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(
                str(self.config), "site.data_dir", f"{data_dir} cannot be made: {exc.strerror}"
            ) from exc
        return data_dir

    def enter_folder(self) -> Path:
        """The data folder, made if it is absent; from here on we are its owner."""
        data_dir = self.make_folder()
        become_owner(data_dir)
        if not os.access(data_dir, os.R_OK | os.W_OK | os.X_OK):
            raise ConfigError(str(self.config), "site.data_dir", f"{data_dir} cannot be written")
        return data_dir

    def enter_folder_if_there(self) -> None:
        """Become the owner of a data folder that stands already."""
        if self.settings.site.data_dir.is_dir():
            become_owner(self.settings.site.data_dir)


def become_owner(folder: Path) -> None:
    """Give up root for good when the folder belongs to somebody else."""
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        return
    _load_ahead()
    try:
        name = pwd.getpwuid(owner.st_uid)
        os.initgroups(name.pw_name, name.pw_gid)
        os.setgid(name.pw_gid)
    except KeyError:
        os.setgroups([])
        os.setgid(owner.st_gid)
    os.setuid(owner.st_uid)


def _load_ahead() -> None:
    """Load what is read when it is first used: Python's own files may be out of our reach then."""
    Forms.load()
    for module in iter_modules(encodings.__path__):
        with suppress(ImportError):
            import_module(f"encodings.{module.name}")


@contextmanager
def as_owner(folder: Path) -> Iterator[None]:
    """Be the folder's owner for a while: for those who write elsewhere as root afterwards."""
    owner = folder.stat()
    if os.geteuid() != 0 or owner.st_uid == 0:
        yield
        return
    os.setegid(owner.st_gid)
    os.seteuid(owner.st_uid)
    try:
        yield
    finally:
        os.seteuid(0)
        os.setegid(0)


operator = click.make_pass_decorator(Operator)


def note(text: str) -> None:
    """A line for people beside what the command prints: it goes to stderr."""
    click.echo(text, err=True)
