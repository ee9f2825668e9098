"""The reference card: every command on a line or two, for mail and for the documentation."""

from listserv_py.commands.command import Command, Table
from listserv_py.texts.words import Words


def card(table: Table, words: Words) -> str:
    """All commands with syntax and synonyms, in the table's order."""
    legend = [words.row(name, {}) for name in ("REFCARD_LETTERS", "REFCARD_QUIET")]
    return "\n".join([*legend, "", *(_lines(unit, words) for unit in table.units)])


def summaries(table: Table, words: Words) -> str:
    """All commands with what they do, for HELP."""
    return "\n".join(_line(unit, words) for unit in table.units)


def details(unit: Command, words: Words) -> str:
    """What HELP says of a command below its row, "" where that says it all."""
    form = unit.details_form
    return " ".join(words.fill(form, {}).body.split()) if form in words.forms.by_name else ""


def _lines(unit: Command, words: Words) -> str:
    also = {"SYNONYMS": ", ".join(unit.synonyms)}
    said = f" ({words.row('REFCARD_ALSO', also)})" if unit.synonyms else ""
    return f"{_line(unit, words)}{said}"


def _line(unit: Command, words: Words) -> str:
    return f"{unit.line}\n    {words.row(unit.summary_form, {})}"
