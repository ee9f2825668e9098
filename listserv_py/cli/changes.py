"""`check-changelog`: whether the change log says what was written into it."""

import click

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.control import operations
from listserv_py.control.operation import Refused


@click.command("check-changelog")
@operator
def check_changelog(asked: Operator) -> None:
    """Check that no line of the change log was altered, taken out or put in."""
    found = asked.ask(operations.CHECK_CHANGES, None)
    if found.broken is not None:
        raise Refused(f"the change log is not what was written: {found.broken}")
    note(f"{found.lines} lines, {found.erased} of them erased; all are what was written")
    click.echo(found.head)
