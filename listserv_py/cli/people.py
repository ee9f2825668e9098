"""`erase` and `personal-data`: the rights of a person whose data lie here."""

import json

import click

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.control import operations


@click.command
@click.argument("address")
@operator
def erase(asked: Operator, address: str) -> None:
    """Erase a person: subscriptions, waiting mail, requests, bounces, and their traces on disk."""
    erasure = operations.Erasure(address)
    while not erasure.archived.is_done:
        erasure = asked.ask(operations.ERASE_ARCHIVED, erasure)
    erased = asked.ask(operations.ERASE, erasure)
    rows = erased.rows
    of_them = "1 row" if rows == 1 else f"{rows} rows"
    note(f"{address} is erased: {of_them}" if rows else f"nothing was stored about {address}")
    for text in erased.named_in:
        note(f"still named in {text}: whoever wrote that has to take the address out")


@click.command("personal-data")
@click.argument("address")
@operator
def personal_data(asked: Operator, address: str) -> None:
    """Print all that is stored about a person, as JSON."""
    stored = asked.ask(operations.PERSONAL_DATA, address)
    click.echo(json.dumps({"address": address, **stored}, indent=2, ensure_ascii=False))
