"""`serve` and `check`: the server itself, and whether it could be started."""

import asyncio
from typing import Literal

import click

from listserv_py import maillog
from listserv_py.cli.operator import Operator, note, operator
from listserv_py.config import folder_faults, remarks
from listserv_py.daemon.server import serve as run_server
from listserv_py.delivery.sign import load as signing_key
from listserv_py.errors import ConfigFaults
from listserv_py.store.connect import SQLITE_VERSION
from listserv_py.store.open import FILE, examine

# https://sqlite.org/wal.html#walresetbug: two connections, and a commit between two checkpoints.
WAL_RESET_MENDED = (3, 51, 3)


@click.command
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text")
@operator
def serve(asked: Operator, log_format: Literal["text", "json"]) -> None:
    """Run the server until SIGTERM or SIGINT; SIGHUP rereads the configuration."""
    _enter(asked)
    maillog.configure(log_format)
    try:
        asyncio.run(run_server(asked.settings, asked.config))
    finally:
        maillog.close()


@click.command
@operator
def check(asked: Operator) -> None:
    """Say what is wrong with the configuration, a fault a line; or that nothing is."""
    _enter(asked)
    database = asked.settings.site.data_dir / FILE
    if database.exists():
        examine(database)
    for remark in (*remarks(asked.settings), *_about_sqlite()):
        note(f"{asked.config}: note: {remark}")
    click.echo(f"{asked.config}: no faults; SQLite {SQLITE_VERSION}")


def _enter(asked: Operator) -> None:
    """Stand where the server would stand, and look whether it could work there."""
    asked.enter_folder_if_there()
    faults = folder_faults(asked.settings, asked.config)
    if faults:
        raise ConfigFaults(faults)
    site, dkim = asked.settings.site, asked.settings.dkim
    signing_key(site.domain, dkim.selector, dkim.key_file)


def _about_sqlite() -> tuple[str, ...]:
    if tuple(map(int, SQLITE_VERSION.split("."))) >= WAL_RESET_MENDED:
        return ()
    wanted = ".".join(map(str, WAL_RESET_MENDED))
    return (f"SQLite {SQLITE_VERSION} is older than {wanted}; we keep clear of its known fault",)
