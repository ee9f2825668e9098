"""`edit`: a list's header in the operator's own editor."""

import os
import tempfile

import click

from listserv_py.cli.operator import Operator, note, operator
from listserv_py.control import operations
from listserv_py.control.headers import Edited, Outcome
from listserv_py.control.operation import Refused


@click.command
@click.argument("name")
@operator
def edit(asked: Operator, name: str) -> None:
    """Change a list's header in $EDITOR; nothing is stored while it has faults."""
    opened = asked.ask(operations.EDIT, name)
    try:
        _edit(asked, name, opened)
    finally:
        asked.ask(operations.EDIT_CLOSE, name)


def _edit(asked: Operator, name: str, opened: str) -> None:
    text = opened
    while True:
        text = click.edit(text, extension=".list", require_save=False) or text
        if text == opened:
            note(f"{name.upper()}: nothing was changed")
            return
        outcome = _save(asked, Edited(name, opened, text))
        if not outcome.faults:
            _tell(name, outcome)
            return
        note(outcome.faults)
        if not _again():
            raise Refused(f"{name.upper()}: nothing was changed; {_kept(text)}")


def _again() -> bool:
    try:
        return click.confirm("Edit it again?", default=True, err=True)
    except click.Abort:
        return False


def _save(asked: Operator, edited: Edited) -> Outcome:
    try:
        return asked.ask(operations.EDIT_SAVE, edited)
    except Refused as exc:
        raise Refused(f"{exc}; {_kept(edited.text)}") from exc


def _tell(name: str, outcome: Outcome) -> None:
    if not outcome.changes:
        note(f"{name.upper()}: nothing was changed")
        return
    click.echo(outcome.changes)
    if outcome.remarks:
        note(outcome.remarks)
    note(f"{name.upper()}: the header is stored, and its owners are told")


def _kept(text: str) -> str:
    """An hour's work is not thrown away: it lies in a file."""
    descriptor, path = tempfile.mkstemp(prefix="listserv-py-", suffix=".list")
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
    return f"what you wrote lies in {path}"
