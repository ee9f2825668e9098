"""`create`, `import` and `export`: whole lists."""

import sys
from collections.abc import Iterator
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import Progress

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.cli.rosters import Roster, read_roster, write_roster
from listserv_py.control import operations
from listserv_py.control.operation import Refused
from listserv_py.control.rosters import Incoming, Page, Row

LINES_A_STEP = 1000


@click.command
@click.argument("name")
@click.option("--owner", "owners", multiple=True, required=True, metavar="ADDRESS")
@click.option("--title", default="", metavar="TEXT")
@click.option("--set", "sets", multiple=True, metavar="'Keyword= value'", help="A header line.")
@operator
def create(
    asked: Operator, name: str, owners: tuple[str, ...], title: str, sets: tuple[str, ...]
) -> None:
    """Make a list with safe defaults; --owner and --set may be given several times."""
    address = asked.ask(operations.CREATE, operations.NewList(name, owners, title, sets))
    click.echo(f"{name.upper()} is there: posts go to {address}")


@click.command("import")
@click.argument("name")
@click.argument("file", type=click.File("rb"))
@click.option("--notify", is_flag=True, help="Tell everybody who is new on the list.")
@operator
def import_(asked: Operator, name: str, file: BinaryIO, notify: bool) -> None:
    """Put the people of FILE (- is stdin) on a list: all of them, or nobody.

    FILE is CSV (address,name,options,subscribed), a LISTSERV list file, or a Mailman 3 roster.
    """
    roster = _read(file.read())
    if roster.faults:
        raise Refused("\n".join(map(str, roster.faults)) + "\nnobody was put on the list")
    taken = asked.ask(operations.IMPORT, Incoming(name, roster.rows, notify))
    known = f", {taken.known} stood there already" if taken.known else ""
    note(f"{name.upper()}: {taken.added} new{known}")


def _read(raw: bytes) -> Roster:
    """Read a file, with a bar where somebody looks."""
    console = Console(stderr=True)
    if not console.is_terminal:
        return read_roster(raw)
    with Progress(console=console, transient=True) as bar:
        task = bar.add_task("reading", total=raw.count(b"\n") + 1)

        def show(line: int) -> None:
            if line % LINES_A_STEP == 0:
                bar.update(task, completed=line)

        return read_roster(raw, show)


@click.command
@click.argument("name")
@operator
def export(asked: Operator, name: str) -> None:
    """Print a list's subscribers with all their options, as CSV."""
    for text in write_roster(_pages(asked, name)):
        sys.stdout.buffer.write(text.encode())


def _pages(asked: Operator, name: str) -> Iterator[Row]:
    after = 0
    while rows := asked.ask(operations.EXPORT, Page(name, after)):
        yield from rows
        after = rows[-1].number
