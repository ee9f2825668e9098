"""`serve` and `check`: the server itself, and whether it could be started."""

import asyncio
from typing import Literal

import click

from listserv_py import maillog
from listserv_py.cli.operator import Operator, note, operator
from listserv_py.commands.template import site_faults
from listserv_py.daemon.preflight import refuse_faults
from listserv_py.daemon.remarks import remarks
from listserv_py.daemon.server import serve as run_server
from listserv_py.store.connect import SQLITE_VERSION
from listserv_py.store.open import examine_folder
from listserv_py.texts.site import PLACE

# https://sqlite.org/wal.html#walresetbug: two connections, and a commit between two checkpoints.
WAL_RESET_MENDED = (3, 51, 3)


@click.command
@click.option("--log-format", type=click.Choice(["text", "json"]), default="text")
@operator
def serve(asked: Operator, log_format: Literal["text", "json"]) -> None:
    """Run the server until SIGTERM or SIGINT; SIGHUP rereads the configuration."""
    _enter(asked)
    asked.enter_folder()
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
    examine_folder(asked.settings.site.data_dir)
    for remark in (*remarks(asked.settings), *_about_sqlite()):
        note(f"{asked.config}: note: {remark}")
    for fault in site_faults(asked.settings.site.data_dir):
        note(f"{PLACE}: {fault}")
    click.echo(f"{asked.config}: no faults; SQLite {SQLITE_VERSION}")


def _enter(asked: Operator) -> None:
    """Stand where the server would stand, and look whether it could work there."""
    asked.enter_folder_if_there()
    refuse_faults(asked.settings, asked.config)


def _about_sqlite() -> tuple[str, ...]:
    if tuple(map(int, SQLITE_VERSION.split("."))) >= WAL_RESET_MENDED:
        return ()
    wanted = ".".join(map(str, WAL_RESET_MENDED))
    return (f"SQLite {SQLITE_VERSION} is older than {wanted}; we keep clear of its known fault",)
