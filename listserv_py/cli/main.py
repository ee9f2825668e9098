"""The command `listserv-py`: the group, and what becomes of errors.

Exit status: 0 done; 1 refused or failed; 2 bad usage or bad configuration (a database that
cannot be used counts as that). A reason goes to stderr, a line each; nobody is shown a traceback.
"""

import os
import sys
from pathlib import Path

import click
from click.exceptions import Exit

from listserv_py import __version__
from listserv_py.cli import (
    archive,
    backup,
    changes,
    demo,
    edit,
    lists,
    people,
    queue,
    run,
    server,
    setup,
    trace,
)
from listserv_py.cli.operator import Operator
from listserv_py.config import default_path
from listserv_py.errors import ConfigError, ListservError
from listserv_py.store.connect import SqliteError

DONE, FAILED, BAD_CONFIGURATION = 0, 1, 2
LAST_OUTPUT = 2


class Program(click.Group):
    """The group of all commands, which words our errors for the operator."""

    def invoke(self, ctx: click.Context) -> object:
        """Run a command; its error becomes lines on stderr and an exit status."""
        reason: Exception
        try:
            return super().invoke(ctx)
        except ConfigError as exc:
            reason, status = exc, BAD_CONFIGURATION
        except (ListservError, SqliteError) as exc:
            reason, status = exc, FAILED
        except BrokenPipeError:
            raise  # click ends quietly when nobody reads on
        except OSError as exc:
            said = exc.strerror or str(exc)
            reason, status = OSError(f"{exc.filename}: {said}" if exc.filename else said), FAILED
        for line in str(reason).splitlines():
            click.echo(f"listserv-py: {line}", err=True)
        raise Exit(status)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--config",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help="The configuration; else $LISTSERV_PY_CONFIG, else /etc/listserv-py/listserv.toml.",
)
@click.version_option(__version__, prog_name="listserv-py")
@click.pass_context
def program(ctx: click.Context, config: Path | None) -> None:
    """An independent, LISTSERV-compatible mailing list server."""
    ctx.obj = Operator(config or default_path())


for command in (
    server.serve,
    server.check,
    setup.init,
    demo.demo,
    lists.create,
    edit.edit,
    run.cmd,
    lists.import_,
    lists.export,
    queue.queue,
    trace.trace,
    archive.archive,
    backup.backup,
    backup.restore,
    setup.dkim,
    people.erase,
    people.personal_data,
    changes.check_changelog,
):
    program.add_command(command)


def main() -> None:
    """The console script."""
    _fill_outputs()
    sys.exit(program(prog_name="listserv-py"))


def _fill_outputs() -> None:
    """Where a standard descriptor is closed, open nothing: or a file of ours would be in its place.

    What a library then says to stderr, ours or a worker's, would stand in that file.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= LAST_OUTPUT:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
