"""The reference card: every command on a line or two, for mail and for the documentation."""

from listserv_py.commands.command import Command, Table

_LEGEND = """\
CAPITALS are the shortest abbreviation; [x] may be left out; a|b is a choice.
QUIET in front keeps the person concerned from being told."""


def card(table: Table) -> str:
    """All commands with syntax and synonyms, in the table's order."""
    return _LEGEND + "\n\n" + "\n".join(_lines(unit) for unit in table.units)


def _lines(unit: Command) -> str:
    also = f" (also {', '.join(unit.synonyms)})" if unit.synonyms else ""
    return f"{unit.line}\n    {unit.summary}{also}"
