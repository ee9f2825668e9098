"""`cmd`: one LISTSERV command, or a whole mail of them, given by hand."""

import sys

import click

from listserv_py.cli.operator import Operator, operator
from listserv_py.control import operations
from listserv_py.control.operation import Refused


@click.command(context_settings={"allow_interspersed_args": False})
@click.option(
    "--as", "actor", default="", metavar="ADDRESS", help="Who gives it; else a postmaster."
)
@click.argument("words", nargs=-1, required=True, metavar="COMMAND…", type=click.UNPROCESSED)
@operator
def cmd(asked: Operator, actor: str, words: tuple[str, ...]) -> None:
    """Run a LISTSERV command as if it had been confirmed; - reads a mail's body from stdin."""
    text = " ".join(words)
    if words == ("-",):
        text = sys.stdin.buffer.read().decode("utf-8", "replace")
    heard = asked.ask(operations.CMD, operations.Said(text, actor))
    click.echo(heard.reply)
    if heard.refused:
        raise Refused("refused; the reply says why")
