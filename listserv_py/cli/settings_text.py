"""Writes the settings table for people: the sample configuration and `docs/settings.md`.

Both are read off the models in `config`; a setting is described there and nowhere else. `init`
writes the same sample with some of its values filled in.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from listserv_py.config import DEFAULT_FILE, Settings
from listserv_py.store import lifetimes
from listserv_py.tomlfaults import kind_of, model_of
from listserv_py.units import Kind

_EXAMPLES = {
    "site.domain": '"lists.example.org"',
    "site.postmasters": '["admin@example.org"]',
}

_PREFACE = """\
The configuration is TOML, read from `--config`, else from `$LISTSERV_PY_CONFIG`, else from
`{file}`. `listserv-py check` names every fault with file, line and key.
`kill -HUP` rereads all but listeners and folders. A relative path is taken from the folder of the
configuration. A kB is 1000 bytes. `config/listserv.toml` says the same as a file to begin from."""


_LIFETIMES = """\
Each table of the database, and what in the settings says how long a row of it stays (in brackets:
what that is out of the box). Every minute what has had its time is forgotten, and its bytes are
overwritten. No span can be longer than ten years; only `archive` can be empty, which is for as
long as the list is there. Beside the database lie `erased` and `left`, keyed hashes with times of
the erased and of who has left a list; they are needed for as long as a backup might bring them
back, so delete them together with your backups and not before; to another machine they go along,
with `erased.key`, before `restore`. Journals of deliveries are gone
seconds after they were read into the database. What the log says is your system's to keep."""


@dataclass(frozen=True, slots=True)
class Row:
    """One setting: its name, what it takes, how its default is written ("" when it has none)."""

    table: str
    name: str
    allowed: str
    default: str
    sentence: str

    @property
    def key(self) -> str:
        """The name with its table's: `site.domain`."""
        return f"{self.table}.{self.name}"


def rows() -> Iterator[tuple[str, str, tuple[Row, ...]]]:
    """Each table's name, its sentence and its settings, in the order in which to read them."""
    for table, field in Settings.model_fields.items():
        model = model_of(field)
        if model is not None:
            settings = tuple(_row(table, name, one) for name, one in model.model_fields.items())
            yield table, _sentence_of(model), settings


def commented_toml(values: Mapping[str, str] | None = None) -> str:
    """Every setting commented out at its default, but for the required and `values` (as TOML)."""
    given = dict(values or {})
    lines = [
        "# The configuration of listserv_py. Each setting stands commented out at its default;",
        "# docs/settings.md says the same as a table. `listserv-py check` names every fault.",
    ]
    for table, sentence, settings in rows():
        head = "[[listen]]" if table == "listen" else f"[{table}]"
        lines += ["", *_comment(sentence)]
        # An empty [[listen]] would be a listener too, so the head is commented out with it.
        silent = table == "listen" and not any(row.key in given for row in settings)
        lines += [f"# {head}" if silent else head]
        for row in settings:
            value = given.get(row.key) or ("" if row.default else _EXAMPLES[row.key])
            lines += _comment(row.sentence)
            lines += [f"{row.name} = {value}" if value else f"# {row.name} = {row.default}"]
    return "\n".join(lines) + "\n"


def settings_page() -> str:
    """The text of `docs/settings.md`."""
    parts = [
        "# Settings",
        "",
        "Written by `make docs` from the settings table in `listserv_py/config.py`.",
        "",
        _PREFACE.format(file=DEFAULT_FILE),
    ]
    for table, sentence, settings in rows():
        head = "[[listen]]" if table == "listen" else f"[{table}]"
        parts += ["", f"## `{head}`", "", sentence, ""]
        parts += ["| setting | takes | default | what it is |", "|---|---|---|---|"]
        parts += [_table_line(row) for row in settings]
    parts += ["", "## How long what is kept", "", _LIFETIMES, ""]
    parts += ["| table | what it holds | how long |", "|---|---|---|"]
    example = Settings.model_validate({"site": {"domain": "lists.example.org"}})
    parts += [f"| `{name}` | {what} | {lasts} |" for name, what, lasts in lifetimes.rows(example)]
    return "\n".join(parts) + "\n"


def _row(table: str, name: str, field: FieldInfo) -> Row:
    kind, many = kind_of(field)
    if kind is None:
        raise TypeError(f"{table}.{name} has no Kind")
    allowed = f"a list, each {kind.allowed}" if many else kind.allowed
    default = "" if field.is_required() else _written(field.get_default(), kind)
    return Row(table, name, allowed, default, field.description or "")


def _written(value: object, kind: Kind) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_written(one, kind) for one in value)}]"
    if isinstance(value, bool):
        return str(value).lower()
    shown = kind.write(value)
    if isinstance(value, int) and shown == str(value):
        return shown
    return json.dumps("" if value is None else shown)


def _sentence_of(model: type[BaseModel]) -> str:
    return (model.__doc__ or "").strip()


def _comment(sentence: str) -> list[str]:
    return textwrap.wrap(sentence, 96, initial_indent="# ", subsequent_indent="# ")


def _table_line(row: Row) -> str:
    default = f"`{row.default}`" if row.default else "required"
    if row.key in _EXAMPLES and row.default:
        default += f", e.g. `{_EXAMPLES[row.key]}`"
    return f"| `{row.name}` | {row.allowed} | {default} | {row.sentence} |"
